"""Which engine follows on one that fails or hangs, and what is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fra_live import standby
from fra_live.errors import EngineError
from fra_live.process import process
from fra_live.standby import reserves_of
from tests.faulty import Engined, Faulty, raising, unavailable
from tests.red import RedFinder, film, photo, visible


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a hanging call waits for; it goes on when the test is over."""
    event = threading.Event()
    yield event
    event.set()


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
    """Nor a reason to leave out the files after it."""

    def fails(call: int) -> None:
        if call in (0, 3):
            raise MemoryError

    inputs = [photo(tmp_path / "a.png"), film(tmp_path / "b.mp4", 1), photo(tmp_path / "c.png")]
    report = process(
        inputs, tmp_path / "out", Faulty(Engined("torch"), fails),
        reserves=[lambda: Engined("openvino")],
    )  # fmt: skip
    assert [r.state for r in report.inputs] == ["refused", "refused", "done"]
    assert all("needs more memory than there is" in str(p) for p in report.problems)
    assert report.notices == ()
    assert set(visible(tmp_path / "out")) == {"c.png", "events.jsonl", "results.jsonl"}


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
