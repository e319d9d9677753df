"""`process` where the engine fails or hangs in the middle of a run, and another one takes over."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fra_live import cli
from fra_live.commands import process as commands
from fra_live.pool import RecognizerPool
from fra_live.process import process
from fra_live.recognizer import Recognizer, load
from fra_live.reports import Progress
from tests.dying import child
from tests.faulty import Faulty, raising
from tests.red import film, lines, visible

PATIENCE_S = 3.0  # of a real engine, for a frame that takes it 50 ms, on a busy machine


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a hanging call waits for; it goes on when the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(scope="module")
def real(mobile_bundle: Path) -> Recognizer:
    """The model that ships, under OpenVINO."""
    return load(mobile_bundle, "openvino", "f32", 1)


@pytest.fixture(scope="module")
def other(mobile_bundle: Path) -> Recognizer:
    """The same once more, for the reserve."""
    return load(mobile_bundle, "openvino", "f32", 1)


@pytest.fixture(scope="module")
def undisturbed(real: Recognizer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    process([film(folder / "a.mp4", 0.8)], folder / "out", real, frames_jsonl=True)
    return visible(folder / "out")


@pytest.mark.parametrize("last", [3, None], ids=["once", "always"])
def test_a_frame_that_fails_is_recognized_by_the_next_engine(
    last: int | None,
    real: Recognizer,
    other: Recognizer,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
) -> None:
    told: list[Progress] = []
    path, out = film(tmp_path / "a.mp4", 0.8), tmp_path / "out"
    broken = Faulty(real, raising(3, last))
    report = process(
        [path], out, broken, frames_jsonl=True, reserves=[lambda: other], progress=told.append
    )
    assert report.ok
    assert report.notices == (
        "The engine (openvino in f32) failed at frame 3 of a.mp4 (The network is gone); openvino"
        " in f32 carries on from there.",
    )
    assert tuple(t.message for t in told if t.message) == report.notices
    assert broken.calls in (4, 5)  # the frame after that was under way
    rows = lines(report.frames)
    assert [row["index"] for row in rows] == list(range(8))
    # As if nothing had happened: no frame is lost, doubled or out of its order.
    assert visible(out)["a.mp4"] == undisturbed["a.mp4"]


def test_an_engine_that_hangs_is_left_to_itself(
    real: Recognizer, other: Recognizer, undisturbed: dict[str, bytes], tmp_path: Path,
    stuck: threading.Event,
) -> None:  # fmt: skip
    path, out = film(tmp_path / "a.mp4", 0.8), tmp_path / "out"
    broken = Faulty(real, lambda call: call == 4 and stuck.wait(100))
    report = process([path], out, broken, reserves=[lambda: other], patience_s=PATIENCE_S)
    assert report.ok
    assert report.notices == (
        "The engine (openvino in f32) has not answered for 3 s at frame 4 of a.mp4; openvino in"
        " f32 carries on from there.",
    )
    assert visible(out)["a.mp4"] == undisturbed["a.mp4"]


@pytest.mark.parametrize("how", ["raises", "hangs"])
def test_one_of_several_fails(
    how: str, real: Recognizer, other: Recognizer, undisturbed: dict[str, bytes], tmp_path: Path,
    stuck: threading.Event,
) -> None:  # fmt: skip
    fails = raising(2) if how == "raises" else (lambda call: call == 2 and stuck.wait(100))
    members: list[Any] = [Faulty(real, fails), Faulty(other, lambda _: None)]
    reserve = load(real.bundle.folder, "openvino", "f32", 1)
    path, out = film(tmp_path / "a.mp4", 0.8), tmp_path / "out"
    report = process(
        [path], out, RecognizerPool(members), reserves=[lambda: RecognizerPool([reserve])],
        patience_s=PATIENCE_S,
    )  # fmt: skip
    assert len(report.notices) == 1
    assert visible(out)["a.mp4"] == undisturbed["a.mp4"]


def test_the_program_falls_back_and_says_so(
    real: Recognizer,
    mobile_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`fra-live process` as it is, but for the fault; what takes over is loaded by itself."""
    members: list[Any] = [Faulty(real, raising(2))]
    monkeypatch.setattr(commands, "load_recognizers", lambda _: RecognizerPool(members))
    path, out = film(tmp_path / "a.mp4", 0.4), tmp_path / "out"
    status = cli.main([
        "process", str(path), "--out", str(out), "--model", str(mobile_bundle), "--threads", "1",
        "--json", "-",
    ])  # fmt: skip
    printed, said = capsys.readouterr()
    assert status == 0
    assert "openvino in f32 carries on from there." in said
    figures = json.loads(printed)
    assert [entry["frames"] for entry in figures["inputs"]] == [4]
    assert "failed at frame 2 of a.mp4" in figures["notices"][0]


def test_a_program_whose_engine_hangs_for_ever_still_ends_well(
    mobile_bundle: Path, tmp_path: Path
) -> None:
    """The thread that is left in the engine's own code must not abort the program at its end."""
    path = film(tmp_path / "a.mp4", 0.4)
    done = child(
        "endless", "none", 0, tmp_path / "out", path, "--model", mobile_bundle, "--patience", 5
    )
    assert "has not answered for 5 s at frame 2 of a.mp4; openvino" in done.stderr
    assert "terminate" not in done.stderr
    assert "1 done" in done.stdout
    assert done.returncode == 0
