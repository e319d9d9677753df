"""`process` where the engine fails or hangs in the middle of a run, and another one takes over."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fra_live import cli, standby
from fra_live.commands import process as commands
from fra_live.errors import EngineError
from fra_live.pool import RecognizerPool
from fra_live.process import process
from fra_live.recognizer import Recognizer, load
from fra_live.reports import Progress
from fra_live.results import FrameResult
from fra_live.standby import reserves_of
from tests.red import RedFinder, film, lines, photo, visible

PATIENCE_S = 3.0  # of a real engine, for a frame that takes it 50 ms, on a busy machine


class Faulty:
    """A recognizer that is called through: at some calls it raises, or does not come back.

    Args:
        recognizer: the real one.
        fails: told the number of a call, from 0; raises, waits, or does nothing.
    """

    def __init__(self, recognizer: Any, fails: Callable[[int], object]) -> None:
        self._recognizer, self._fails, self.calls = recognizer, fails, 0
        self.labels, self.bundle = recognizer.labels, recognizer.bundle
        self.engine, self.threshold = recognizer.engine, recognizer.threshold

    def __call__(self, image: np.ndarray, **options: Any) -> FrameResult:
        self.calls += 1
        self._fails(self.calls - 1)
        result: FrameResult = self._recognizer(image, **options)
        return result


def raising(first: int, last: int | None = None) -> Callable[[int], None]:
    def fails(call: int) -> None:
        if call >= first and (last is None or call <= last):
            raise EngineError("The network is\n gone.")

    return fails


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


class Engined(RedFinder):
    """Tells what runs it."""

    def __init__(self, backend: str) -> None:
        super().__init__()
        self.engine = SimpleNamespace(backend=backend, precision="f32")


def unavailable() -> RedFinder:
    raise EngineError("There is no driver.")


def test_the_next_is_the_next_that_works(tmp_path: Path) -> None:
    inputs = [film(tmp_path / "a.mp4", 1), photo(tmp_path / "b.png"), film(tmp_path / "c.mp4", 1)]
    second = Faulty(Engined("torch"), raising(12))
    third = Engined("openvino")
    asked: list[str] = []

    def reserve(name: str, give: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: asked.append(name) or give()

    report = process(
        inputs, tmp_path / "out", Faulty(Engined("tensorrt"), raising(4)),
        reserves=[
            reserve("none", unavailable),
            reserve("second", lambda: second),
            reserve("third", lambda: third),
            reserve("fourth", unavailable),
        ],
    )  # fmt: skip
    assert [r.state for r in report.inputs] == ["done"] * 3
    assert asked == ["none", "second", "third"]
    first, then = report.notices
    assert "(tensorrt in f32) failed at frame 4 of a.mp4" in first
    assert "; torch in f32 carries on" in first
    # Its calls: 6 of the first film, the photo, and 5 of the second film.
    assert "(torch in f32) failed at frame 5 of c.mp4" in then
    assert third.calls == 5


def test_an_image_is_recognized_by_the_next_engine(tmp_path: Path) -> None:
    inputs = [photo(tmp_path / f"{name}.png") for name in "ab"]
    second = Engined("openvino")
    report = process(
        inputs, tmp_path / "out", Faulty(Engined("torch"), raising(0)), reserves=[lambda: second]
    )
    assert report.ok and second.calls == 2
    assert "(torch in f32) failed at a.png (" in report.notices[0]


def test_the_threshold_stays(tmp_path: Path) -> None:
    second = Engined("openvino")
    first = Faulty(Engined("torch"), raising(0))
    first.threshold = 0.25
    process([photo(tmp_path / "a.png")], tmp_path / "out", first, reserves=[lambda: second])
    assert second.threshold == 0.25


@pytest.mark.parametrize("how", ["raises", "hangs"])
def test_where_no_other_works_it_ends_in_a_sentence(
    how: str, tmp_path: Path, stuck: threading.Event
) -> None:
    inputs, out = [film(tmp_path / f"{name}.mp4", 1) for name in "ab"], tmp_path / "out"
    fails = raising(15) if how == "raises" else (lambda call: call == 15 and stuck.wait(100))
    with pytest.raises(EngineError) as caught:
        process(
            inputs, out, Faulty(Engined("torch"), fails), reserves=[unavailable], patience_s=0.5
        )
    what = "failed" if how == "raises" else "has not answered for 0.5 s"
    assert str(caught.value).startswith(f"The engine (torch in f32) {what} at frame 5 of b.mp4")
    assert str(caught.value).endswith(
        ", and no other engine is left (There is no driver); see 'fra-live doctor'."
    )
    assert set(visible(out)) == {"a.mp4", "events.jsonl"}
    assert [r.state for r in process(inputs, out, RedFinder()).inputs] == ["skipped", "done"]


def test_a_lack_of_memory_is_no_fault_of_the_engine(tmp_path: Path) -> None:
    def fails(_: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        process(
            [photo(tmp_path / "a.png")], tmp_path / "out", Faulty(Engined("torch"), fails),
            reserves=[lambda: Engined("openvino")],
        )  # fmt: skip


def test_the_first_call_may_take_longer(tmp_path: Path) -> None:
    """It may have to compile."""
    slow = Faulty(Engined("torch"), lambda call: call == 0 and threading.Event().wait(1.5))
    report = process([film(tmp_path / "a.mp4", 1)], tmp_path / "out", slow, patience_s=0.5)
    assert report.ok and not report.notices


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("tensorrt", ["torch auto", "openvino auto", "openvino f32", "torch f32"]),
        ("torch", ["openvino auto", "openvino f32", "torch f32"]),
        ("openvino", ["openvino f32", "torch f32"]),
    ],
)
def test_what_follows_on_what(
    backend: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "load_pool", lambda *options: options)
    pool: Any = Engined(backend)
    loaded: list[Any] = [load() for load in reserves_of(pool, "mine", 3)]
    assert loaded == [("mine", *engine.split(), 3) for engine in expected]


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
