"""The loop where every frame is shown, one frame after the other, by hand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from fra_live.live.loop import LiveLoop
from tests.live.hand_fed import Gated, HandFed, taken, wait_for
from tests.live.loop_parts import take


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
