"""Faces cut into pieces: one head, one person, one event."""

from __future__ import annotations

import pytest

from fra_live.live.events import EventTracker, event_of_still
from fra_live.live.heads import around, heads
from fra_live.results import Box
from tests.live.traces import LABELS, LEFT, RIGHT, result, run, scores, times_at

TOP: Box = (360.0, 165.0, 450.0, 245.0)
BOTTOM: Box = (400.0, 248.0, 445.0, 290.0)
SPECK: Box = (342.0, 125.0, 371.0, 142.0)


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ([], []),
        ([TOP], [(0,)]),
        ([TOP, BOTTOM], [(0, 1)]),
        ([BOTTOM, TOP], [(1, 0)]),
        ([BOTTOM, LEFT, TOP], [(1,), (2, 0)]),
        ([TOP, SPECK], [(0, 1)]),
        ([LEFT, RIGHT], [(0,), (1,)]),
        ([LEFT, SPECK], [(0,), (1,)]),  # far from a face a small one is somebody further back
        # Cheek to cheek, and one above the other: together no head's shape.
        ([(100, 100, 160, 180), (160, 100, 220, 180)], [(0,), (1,)]),
        ([(100, 100, 160, 180), (105, 180, 160, 255)], [(0,), (1,)]),
        ([(5, 5, 5, 5), (5, 5, 5, 5)], [(0, 1)]),
    ],
)
def test_pieces_are_found_by_the_shape_of_a_head(
    faces: list[Box], expected: list[tuple[int, ...]]
) -> None:
    assert heads(faces) == expected


def test_around() -> None:
    assert around([TOP, BOTTOM]) == (360, 165, 450, 290)


def test_a_face_cut_now_and_then_acts_once() -> None:
    frames = []
    for i, t in enumerate(times_at(15, 6)):
        acts = 1 <= t < 5
        high, low = scores(drinking=0.9 if acts else 0.02), scores(drinking=0.4 if acts else 0.02)
        pieces = [(TOP, low), (BOTTOM, high)]
        whole = [(around([TOP, BOTTOM]), high)]
        frames.append(result(t, high, whole if i % 4 == 0 else pieces))
    (event,) = run(EventTracker("clip", LABELS), frames)
    assert event.person == 0
    assert (event.start_s, event.end_s) == pytest.approx((1, 5), abs=0.1)


def test_the_tracker_shows_the_whole_face_of_who_acts() -> None:
    tracker = EventTracker("clip", LABELS)
    drinks = scores(drinking=0.9)
    for i, t in enumerate(times_at(15, 2)):
        tracker.update(result(t, drinks, [(TOP, drinks), (BOTTOM, drinks)]), i)
    (active,) = tracker.active
    assert active.face_xyxy == around([TOP, BOTTOM])


def test_a_still_with_a_cut_face_gives_one_event() -> None:
    frame = result(0, scores(), [(TOP, scores(drinking=0.4)), (BOTTOM, scores(drinking=0.8))])
    (event,) = event_of_still("photo", LABELS, frame)
    assert (event.person, event.peak_score) == (0, 0.8)
