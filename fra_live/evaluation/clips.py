"""Events of a clip against its true ones: found, missed, false, and how late."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fra_live.errors import DataError
from fra_live.evaluation.evaluate import Recognizes
from fra_live.evaluation.metrics import mean
from fra_live.results import Event

if TYPE_CHECKING:
    from fra_live.live.events import EventParameters

# An event counts for a true action of the same name when it covers this share of it; what it
# covers beyond is not held against it here, since the start and end errors tell it.
LEAST_COVERED = 0.25


@dataclass(frozen=True)
class TrueAction:
    """One action that takes place in a clip, from `start_s` to `end_s` of the clip's time."""

    action: str
    start_s: float
    end_s: float

    def covered(self, event: Event) -> float:
        """Share of it that an event covers, 0..1; 0 for another action."""
        if event.action != self.action:
            return 0.0
        common = min(self.end_s, event.end_s) - max(self.start_s, event.start_s)
        return max(0.0, common) / (self.end_s - self.start_s)


def read_truth(path: Path, actions: Iterable[str]) -> list[TrueAction]:
    """Read true times: a JSON list of {"action", "start_s", "end_s"}; other keys are passed over.

    Args:
        path: the file.
        actions: the actions that the model knows.

    Raises:
        DataError: the file is unreadable or an entry is wrong; the message names the entry.
    """
    known = set(actions)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(entries, list):
        raise DataError(f"{path} holds no list of actions with start_s and end_s.")
    truth = []
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: entry {number}"
        try:
            times = float(entry["start_s"]), float(entry["end_s"])
            action = str(entry["action"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{where} lacks a proper {error}.") from error
        if action not in known:
            raise DataError(f"{where} has the action '{action}', which the model does not know.")
        if not all(map(math.isfinite, times)) or times[1] <= times[0]:
            raise DataError(f"{where} ends at {times[1]} s, not after its start at {times[0]} s.")
        truth.append(TrueAction(action, *times))
    return truth


def match_events(events: Sequence[Event], truth: Sequence[TrueAction]) -> dict[str, Any]:
    """Pair events with true actions, one with one, largest cover first.

    Args:
        events: what was found.
        truth: what takes place.

    Returns:
        n, found, missed, false: counts (false: events that no true action is paired with);
        repeated: how many of the false ones cover an action that another event was paired with;
        mean_start_error_s, mean_end_error_s: means of the absolute errors, s; actions: an entry a
        true action with its event and the signed errors (positive: late); false_events.
    """
    pairs = sorted(
        (
            (-true.covered(event), i, j)
            for i, true in enumerate(truth)
            for j, event in enumerate(events)
            if true.covered(event) >= LEAST_COVERED
        ),
    )
    event_of: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in event_of and j not in taken:
            event_of[i] = j
            taken.add(j)
    actions = []
    for i, true in enumerate(truth):
        row: dict[str, Any] = {"action": true.action, "start_s": true.start_s, "end_s": true.end_s}
        row["event"] = row["start_error_s"] = row["end_error_s"] = None
        if i in event_of:
            event = events[event_of[i]]
            row["event"] = event.to_dict()
            row["start_error_s"] = round(event.start_s - true.start_s, 3)
            row["end_error_s"] = round(event.end_s - true.end_s, 3)
        actions.append(row)
    false_events = [
        event.to_dict() | {"repeats": any(true.covered(event) > 0 for true in truth)}
        for j, event in enumerate(events)
        if j not in taken
    ]
    return {
        "n": len(truth),
        "found": len(event_of),
        "missed": len(truth) - len(event_of),
        "false": len(false_events),
        "repeated": sum(event["repeats"] for event in false_events),
        "mean_start_error_s": mean(_absolute(row["start_error_s"]) for row in actions),
        "mean_end_error_s": mean(_absolute(row["end_error_s"]) for row in actions),
        "actions": actions,
        "false_events": false_events,
    }


def _absolute(value: float | None) -> float | None:
    return None if value is None else abs(value)


def evaluate_clip(
    recognizer: Recognizes,
    clip: Path,
    truth: Path,
    parameters: EventParameters | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> dict[str, Any]:
    """Run a clip through recognizer and events, and hold the events against the true ones.

    Args:
        recognizer: the model.
        clip: a video file.
        truth: its true times; see `read_truth`.
        parameters: of the events; None takes the defaults.
        progress: called with the number of frames done and their total, where it is known.

    Returns:
        What `match_events` gives, with "clip" (the source's name) and "frames".

    Raises:
        SourceError: the clip cannot be read.
        DataError: the true times cannot be read.
    """
    from fra_live.live.events import EventTracker
    from fra_live.video.sources import open_source

    expected = read_truth(truth, recognizer.labels.action_names)
    events: list[Event] = []
    done = 0
    with open_source(clip) as source:
        tracker = EventTracker(source.name, recognizer.labels, parameters)
        for frame in source:
            result = recognizer(frame.image, timestamp_s=frame.timestamp_s)
            events += tracker.update(result, frame.index)
            done += 1
            if progress is not None:
                progress(done, source.count)
        events += tracker.finish()
        return {"clip": source.name, "frames": done, **match_events(events, expected)}
