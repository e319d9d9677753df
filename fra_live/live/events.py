"""Events: from a result a frame to one event a continuous action of one person.

Probabilities are smoothed over time and pass two thresholds (`evidence.py`); people are told
apart by their faces (`people.py`). Times are those of the results, never counted in frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fra_live.labels import LabelSet
from fra_live.live.evidence import EventParameters, Evidence, State
from fra_live.live.heads import heads
from fra_live.live.people import Observation, PeopleTracker, Track
from fra_live.results import Box, Event, FrameResult

__all__ = ["ActiveEvent", "EventParameters", "EventTracker", "event_of_still"]

_JITTER_S = 0.5  # clocks of damaged files step back this far without having been set back


@dataclass(frozen=True)
class ActiveEvent:
    """An event that goes on; it will be reported when it has ended.

    Attributes:
        number: serial number of the event in its source, from 0.
        action: the action's name.
        object_label: label of the action's object.
        person: number of the person; None without faces.
        start_s: in the source's own time, s.
        duration_s: so far, s.
        score: smoothed probability now.
        peak_frame: index of the frame with the highest probability so far.
        face_xyxy: the person's face in the current frame, frame px; None when out of sight.
        ending: the action has stopped, but may be taken up again within the gap allowed.
    """

    number: int
    action: str
    object_label: str
    person: int | None
    start_s: float
    duration_s: float
    score: float
    peak_frame: int
    face_xyxy: Box | None
    ending: bool


class EventTracker:
    """Turns the results of one source, in order, into events.

    Args:
        source: the source's name for `Event.source`, credentials removed.
        labels: actions and their objects.
        parameters: see `EventParameters`.

    Raises:
        FraLiveError: a parameter makes no sense.
    """

    def __init__(
        self, source: str, labels: LabelSet, parameters: EventParameters | None = None
    ) -> None:
        self.source = source
        self.labels = labels
        self.parameters = parameters or EventParameters()
        self._people = PeopleTracker(labels.action_names, self.parameters)
        self._time_s: float | None = None
        self._count = 0

    @property
    def active(self) -> tuple[ActiveEvent, ...]:
        """The events that go on after the last frame, oldest first."""
        now = self._time_s or 0.0
        found = []
        for track in self._people.tracks:
            for action, evidence in track.evidence.items():
                if evidence.state is State.IDLE:
                    continue
                ending = evidence.state is State.ENDING
                found.append(
                    ActiveEvent(
                        number=evidence.number,
                        action=action,
                        object_label=self.labels.actions[action],
                        person=track.number,
                        start_s=evidence.start_s,
                        duration_s=(evidence.end_s if ending else now) - evidence.start_s,
                        score=evidence.smoothed,
                        peak_frame=evidence.peak.frame,
                        face_xyxy=track.box_xyxy if track.visible else None,
                        ending=ending,
                    )
                )
        return tuple(sorted(found, key=lambda e: e.number))

    def update(self, result: FrameResult, index: int) -> list[Event]:
        """Take in the next frame's result.

        Args:
            result: of the frame; frames whose time is no number take the last frame's time.
            index: the frame's index in its source, for `Event.peak_frame`.

        Returns:
            The events that have ended, by their start.
        """
        if not self.labels.actions:
            return []
        time_s, ended = self._advance(result.timestamp_s)
        ended += self._close(time_s)
        for seen in self._people.update(result, time_s):
            for action, score in seen.scores.items():
                box = _object_box(result, self.labels.actions[action], seen.people)
                seen.track.evidence[action].observe(time_s, score, result.threshold, index, box)
            self._decide(seen, result.threshold, time_s)
        self._people.drop_lost(time_s)
        return _in_order(ended)

    def finish(self) -> list[Event]:
        """End everything at the last frame (the end of the source, or a cut).

        Returns:
            The events that were still going on, by their start; the tracker can go on with a
            new stretch of the source.
        """
        ended = []
        for track in self._people.tracks:
            for action, evidence in track.evidence.items():
                if evidence.state is State.OPEN:
                    evidence.end(self._last_s(evidence))
                if evidence.state is State.ENDING:
                    ended.append(self._event(track, action, evidence))
        self._people.tracks = []
        self._time_s = None
        return _in_order(ended)

    def _advance(self, time_s: float) -> tuple[float, list[Event]]:
        """The frame's time, never before the last one's; events ended by a cut in time."""
        last = self._time_s
        if not math.isfinite(time_s):
            time_s = 0.0 if last is None else last
        ended: list[Event] = []
        if last is not None:
            if time_s - last > self.parameters.max_step_s or last - time_s > _JITTER_S:
                ended = self.finish()
            else:
                time_s = max(time_s, last)
        self._time_s = time_s
        return time_s, ended

    def _close(self, time_s: float) -> list[Event]:
        ended = []
        for track in self._people.tracks:
            for action, evidence in track.evidence.items():
                unseen_s = time_s - self._last_s(evidence)
                if evidence.state is State.OPEN and unseen_s > self.parameters.max_gap_s:
                    evidence.end(self._last_s(evidence))
                if evidence.is_over(time_s):
                    ended.append(self._event(track, action, evidence))
                    evidence.close()
        return ended

    def _decide(self, seen: Observation, threshold: float, time_s: float) -> None:
        states = seen.track.evidence
        for evidence in states.values():
            evidence.settle(threshold)
        # The most probable first: it bars what is hardly more probable than itself.
        for action in sorted(seen.scores, key=lambda a: -states[a].smoothed):
            evidence = states[action]
            if not evidence.may_open(threshold):
                continue
            rivals = [e for e in states.values() if e.state is State.OPEN]
            if self.parameters.takeover:
                factor = self.parameters.takeover
                if any(evidence.smoothed < factor * r.smoothed for r in rivals):
                    continue
                for rival in rivals:
                    rival.end(time_s if evidence.rise_s is None else evidence.rise_s)
            evidence.open(self._count)
            self._count += evidence.number == self._count
            self._people.confirm(seen.track)

    def _event(self, track: Track, action: str, evidence: Evidence) -> Event:
        return Event(
            source=self.source,
            action=action,
            start_s=evidence.start_s,
            end_s=evidence.end_s,
            peak_score=evidence.peak.smoothed,
            peak_frame=evidence.peak.frame,
            box_xyxy=evidence.peak.box_xyxy,
            person=track.number,
        )

    def _last_s(self, evidence: Evidence) -> float:
        return (self._time_s or 0.0) if evidence.last_s is None else evidence.last_s


def event_of_still(source: str, labels: LabelSet, result: FrameResult) -> list[Event]:
    """The events of a still image, which has no time to smooth over.

    Args:
        source: the image's name.
        labels: actions and their objects.
        result: of the image.

    Returns:
        An event of no duration for everybody whose best action reaches the threshold.
    """
    people: list[tuple[tuple[int, ...], Sequence[Mapping[str, float]]]] = [((), [result.actions])]
    if result.people:
        found = heads([p.face.box_xyxy for p in result.people])
        people = [(head, [result.people[i].actions for i in head]) for head in found]
    events = []
    for head, said in people:
        scores = {a: max(s.get(a, 0.0) for s in said) for a in labels.action_names}
        action = max(scores, key=lambda a: scores[a], default=None)
        if action is None or not scores[action] >= result.threshold:
            continue
        box = _object_box(result, labels.actions[action], head)
        score, time_s = float(scores[action]), result.timestamp_s
        person = head[0] if head else None
        events.append(Event(source, action, time_s, time_s, score, 0, box, person))
    return events


def _object_box(result: FrameResult, label: str, people: Sequence[int]) -> Box | None:
    """Box of the best candidate of an object that belongs to one of these people, or to nobody."""
    for candidate in result.candidates:
        if candidate.label == label and (
            not people or candidate.person is None or candidate.person in people
        ):
            return candidate.box_xyxy
    return None


def _in_order(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda e: (e.start_s, e.end_s, e.action))
