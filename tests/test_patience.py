"""What is waited for, and that time in which the program did not run is nobody's fault."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from fra_live.patience import waits
from tests.stopped import PATIENCE_S


@pytest.mark.parametrize("patience_s", [0.1, 1.0, 2.5, 60.0])
def test_the_waits_make_up_the_patience(patience_s: float) -> None:
    every = list(waits(patience_s))
    assert sum(every) == pytest.approx(patience_s)
    assert len(every) >= 4 and max(every) <= 1.0


def test_without_patience_it_is_waited_for_ever() -> None:
    assert len(list(islice(waits(None), 100_000))) == 100_000


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_program_that_was_stopped_gives_nobody_up(root: Path) -> None:
    """As with Ctrl-Z and fg: engines, decoders and encoders have their time afterwards."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.stopped"], cwd=root, text=True,
        env={**os.environ, "PYTHONPATH": str(root)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdout is not None and program.stdout.readline() == "working\n"
        program.send_signal(signal.SIGSTOP)
        time.sleep(PATIENCE_S + 1)
        program.send_signal(signal.SIGCONT)
        time.sleep(PATIENCE_S / 10)  # whoever is impatient shows it now
        became = json.loads(program.communicate("go on\n", timeout=60)[0])
    assert became == dict.fromkeys(("in_the_crew", "in_the_loop", "reading", "writing"), "done")
