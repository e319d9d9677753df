"""The loop where every frame is shown: films, cameras at their own pace, events, failures."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fra_live.errors import EngineError
from fra_live.live.events import EventTracker
from fra_live.live.loop import LiveLoop
from fra_live.results import Event
from fra_live.video.sources import open_source
from tests.live.hand_fed import Gated, HandFed, taken, wait_for
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
    with LiveLoop(FakeCamera(100), SlowRecognizer(0.4), every_frame=True) as loop:
        while loop.figures().recognized < 2:  # the first call, which may compile, tells nothing
            take(loop, 1)
        start = time.perf_counter()
        assert len(take(loop, 12)) == 12
        assert 12 < 12 / (time.perf_counter() - start) < 23


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
