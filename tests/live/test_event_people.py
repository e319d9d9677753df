"""Events of people: who acts, who is lost from sight, who is new."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fra_live.live.events import EventTracker
from fra_live.results import Event
from tests.live.traces import LABELS, LEFT, RIGHT, result, run, scores, times_at


def test_two_people_are_two_events() -> None:
    frames = []
    for t in times_at(15, 9):
        left = scores(drinking=0.9 if 1 <= t < 5 else 0.05)
        right = scores(drinking=0.9 if 3 <= t < 7 else 0.05)
        people = [(LEFT, left), (RIGHT, right)]
        if int(t * 15) % 2:  # the larger comes first, whoever that is
            people.reverse()
        frames.append(result(t, left, people))
    first, second = run(EventTracker("clip", LABELS), frames)
    assert (first.person, second.person) == (0, 1)
    assert (first.start_s, first.end_s) == pytest.approx((1, 5), abs=0.1)
    assert (second.start_s, second.end_s) == pytest.approx((3, 7), abs=0.1)


def test_people_keep_their_numbers_while_they_move() -> None:
    frames = []
    for t in times_at(10, 8):  # both walk right, 60 px/s, with jitter
        rng = np.random.default_rng(int(t * 10))
        dx, dy = 60 * t + rng.normal(0, 4), rng.normal(0, 4)
        people = [
            ((box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy), own)
            for box, own in [
                (LEFT, scores()),
                (RIGHT, scores(phoning=0.9 if t < 3 or t >= 5 else 0.0)),
            ]
        ]
        frames.append(result(t, scores(), people))
    events = run(EventTracker("clip", LABELS), frames)
    assert [e.person for e in events] == [1, 1]


@pytest.mark.parametrize("fps", [10, 30])
@pytest.mark.parametrize(
    "sees_face",
    [
        lambda i, t: i % 2 == 0,  # every other frame
        lambda i, t: not 2 <= t < 5,  # hidden behind the cup for most of the action
        lambda i, t: t >= 3,  # first seen in the middle of it
        lambda i, t: t < 3,  # last seen in the middle of it
    ],
)
def test_losing_the_face_does_not_break_an_event(
    sees_face: Callable[[int, float], bool], fps: int
) -> None:
    frames = []
    for i, t in enumerate(times_at(fps, 9)):
        own = scores(drinking=0.9 if 1.5 <= t < 6.5 else 0.05)
        shift = 40 * (t > 4)  # the head is elsewhere when it is seen again
        box = (LEFT[0] + shift, LEFT[1], LEFT[2] + shift, LEFT[3])
        frames.append(result(t, own, [(box, own)] if sees_face(i, t) else []))
    (event,) = run(EventTracker("clip", LABELS), frames)
    assert event.person == 0
    assert (event.start_s, event.end_s) == pytest.approx((1.5, 6.5), abs=0.11)


def test_without_faces_two_people_seen_before_keep_their_own_actions() -> None:
    frames = []
    for t in times_at(30, 8):
        left, right = scores(drinking=0.9 if 1 <= t < 6 else 0.0), scores()
        hidden = 3 <= t < 4
        frames.append(result(t, left, [] if hidden else [(LEFT, left), (RIGHT, right)]))
    (event,) = run(EventTracker("clip", LABELS), frames)
    assert event.person == 0
    assert (event.start_s, event.end_s) == pytest.approx((1, 6), abs=0.05)


def test_a_person_who_leaves_ends_the_event_when_last_seen() -> None:
    frames = [
        result(t, scores(), [(RIGHT, scores()), *([(LEFT, scores(smoking=0.9))] if t < 3 else [])])
        for t in times_at(30, 6)
    ]
    tracker = EventTracker("clip", LABELS)
    events: list[Event] = []
    for index, found in enumerate(frames):
        events += tracker.update(found, index)
    (event,) = events
    assert (event.start_s, event.end_s) == pytest.approx((0, 3), abs=0.05)


def test_somebody_new_much_later_has_a_new_number() -> None:
    frames = []
    for t in times_at(10, 12):
        people = [(LEFT, scores(smoking=0.9))] if t < 3 or t > 8 else []
        frames.append(result(t, scores(), people))
    assert [e.person for e in run(EventTracker("clip", LABELS), frames)] == [0, 1]


def test_a_day_of_frames_keeps_no_memory_of_people_gone() -> None:
    tracker = EventTracker("clip", LABELS)
    for i in range(2000):  # somebody else every second, far from the one before
        x = float(1000 * (i // 10 % 7))
        tracker.update(result(i / 10, scores(), [((x, 0, x + 50, 60), scores())]), i)
    assert len(tracker._people.tracks) < 8
