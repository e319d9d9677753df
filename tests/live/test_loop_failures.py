from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from fra_live.errors import EngineError, FraLiveError, SourceError
from fra_live.live.events import EventTracker
from fra_live.live.loop import LiveLoop
from fra_live.video.sources import open_source
from tests.live.loop_parts import (
    LABELS,
    FakeCamera,
    SlowRecognizer,
    calm,
    loop_threads,
    take,
    write_clip,
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=24)


@calm()
def test_close_ends_the_threads_at_once_even_when_the_camera_is_silent() -> None:
    camera = FakeCamera(100)
    loop = LiveLoop(camera, SlowRecognizer())
    take(loop, 3)
    camera.silent = True
    loop.get(timeout_s=0.05)
    start = time.perf_counter()
    loop.close()
    assert time.perf_counter() - start < 1
    assert camera.closed.is_set() and not loop_threads()
    assert loop.ended and loop.get() is None


@calm()
def test_stop_wakes_a_display_that_waits() -> None:
    camera = FakeCamera(100)
    camera.silent = True
    with LiveLoop(camera, SlowRecognizer()) as loop:
        threading.Timer(0.1, loop.stop).start()
        start = time.perf_counter()
        assert loop.get() is None
        assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("failure", "kind", "told"),
    [
        (EngineError("The GPU is gone."), EngineError, "The GPU is gone."),
        (RuntimeError("odd"), FraLiveError, "RuntimeError: odd"),
    ],
)
def test_a_failing_recognizer_is_told_to_the_display(
    failure: Exception, kind: type[Exception], told: str
) -> None:
    def fail(call: int) -> None:
        if call == 3:
            raise failure

    with LiveLoop(FakeCamera(100), SlowRecognizer(on_call=fail)) as loop:
        with pytest.raises(kind, match=told):
            take(loop, 10)
        assert loop.figures().shown == 2
    assert not loop_threads()


def test_a_failing_source_is_told_after_its_last_frame_was_shown() -> None:
    camera = FakeCamera(50)
    with LiveLoop(camera, SlowRecognizer()) as loop:
        shown = len(take(loop, 3))
        camera.failure = SourceError("The camera caught fire.")
        with pytest.raises(SourceError, match="caught fire"):
            shown += len(take(loop, 20))
        assert loop.figures().shown >= shown


def test_a_failing_tracker_is_told() -> None:
    tracker = EventTracker("x", LABELS)
    tracker.update = lambda *a: 1 / 0  # type: ignore[method-assign]
    with (
        LiveLoop(FakeCamera(100), SlowRecognizer(), tracker=tracker) as loop,
        pytest.raises(FraLiveError, match="ZeroDivisionError"),
    ):
        take(loop, 3)


@calm()
def test_a_hanging_engine_is_told() -> None:
    hanging = threading.Event()

    def hang(call: int) -> None:
        if call == 3:
            hanging.wait()

    with LiveLoop(FakeCamera(100), SlowRecognizer(on_call=hang), hang_s=0.2) as loop:
        take(loop, 2)
        start = time.perf_counter()
        with pytest.raises(EngineError, match=r"has not answered for 0\.2 s"):
            loop.get()
        assert 0.1 < time.perf_counter() - start < 1
        hanging.set()
    assert not loop_threads()


@pytest.mark.parametrize("how", ["fails", "hangs"])
def test_another_engine_carries_on(how: str, clip: Path) -> None:
    hanging = threading.Event()

    def break_down(call: int) -> None:
        if call == 5 and how == "fails":
            raise EngineError("The GPU is gone.")
        if call == 5:
            hanging.wait()

    first, second = SlowRecognizer(on_call=break_down), SlowRecognizer()
    first.threshold = 0.7
    with LiveLoop(
        open_source(clip), first, pacing="every", hang_s=0.3, fallback=lambda: second
    ) as loop:
        frames = list(loop)
        notices = loop.notices()
        hanging.set()
    assert {f.index for f in frames} == set(range(24))  # no frame is lost on the way
    assert second.calls == 20 and second.threshold == 0.7
    assert len(notices) == 2 and "another engine carries on" in notices[-1]
    assert loop.notices() == []


def test_the_fallback_is_used_once() -> None:
    def fail(call: int) -> None:
        raise EngineError("Broken.")

    with (
        LiveLoop(
            FakeCamera(100),
            SlowRecognizer(on_call=fail),
            fallback=lambda: SlowRecognizer(on_call=fail),
        ) as loop,
        pytest.raises(EngineError, match=r"Broken\."),
    ):
        loop.get()
