"""Runs of `process` that are ended before they are done: interrupted, killed, brought down."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live import annotate, cli
from fra_live.errors import EngineError
from fra_live.process import process
from fra_live.results import FrameResult
from fra_live.video import files
from tests.red import RedFinder, film, lines, photo, visible

ROOT = Path(__file__).parents[1]


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


def child(*arguments: object) -> subprocess.CompletedProcess[str]:
    """This file as a program, see its end; without a fault handler of somebody else's."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONFAULTHANDLER", None)
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def states(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str | None]]:
    assert done.returncode == 0, done.stderr
    return [(state, said) for state, said in json.loads(done.stdout)]


@pytest.mark.parametrize("frame", [15, 62])
def test_killed_runs_resume_to_the_same_result(tmp_path: Path, frame: int) -> None:
    inputs = [film(tmp_path / "a.mp4"), photo(tmp_path / "b.png"), film(tmp_path / "c.mp4")]
    whole, out = tmp_path / "whole", tmp_path / "out"
    process(inputs, whole, RedFinder(), frames_jsonl=True)
    name, number = ("a.mp4", frame) if frame < 50 else ("c.mp4", frame - 50)
    assert child("kill", name, number, out, *inputs).returncode == -signal.SIGKILL
    assert "events.jsonl" not in visible(out)
    report = process(inputs, out, RedFinder(), frames_jsonl=True)
    assert [r.state for r in report.inputs][:1] == ["done" if frame < 50 else "skipped"]
    assert visible(out) == visible(whole)


def test_a_file_that_brings_the_program_down_does_so_once(tmp_path: Path) -> None:
    inputs = [film(tmp_path / f"{name}.mp4", 1) for name in "abc"]
    run = ["crash", "b.mp4", 5, tmp_path / "out", *inputs]
    assert child(*run).returncode == -signal.SIGSEGV
    assert set(visible(tmp_path / "out")) == {"a.mp4", ".b.part.mp4"}

    told = (
        f"{inputs[1]} is left out: the program died while it was at work on it (Segmentation"
        " fault); give --again to try once more, or convert it."
    )
    expected = [("skipped", None), ("refused", told), ("done", None)]
    assert states(child(*run)) == expected
    assert set(visible(tmp_path / "out")) == {"a.mp4", "c.mp4", "events.jsonl", "frames.jsonl"}
    expected[2] = ("skipped", None)
    assert states(child(*run)) == expected

    assert child(*run, "--again").returncode == -signal.SIGSEGV
    assert states(child(*run)) == expected
    healed = ["well", *run[1:]]
    assert states(child(*healed)) == expected
    assert states(child(*healed, "--again")) == [("skipped", None), ("done", None), *expected[2:]]
    assert states(child(*run)) == [("skipped", None)] * 3


def test_another_file_of_that_name_is_another_file(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 1)
    assert child("crash", "a.mp4", 5, tmp_path / "out", path).returncode == -signal.SIGSEGV
    film(path, 2)
    assert states(child("well", "a.mp4", 5, tmp_path / "out", path)) == [("done", None)]


def test_an_image_that_brings_the_program_down(tmp_path: Path) -> None:
    inputs = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png")]
    run = ["crash", "a.png", 0, tmp_path / "out", *inputs]
    assert child(*run).returncode == -signal.SIGSEGV
    assert [state for state, _ in states(child(*run))] == ["refused", "done"]


def test_a_run_that_is_killed_again_and_again_at_one_file(tmp_path: Path) -> None:
    """As when memory runs out each time: nobody tells why, so it is tried three times."""
    inputs = [film(tmp_path / f"{name}.mp4", 1) for name in "ab"]
    run = ["kill", "a.mp4", 5, tmp_path / "out", *inputs]
    for _ in range(3):
        assert child(*run).returncode == -signal.SIGKILL
    (state, said), last = states(child(*run))
    assert (state, last) == ("refused", ("done", None))
    assert said is not None and "the program was ended 3 times while it was at work on it" in said
    assert states(child("well", *run[1:], "--again"))[0] == ("done", None)
    film(inputs[0], 2)  # done once, it has no past any more
    for _ in range(2):
        assert child(*run).returncode == -signal.SIGKILL
    assert states(child("well", *run[1:]))[0] == ("done", None)


def test_ctrl_c_is_not_held_against_a_file(tmp_path: Path) -> None:
    path, out = film(tmp_path / "a.mp4", 1), tmp_path / "out"
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            process([path], out, Failing(KeyboardInterrupt(), 5))
    assert process([path], out, RedFinder()).ok


def test_the_program_says_so(tmp_path: Path, mobile_bundle: Path) -> None:
    """The command itself, with the model that ships."""
    inputs = [film(tmp_path / f"{name}.mp4", 0.4) for name in "ab"]
    run = ["cli", "a.mp4", 2, tmp_path / "out", *inputs, "--model", mobile_bundle]
    assert child(*run).returncode == -signal.SIGSEGV
    done = child(*run)
    assert done.returncode == 1
    assert "a.mp4 is left out: the program died" in done.stderr
    assert "1 done, 1 refused" in done.stdout


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
    command = [
        sys.executable, "-m", "fra_live", "process", *map(str, inputs), "--out", str(out),
        "--frames", "--model", str(mobile_bundle), "--threads", "1",
    ]  # fmt: skip
    program = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
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


# -- the program that dies --------------------------------------------------------------------


def _die_at(how: str, name: str, frame: int) -> None:
    """Let the decoder end the program at a frame of a file."""

    def die() -> None:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how in ("crash", "cli"):
            ctypes.string_at(0)

    read, decode = files.FileSource._read, annotate.read_image

    def reading(self: files.FileSource) -> Iterator[Any]:
        for given in read(self):
            if self.path is not None and self.path.name == name and given.index == frame:
                die()
            yield given

    def reading_image(path: Path) -> np.ndarray:
        if path.name == name:
            die()
        return decode(path)

    files.FileSource._read = reading  # type: ignore[method-assign]
    annotate.read_image = reading_image


def _main(how: str, name: str, frame: str, out: str, *rest: str) -> int:
    _die_at(how, name, int(frame))
    if how == "cli":
        return cli.main(["process", *rest, "--out", out, "--threads", "1"])
    inputs = [path for path in rest if path != "--again"]
    report = process(inputs, Path(out), RedFinder(), frames_jsonl=True, again="--again" in rest)
    print(json.dumps([[r.state, r.problem] for r in report.inputs]))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
