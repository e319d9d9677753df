"""`scripts/killed.py` with the model that ships, at one moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_killed_run_resumes_to_the_same_result(root: Path, mobile_bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(root / "scripts" / "killed.py"), "--moments", "1", "--frames", "4",
         "--seed", "2", "--model", str(mobile_bundle)],
        capture_output=True,
        text=True,
        timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "1 of 1 resumed to the identical final result"
