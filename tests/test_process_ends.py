"""Runs of `process` that are ended before they are done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live.errors import EngineError
from fra_live.process import process
from fra_live.results import FrameResult
from tests.dying import ROOT, command
from tests.red import RedFinder, film, lines, photo, visible


class Failing(RedFinder):
    def __init__(self, error: BaseException, at: int) -> None:
        super().__init__()
        self.error, self.at = error, at

    def __call__(self, image: np.ndarray, **options: Any) -> FrameResult:
        if self.calls == self.at:
            raise self.error
        return super().__call__(image, **options)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EngineError("It is gone.")])
def test_an_interruption_leaves_whole_files_only(tmp_path: Path, error: BaseException) -> None:
    inputs, out = [film(tmp_path / "a.mp4"), film(tmp_path / "b.mp4")], tmp_path / "out"
    with pytest.raises(type(error)):
        process(inputs, out, Failing(error, 70), frames_jsonl=True)
    assert set(visible(out)) == {"a.mp4", "events.jsonl", "frames.jsonl"}
    assert len(lines(out / "events.jsonl")) == 1
    report = process(inputs, out, RedFinder(), frames_jsonl=True)
    assert [r.state for r in report.inputs] == ["skipped", "done"]
    assert len(lines(report.events)) == 2
    assert len(lines(report.frames)) == 100


def test_ctrl_c_is_not_held_against_a_file(tmp_path: Path) -> None:
    path, out = film(tmp_path / "a.mp4", 1), tmp_path / "out"
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            process([path], out, Failing(KeyboardInterrupt(), 5))
    assert process([path], out, RedFinder()).ok


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "interrupted."), (signal.SIGTERM, 143, "stopped.")],
)
def test_a_signal_in_the_middle_of_a_film(
    number: signal.Signals, status: int, said: str, tmp_path: Path, mobile_bundle: Path
) -> None:
    """The command itself, with the model that ships."""
    inputs, out = [photo(tmp_path / "a.png"), film(tmp_path / "b.mp4", 60)], tmp_path / "out"
    line = [
        sys.executable, "-m", "fra_live", "process", *map(str, inputs), "--out", str(out),
        "--frames", "--model", str(mobile_bundle), "--threads", "1",
    ]  # fmt: skip
    program = subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not (out / ".b.part.mp4").exists():
            assert program.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        program.send_signal(number)
        printed, errors = program.communicate(timeout=120)
    finally:
        program.kill()
        program.wait()
    assert program.returncode == status
    assert errors.splitlines()[-1] == f"fra-live: {said}"
    assert "Traceback" not in errors
    assert printed == ""
    assert set(visible(out)) == {"a.png", "events.jsonl", "results.jsonl"}
    again = process(inputs[:1], out, RedFinder())
    assert again.inputs[0].output == out / "a.png"


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_where_the_engine_hangs(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 1)
    line, environment = command("hang", "a.mp4", 0, tmp_path / "out", path)
    program = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "hanging\n"
        program.send_signal(signal.SIGINT)
        began = time.monotonic()
        said, _ = program.communicate(timeout=60)
    finally:
        program.kill()
        program.wait()
    assert (said, program.returncode) == ("interrupted\n", 0)
    assert time.monotonic() - began < 30  # seconds, for a call that never comes back
    assert set(visible(tmp_path / "out")) == {"events.jsonl"}
