"""Runs of `process` that are killed or brought down: what the next run makes of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from fra_live.process import process
from fra_live.video.inputs import expand_inputs
from tests.dying import child, states
from tests.red import RedFinder, film, photo, visible


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


def test_the_program_says_so(tmp_path: Path, mobile_bundle: Path) -> None:
    """The command itself, with the model that ships."""
    inputs = [film(tmp_path / f"{name}.mp4", 0.4) for name in "ab"]
    run = ["cli", "a.mp4", 2, tmp_path / "out", *inputs, "--model", mobile_bundle]
    assert child(*run).returncode == -signal.SIGSEGV
    done = child(*run)
    assert done.returncode == 1
    assert "a.mp4 is left out: the program died" in done.stderr
    assert "1 done, 1 refused" in done.stdout


def test_a_death_counts_once_however_early_the_next_run_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = film(tmp_path / "a.mp4", 1), tmp_path / "out"
    assert child("kill", "a.mp4", 5, out, path).returncode == -signal.SIGKILL
    noted: list[bytes] = []

    def search(*given: Any) -> Any:
        noted.append((out / ".fra-live" / "at-work").read_bytes())
        return expand_inputs(*given)

    monkeypatch.setattr("fra_live.process.expand_inputs", search)
    assert process([path], out, RedFinder(), frames_jsonl=True).ok
    assert noted == [b""]  # while it looks for its inputs, which may take long
