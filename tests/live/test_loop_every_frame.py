"""The loop where every frame is shown: results go along with frames that are not recognized."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fra_live.errors import EngineError
from fra_live.live.events import EventTracker
from fra_live.live.loop import LiveFrame, LiveLoop
from fra_live.results import Event
from fra_live.video.base import Frame, Source
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
from tests.live.test_carrying import photo


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=24)


class HandFed(Source):
    """A camera that gives a frame whenever a test says so."""

    live = True

    def __init__(self) -> None:
        self.name, self.rate = "by hand", Fraction(30)
        self.image = photo(3, (96, 128))
        self._fed = threading.Semaphore(0)
        self._closed = False

    def feed(self, count: int = 1) -> None:
        self._fed.release(count)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while self._fed.acquire() and not self._closed:
            # The picture moves on by two px a frame.
            yield Frame(np.roll(self.image, 2 * index, axis=1), index / 30, index)
            index += 1

    def close(self) -> None:
        self._closed = True
        self.feed()


class Gated(SlowRecognizer):
    """Recognizes a frame whenever a test lets it."""

    def __init__(self) -> None:
        super().__init__(drinking=(0.0, 1e9))
        self.gate = threading.Semaphore(0)
        self.begun: list[int] = []
        self.on_call = lambda call: self.gate.acquire()

    def __call__(self, image: np.ndarray, /, **given: float) -> object:  # type: ignore[override]
        self.begun.append(round(30 * given["timestamp_s"]))
        return super().__call__(image, **given)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


def taken(loop: LiveLoop) -> LiveFrame:
    frame = loop.get(timeout_s=10)
    assert frame is not None
    loop.shown(frame)
    return frame


# -- one frame after the other -------------------------------------------------------------------


@pytest.fixture
def fed() -> Iterator[tuple[LiveLoop, HandFed, Gated]]:
    source, recognizer = HandFed(), Gated()
    loop = LiveLoop(source, recognizer, every_frame=True)
    try:
        yield loop, source, recognizer
    finally:
        recognizer.gate.release(1000)
        loop.close()


def test_frames_come_at_once_with_the_latest_result(fed: tuple[LiveLoop, HandFed, Gated]) -> None:
    loop, source, recognizer = fed
    source.feed()
    assert loop.get(timeout_s=0.05) is None  # nothing is known yet
    recognizer.gate.release()
    first = taken(loop)
    assert (first.index, first.carried, first.again) == (0, False, False)
    assert first.recognition is not None and first.recognition.frame.index == 0
    source.feed()
    wait_for(lambda: recognizer.begun == [0, 1])
    second = taken(loop)  # while it is being recognized
    assert (second.index, second.carried, second.recognition) == (1, True, None)
    assert second.recognized_s == first.captured_s < second.captured_s
    assert second.result.timestamp_s == 0.0 and second.timestamp_s == pytest.approx(1 / 30)
    box, moved = first.result.candidates[0].box_xyxy, second.result.candidates[0].box_xyxy
    np.testing.assert_allclose(moved, np.array(box) + np.array((2, 0, 2, 0)), atol=0.5)
    source.feed()
    assert taken(loop).index == 2
    source.feed()
    assert taken(loop).index == 3
    assert recognizer.begun == [0, 1]
    recognizer.gate.release()
    wait_for(lambda: recognizer.begun == [0, 1, 3])  # the newest, not the one after
    source.feed()
    fifth = taken(loop)
    assert fifth.recognition is not None and fifth.recognition.frame.index == 1
    assert (fifth.index, fifth.recognized_s) == (4, second.captured_s)
    figures = loop.figures()
    assert (figures.captured, figures.shown, figures.recognized, figures.dropped) == (5, 5, 2, 0)


def test_a_result_is_shown_itself_where_no_newer_frame_has_come(
    fed: tuple[LiveLoop, HandFed, Gated],
) -> None:
    loop, source, recognizer = fed
    recognizer.gate.release()
    source.feed()
    taken(loop)
    source.feed()
    assert taken(loop).carried
    recognizer.gate.release()
    own = taken(loop)
    assert (own.index, own.carried, own.again) == (1, False, True)
    assert own.result.timestamp_s == own.timestamp_s
    assert loop.figures().shown == 2


def test_a_result_that_comes_late_is_shown_with_the_last_frame_if_no_other_comes(
    fed: tuple[LiveLoop, HandFed, Gated],
) -> None:
    loop, source, recognizer = fed
    recognizer.gate.release()
    source.feed()
    taken(loop)
    source.feed()
    wait_for(lambda: len(recognizer.begun) == 2)
    taken(loop)
    source.feed()
    assert taken(loop).index == 2
    recognizer.gate.release()  # of frame 1; the camera is silent from now on
    late = taken(loop)
    assert (late.index, late.carried, late.again) == (2, True, True)
    assert late.recognition is not None and late.recognition.frame.index == 1
    recognizer.gate.release()
    own = taken(loop)
    assert (own.index, own.carried, own.again) == (2, False, True)


def test_only_so_much_is_held_when_nobody_takes_frames(
    fed: tuple[LiveLoop, HandFed, Gated],
) -> None:
    loop, source, recognizer = fed
    recognizer.gate.release(1000)
    source.feed(50)
    time.sleep(0.1)
    assert recognizer.begun == [0]
    taken(loop)
    wait_for(lambda: recognizer.begun == [0, 1])
    source.feed(50)
    time.sleep(0.1)
    assert recognizer.begun == [0, 1]


def test_a_paused_frame_comes_with_its_own_result(fed: tuple[LiveLoop, HandFed, Gated]) -> None:
    loop, source, recognizer = fed
    recognizer.gate.release()
    source.feed()
    taken(loop)
    source.feed()
    assert taken(loop).carried
    loop.pause()
    recognizer.gate.release()
    assert not taken(loop).carried
    assert loop.get(timeout_s=0.1) is None
    source.feed()  # old by the time the pause ends, and left out
    loop.step()
    source.feed(2)
    assert loop.get(timeout_s=0.1) is None  # only recognized ones now
    recognizer.gate.release()
    stepped = taken(loop)
    assert (stepped.carried, stepped.again) == (False, False)
    assert stepped.index >= 2


def test_it_may_be_switched_while_it_runs(fed: tuple[LiveLoop, HandFed, Gated]) -> None:
    loop, source, recognizer = fed
    recognizer.gate.release(1000)
    loop.every_frame = False
    source.feed(3)
    frames = take(loop, 3)
    loop.every_frame = True
    source.feed(5)
    wait_for(lambda: (frames.append(taken(loop)) or frames[-1].index) == 7)
    loop.every_frame = False
    source.feed(3)
    wait_for(lambda: (frames.append(taken(loop)) or frames[-1].index) == 10)
    indices = [f.index for f in frames]
    assert indices == sorted(indices)  # it never goes back in time
    assert [f.index for f in frames[:3]] == [0, 1, 2] and not frames[-1].carried
    recognized = [f.recognition.frame.index for f in frames if f.recognition is not None]
    assert recognized == sorted(set(recognized)) and len(recognized) == recognizer.calls


# -- films ---------------------------------------------------------------------------------------


def test_every_frame_of_a_film_is_shown_once(clip: Path) -> None:
    with LiveLoop(open_source(clip), SlowRecognizer(0.08), every_frame=True) as loop:
        frames = list(loop)
        figures = loop.figures()
    assert figures.shown + figures.dropped == 24
    new = [f.index for f in frames if not f.again]
    assert new == sorted(set(new)) and new[-1] == 23
    assert len(new) == figures.shown
    assert not frames[-1].carried  # the end is shown as it is
    recognized = [f.recognition for f in frames if f.recognition is not None]
    assert len(recognized) == figures.recognized <= 18
    assert [r.frame.index for r in recognized] == sorted({r.frame.index for r in recognized})
    assert not loop_threads()


@calm()
def test_a_slow_recognizer_holds_no_frame_up() -> None:
    recognizer = SlowRecognizer(0.09)
    with LiveLoop(FakeCamera(30), recognizer, every_frame=True) as loop:
        take(loop, 5)
        start = time.perf_counter()
        frames = take(loop, 36)
        spent = time.perf_counter() - start
        figures = loop.figures()
    assert 0.9 < spent < 1.4
    assert figures.dropped <= 4  # while the first one was recognized
    assert np.median([f.age_ms for f in frames]) < 12
    assert figures.age_p50_ms < 15 < 90 < figures.seen_p50_ms < 220
    assert 8 < figures.recognized_fps < 11.5 < 25 < figures.fps < 32


@calm()
def test_a_fast_camera_leaves_a_slow_recognizer_its_time() -> None:
    with LiveLoop(FakeCamera(100), SlowRecognizer(0.05), every_frame=True) as loop:
        take(loop, 40)
        figures = loop.figures()
    assert 25 < figures.fps < 42 and figures.dropped > 20
    assert figures.age_p50_ms < 40


@calm()
def test_a_quick_recognizer_is_waited_for() -> None:
    with LiveLoop(FakeCamera(25), SlowRecognizer(0.004), every_frame=True) as loop:
        take(loop, 4)
        frames = take(loop, 12)
    assert sum(f.carried or f.again for f in frames) <= 1


@pytest.mark.parametrize("pacing", ["every", "clock"])
def test_every_pacing_takes_it(pacing: str, clip: Path) -> None:
    with LiveLoop(
        open_source(clip),
        SlowRecognizer(0.001),
        pacing=pacing,  # type: ignore[arg-type]
        every_frame=True,
    ) as loop:
        frames = list(loop)
        assert loop.every_frame == (pacing == "clock")
    if pacing == "every":
        assert [f.index for f in frames] == list(range(24))
        assert not any(f.carried or f.again for f in frames)


# -- events --------------------------------------------------------------------------------------


def test_events_come_from_recognized_frames_alone(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=60, rate=30)
    recognizer = SlowRecognizer(0.03, drinking=(0.4, 0.9))
    tracker, seen = EventTracker("clip.mp4", LABELS), []
    update = tracker.update
    tracker.update = lambda r, i: seen.append((i, r.timestamp_s)) or update(r, i)  # type: ignore
    with LiveLoop(open_source(clip), recognizer, tracker=tracker, every_frame=True) as loop:
        frames = list(loop)
        ended = [e for f in frames for e in f.ended_events]
        recognized = [f.recognition for f in frames if f.recognition is not None]
        ended += loop.close()
    assert len(seen) == recognizer.calls
    assert seen == [(r.frame.index, r.frame.timestamp_s) for r in recognized]
    assert [e.action for e in ended] == ["drinking"]
    assert ended[0].peak_frame in {i for i, _ in seen}
    assert all(f.ended_events == (f.recognition.ended if f.recognition else ()) for f in frames)


def test_events_that_ended_with_a_frame_which_nobody_took_are_not_lost() -> None:
    source, recognizer = HandFed(), Gated()
    event = Event("x", "drinking", 0.0, 1.0, 0.9, 0, None)
    tracker = EventTracker("x", LABELS)
    tracker.update = lambda result, index: [event]  # type: ignore[method-assign]
    loop = LiveLoop(source, recognizer, tracker=tracker, every_frame=True)
    source.feed()
    recognizer.gate.release()
    wait_for(lambda: loop.figures().recognized == 1)
    assert loop.close() == (event,)
    assert loop.close() == ()


# -- what goes wrong -----------------------------------------------------------------------------


@calm()
def test_frames_go_on_while_another_engine_is_loaded() -> None:
    def break_down(call: int) -> None:
        if call == 3:
            raise EngineError("The GPU is gone.")

    loading = threading.Event()

    def slower() -> SlowRecognizer:
        loading.wait(10)
        return SlowRecognizer()

    with LiveLoop(
        FakeCamera(100), SlowRecognizer(on_call=break_down), every_frame=True, fallback=slower
    ) as loop:
        wait_for(lambda: taken(loop) is not None and bool(loop.notices()))
        frames = take(loop, 20)
        assert not any(f.recognition for f in frames[2:])
        loading.set()
        wait_for(lambda: taken(loop).recognition is not None)


@calm()
def test_a_hanging_engine_is_told_while_frames_go_on() -> None:
    hanging = threading.Event()

    def hang(call: int) -> None:
        if call == 3:
            hanging.wait(10)

    with LiveLoop(
        FakeCamera(100), SlowRecognizer(on_call=hang), hang_s=0.2, every_frame=True
    ) as loop:
        with pytest.raises(EngineError, match=r"has not answered for 0\.2 s"):
            take(loop, 1000)
        hanging.set()
    assert not loop_threads()
