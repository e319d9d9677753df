from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fra_live.live.events import EventTracker
from fra_live.live.loop import LiveLoop
from fra_live.live.pacing import PlaybackClock
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


# -- which frames come ---------------------------------------------------------------------------


def test_every_frame_of_a_file_comes_in_order(clip: Path) -> None:
    with LiveLoop(open_source(clip), SlowRecognizer(0.002), pacing="every") as loop:
        frames = list(loop)
        figures = loop.figures()
    assert [f.index for f in frames] == list(range(24))
    assert figures.captured == figures.recognized == figures.shown == 24
    assert figures.dropped == 0
    assert not loop_threads()


@calm()
def test_a_file_plays_at_its_own_speed(clip: Path) -> None:
    with LiveLoop(open_source(clip), SlowRecognizer(0.001)) as loop:
        times = [time.perf_counter() for _ in loop]
    assert len(times) == 24  # fast enough: every frame is shown
    assert 0.65 < times[-1] - times[0] < 1.0  # 23 gaps of 1/30 s, less what the first call took


@calm()
def test_a_file_that_is_too_fast_loses_frames_not_time(clip: Path) -> None:
    with LiveLoop(open_source(clip), SlowRecognizer(0.1)) as loop:
        start = time.perf_counter()
        frames = list(loop)
        spent = time.perf_counter() - start
        figures = loop.figures()
    indices = [f.index for f in frames]
    assert indices == sorted(set(indices))
    assert indices[-1] == 23  # the last frame is never passed over
    assert 6 <= len(frames) <= 13
    assert figures.dropped == 24 - len(frames)
    assert spent < 1.6


@calm()
def test_a_fast_camera_loses_frames_and_its_age_stays_small() -> None:
    recognizer = SlowRecognizer(0.03)
    with LiveLoop(FakeCamera(100), recognizer) as loop:
        frames = take(loop, 30)
        figures = loop.figures()
    ages = [f.age_ms for f in frames]
    # At most one period of the camera (10 ms) waits before 30 ms of recognition.
    assert 30 <= figures.age_p50_ms < 55
    assert np.median(ages[20:]) < np.median(ages[:10]) + 15  # it does not grow
    assert figures.dropped > 30
    assert 20 < figures.fps < 34
    assert len(recognizer.threads) == 1


@calm()
def test_a_slow_display_holds_up_recognition_instead_of_piling_up() -> None:
    recognizer = SlowRecognizer(0.0)
    with LiveLoop(FakeCamera(200), recognizer) as loop:
        frames = take(loop, 8, display_s=0.05)
        ages = [f.age_ms for f in frames]
        # shown, ready; one more may have been started
        assert recognizer.calls <= len(frames) + 2
    assert max(ages[1:]) < 80


@calm()
def test_nothing_is_kept_when_nobody_takes_frames() -> None:
    recognizer = SlowRecognizer(0.0)
    with LiveLoop(FakeCamera(200), recognizer) as loop:
        time.sleep(0.3)
        assert recognizer.calls == 1
        frames = take(loop, 3)
        figures = loop.figures()
    assert frames[0].index == 0
    assert frames[2].index > 40  # the newest then
    assert figures.captured - figures.dropped in (3, 4)
    assert figures.captured > 40


def test_a_file_starts_over_when_it_repeats(clip: Path) -> None:
    with LiveLoop(
        open_source(clip), SlowRecognizer(), pacing="every", repeat=lambda: open_source(clip)
    ) as loop:
        frames = take(loop, 60)
    assert [f.index for f in frames] == list(range(60))
    gaps = np.diff([f.result.timestamp_s for f in frames])
    np.testing.assert_allclose(gaps, 1 / 30, atol=2e-3)


# -- how old they are ----------------------------------------------------------------------------


@calm()
def test_age_is_measured_from_capture_to_display() -> None:
    with LiveLoop(FakeCamera(20), SlowRecognizer(0.02)) as loop:
        frame = loop.get()
        assert frame is not None
        time.sleep(0.03)
        age_ms = loop.shown(frame)
        figures = loop.figures()
    assert 20 <= frame.age_ms < 45
    assert 50 <= age_ms < 80
    assert figures.age_p95_ms == age_ms


# -- pausing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda clip: open_source(clip), lambda clip: FakeCamera(100)])
def test_pause_and_step(make: Callable[[Path], FakeCamera], clip: Path) -> None:
    with LiveLoop(make(clip), SlowRecognizer()) as loop:
        take(loop, 2)
        loop.pause()
        while loop.get(timeout_s=0.15) is not None:  # what was under way
            pass
        assert loop.paused
        loop.step()
        assert len(take(loop, 1)) == 1
        assert loop.get(timeout_s=0.15) is None
        loop.pause(False)
        assert len(take(loop, 3)) == 3


def test_a_threshold_holds_from_the_next_frame_on() -> None:
    with LiveLoop(FakeCamera(100), SlowRecognizer()) as loop:
        take(loop, 1)
        loop.set_threshold(0.8)
        assert take(loop, 3)[-1].result.threshold == 0.8


def test_the_explanation_is_asked_for_while_it_is_wanted() -> None:
    recognizer = SlowRecognizer()
    with LiveLoop(FakeCamera(100), recognizer, explain=True) as loop:
        take(loop, 3)
        assert recognizer.explained >= 3
        loop.explain = False
        take(loop, 3)
        assert recognizer.calls > recognizer.explained


# -- events --------------------------------------------------------------------------------------


def test_events_come_with_the_frame_that_ends_them_or_with_the_close(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=60, rate=10)
    recognizer = SlowRecognizer(drinking=(1.0, 3.0))
    tracker = EventTracker("clip.mp4", LABELS)
    with LiveLoop(open_source(clip), recognizer, tracker=tracker, pacing="every") as loop:
        ended = [e for f in loop for e in f.ended_events]
        assert loop.close() == ()
    assert [e.action for e in ended] == ["drinking"]
    assert ended[0].start_s == pytest.approx(1.0, abs=0.15)
    assert ended[0].end_s == pytest.approx(3.0, abs=0.25)

    recognizer = SlowRecognizer(drinking=(4.0, 9.0))  # still going on at the end
    tracker = EventTracker("clip.mp4", LABELS)
    loop = LiveLoop(open_source(clip), recognizer, tracker=tracker, pacing="every")
    frames = list(loop)
    assert [e.action for e in frames[-1].active_events] == ["drinking"]
    assert [e.end_s for e in loop.close()] == [pytest.approx(5.9, abs=0.01)]
    assert loop.close() == ()


# -- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamps", "dues"),
    [
        ([5.0, 5.5, 5.75], [100.0, 100.5, 100.75]),  # only differences count
        ([0.0, 1.0, 0.5, 1.5], [100.0, 101.0, 101.0, 102.0]),  # back: as if repeated
        ([0.0, 9999.0, 10000.0], [100.0, 110.0, 111.0]),  # a damaged timestamp
    ],
)
def test_when_frames_are_due(timestamps: list[float], dues: list[float]) -> None:
    clock = PlaybackClock()
    assert [clock.due(t, now=100.0) for t in timestamps] == pytest.approx(dues)


def test_a_late_frame_is_not_caught_up_with() -> None:
    clock = PlaybackClock()
    clock.due(0.0, now=100.0)
    assert clock.due(0.1, now=100.3) == pytest.approx(100.1)  # a little late: caught up with
    assert clock.due(0.2, now=103.0) == 103.0
    assert clock.due(0.3, now=103.0) == pytest.approx(103.1)
