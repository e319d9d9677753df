"""Results of made-up frames: labels, scores, people and times for the tests of events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from fra_live.labels import LabelSet
from fra_live.live.events import EventTracker
from fra_live.results import BodyPart, Box, Candidate, Event, FrameResult, Person

LABELS = LabelSet(
    ("background", "face", "hand", "drink", "cigarette", "phone"),
    ("face", "hand"),
    {"drinking": "drink", "smoking": "cigarette", "phoning": "phone"},
)
LEFT: Box = (100.0, 100.0, 160.0, 180.0)
RIGHT: Box = (400.0, 100.0, 460.0, 180.0)
TOLERANCE_S = 0.3


def scores(**given: float) -> dict[str, float]:
    """Probabilities of all actions; "none" takes what is left."""
    found = {name: given.get(name, 0.02) for name in LABELS.action_names}
    return {**found, "none": max(0.0, 1.0 - sum(found.values()))}


def face(box: Box) -> BodyPart:
    """A face without outline."""
    return BodyPart("face", box, (), 0.9)


def result(
    time_s: float,
    actions: dict[str, float],
    people: Sequence[tuple[Box, dict[str, float]]] = (),
    candidates: Sequence[Candidate] = (),
    threshold: float = 0.5,
) -> FrameResult:
    """A frame of 640×480."""
    persons = tuple(Person(face(box), own) for box, own in people)
    return FrameResult(
        (480, 640), actions, {}, threshold, tuple(candidates), persons, (), {}, time_s
    )


def times_at(fps: float, until: float) -> list[float]:
    """Timestamps of a constant rate."""
    return [i / fps for i in range(int(until * fps))]


def uneven_times(until: float) -> list[float]:
    """Timestamps of a variable rate: 5 to 60 frames/s, at random."""
    rng, times = np.random.default_rng(5), [0.0]
    while times[-1] < until:
        times.append(times[-1] + 1 / float(rng.uniform(5, 60)))
    return times


def run(tracker: EventTracker, results: Iterable[FrameResult]) -> list[Event]:
    """All events of a source."""
    events = []
    for index, found in enumerate(results):
        events += tracker.update(found, index)
    return events + tracker.finish()


def square(
    truth: Sequence[tuple[float, float]], high: float, low: float
) -> Callable[[float], float]:
    """A probability that is high within the true stretches."""
    return lambda t: high if any(a <= t < b for a, b in truth) else low
