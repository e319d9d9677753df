"""What the demo found, against what the clip truly shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fra_live.demo.scene import DEMO_ACTIONS, TrueAction

IN_TIME_S = 0.5  # how far an event's ends may lie from the truth


@dataclass(frozen=True)
class Sighting:
    """What became of one true action.

    Attributes:
        truth: the action.
        start_s, end_s: of the event of that action that shares most time with it; None without.
        peak_score: of that event.
    """

    truth: TrueAction
    start_s: float | None = None
    end_s: float | None = None
    peak_score: float | None = None

    @property
    def in_time(self) -> bool:
        """Both ends were found within `IN_TIME_S`."""
        if self.start_s is None or self.end_s is None:
            return False
        late = abs(self.start_s - self.truth.start_s), abs(self.end_s - self.truth.end_s)
        return max(late) <= IN_TIME_S

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "action": self.truth.action,
            "true_s": [self.truth.start_s, self.truth.end_s],
            "found_s": None if self.start_s is None else [self.start_s, self.end_s],
            "peak_score": self.peak_score,
            "in_time": self.in_time,
        }


@dataclass(frozen=True)
class DemoReport:
    """What the demo wrote and found.

    Attributes:
        clip: the composed clip.
        annotated: the same with everything drawn in.
        events: events.jsonl.
        sightings: one a true action, in their order.
        false_events: events that are nobody's sighting.
        notices: what happened to the engine, as sentences.
    """

    clip: Path
    annotated: Path
    events: Path
    sightings: tuple[Sighting, ...]
    false_events: int
    notices: tuple[str, ...] = ()

    @property
    def recognized(self) -> tuple[str, ...]:
        """The actions found at the right time."""
        return tuple(s.truth.action for s in self.sightings if s.in_time)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "clip": str(self.clip),
            "annotated": str(self.annotated),
            "events": str(self.events),
            "actions": [s.to_dict() for s in self.sightings],
            "recognized": len(self.recognized),
            "false_events": self.false_events,
            "notices": list(self.notices),
        }


def _shared_s(event: Mapping[str, Any], truth: TrueAction) -> float:
    return float(min(event["end_s"], truth.end_s) - max(event["start_s"], truth.start_s))


def match(events: Iterable[Mapping[str, Any]]) -> tuple[tuple[Sighting, ...], int]:
    """Compare events with the truth.

    Args:
        events: lines of the demo clip's events.jsonl.

    Returns:
        One sighting a true action, and how many events are left over.
    """
    left = list(events)
    sightings = []
    for truth in DEMO_ACTIONS:
        same = [e for e in left if e["action"] == truth.action and _shared_s(e, truth) > 0]
        if not same:
            sightings.append(Sighting(truth))
            continue
        best = max(same, key=lambda event: _shared_s(event, truth))
        left.remove(best)
        start, end, peak = (float(best[key]) for key in ("start_s", "end_s", "peak_score"))
        sightings.append(Sighting(truth, start, end, peak))
    return tuple(sightings), len(left)
