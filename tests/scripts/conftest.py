"""Made-up photos, and the scripts' `main` as a user's command line calls it."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs scripts/<name> with arguments."""
    monkeypatch.syspath_prepend(str(root / "scripts"))

    def call(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        script = importlib.import_module(name.removesuffix(".py"))
        status = script.main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(name, status, out, err)

    return call


@pytest.fixture
def jpeg() -> Callable[..., bytes]:
    """Makes a JPEG of width x height px."""

    def make(width: int, height: int) -> bytes:
        image = np.random.default_rng(width * height).integers(0, 255, (height, width, 3), np.uint8)
        done, data = cv2.imencode(".jpg", cv2.GaussianBlur(image, (0, 0), 3))
        assert done
        return bytes(data)

    return make
