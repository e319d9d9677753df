"""The API reference is built without a warning."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

MODULES = ("torch", "sklearn", "onnx", "gradio", "matplotlib", "skimage", "nncf", "pdoc")


def test_the_reference_is_built_without_warnings(root: Path, tmp_path: Path) -> None:
    if missing := [module for module in MODULES if find_spec(module) is None]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    command = [sys.executable, str(root / "docs" / "api.py"), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "fra_live.html").read_text(encoding="utf-8")
    assert "load" in page and "FrameResult" in page
    assert (tmp_path / "fra_live" / "stages" / "windows.html").is_file()
