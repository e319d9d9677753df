"""Who is who between frames: faces followed by overlap, then by nearness.

A segmented face is lost now and then behind a cup or a phone. Then the frame's own scores stand
for the people seen last, so that one action stays one event.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from fra_live.live.evidence import EventParameters, Evidence, State
from fra_live.live.heads import around, heads
from fra_live.results import Box, FrameResult

_CONFIRM_S = 0.3  # a face seen for a moment only is often none: it takes no person's number


@dataclass(eq=False)
class Track:
    """One person, or, without any face, whoever is in the picture.

    Attributes:
        evidence: action name → its state.
        box_xyxy: last face box, around all its pieces, frame px; None before the first face.
        first_s, seen_s: when the face was first and last seen, s.
        visible: whether the face is in the current frame.
        number: the person's number in this source; None until confirmed.
    """

    evidence: dict[str, Evidence]
    box_xyxy: Box | None = None
    first_s: float = 0.0
    seen_s: float = 0.0
    visible: bool = False
    number: int | None = None

    @property
    def busy(self) -> bool:
        """Whether an event of this person is open or ending."""
        return any(e.state is not State.IDLE for e in self.evidence.values())


@dataclass(frozen=True)
class Observation:
    """What one frame says of one person.

    Attributes:
        track: the person.
        scores: action name → probability; may leave actions out.
        people: indices in `FrameResult.people`, several where one head's face is cut into
            pieces; none when the frame's own scores stand in.
    """

    track: Track
    scores: dict[str, float]
    people: tuple[int, ...]


@dataclass
class PeopleTracker:
    """Follows faces through one source.

    Attributes:
        actions: the actions' names.
        parameters: see `EventParameters`.
        tracks: the people known at present.
    """

    actions: tuple[str, ...]
    parameters: EventParameters
    tracks: list[Track] = field(default_factory=list)
    _count: int = 0

    def update(self, result: FrameResult, time_s: float) -> list[Observation]:
        """Assign the frame's scores to people; `drop_lost` must run before the next frame."""
        for track in self.tracks:
            track.visible = False
        if not result.people:
            return self._without_faces(_finite(result.actions, self.actions))
        faces = [p.face.box_xyxy for p in result.people]
        found = heads(faces)
        boxes = [around([faces[i] for i in head]) for head in found]
        said = [_finite(p.actions, self.actions) for p in result.people]
        scores = [{a: max(said[i][a] for i in head) for a in self.actions} for head in found]
        pairs = self._match(boxes, time_s)
        self._adopt(pairs, scores)
        for index, box in enumerate(boxes):
            track = pairs.get(index) or pairs.setdefault(index, self._new_track())
            if track.box_xyxy is None:
                track.first_s = time_s
            track.box_xyxy, track.seen_s, track.visible = box, time_s, True
        for track in self.tracks:
            if track.visible and time_s - track.first_s >= _CONFIRM_S:
                self.confirm(track)
        return [Observation(pairs[i], scores[i], head) for i, head in enumerate(found)]

    def confirm(self, track: Track) -> None:
        """Give a person whose face was seen the next number."""
        if track.number is None and track.box_xyxy is not None:
            track.number = self._count
            self._count += 1

    def drop_lost(self, time_s: float) -> None:
        """Forget people out of sight for long who act in no event."""
        limit = self.parameters.max_lost_s
        self.tracks = [
            t for t in self.tracks if t.box_xyxy is None or time_s - t.seen_s <= limit or t.busy
        ]

    def _new_track(self) -> Track:
        track = Track({name: Evidence(self.parameters) for name in self.actions})
        self.tracks.append(track)
        return track

    def _without_faces(self, scores: dict[str, float]) -> list[Observation]:
        tracks = self.tracks or [self._new_track()]
        shares: dict[Track, dict[str, float]] = {track: {} for track in tracks}
        for action, score in scores.items():
            # Nobody can tell whose score it is: it keeps up what was going on, and else goes to
            # the person who came nearest to it.
            takers = [t for t in tracks if t.evidence[action].state is State.OPEN]
            for track in takers or [max(tracks, key=lambda t: t.evidence[action].smoothed)]:
                shares[track][action] = score
        return [Observation(track, share, ()) for track, share in shares.items() if share]

    def _match(self, boxes: list[Box], time_s: float) -> dict[int, Track]:
        options = []
        for index, box in enumerate(boxes):
            for track in self.tracks:
                if track.box_xyxy is None:
                    continue
                reach = self.parameters.max_shift
                reach += self.parameters.max_shift_per_s * (time_s - track.seen_s)
                overlap, shift = _overlap(box, track.box_xyxy), _shift(box, track.box_xyxy)
                if overlap > 0.1 or shift <= reach:
                    options.append((-overlap, shift, index, track))
        options.sort(key=lambda o: o[:3])
        pairs: dict[int, Track] = {}
        for _, _, index, track in options:
            if index not in pairs and track not in pairs.values():
                pairs[index] = track
        return pairs

    def _adopt(self, pairs: dict[int, Track], scores: list[dict[str, float]]) -> None:
        """What went on before any face was seen belongs to the new face that fits it best."""
        faceless = next((t for t in self.tracks if t.box_xyxy is None), None)
        new = [i for i in range(len(scores)) if i not in pairs]
        if faceless is None or not new:
            return
        action = max(faceless.evidence, key=lambda a: faceless.evidence[a].smoothed)
        pairs[max(new, key=lambda i: scores[i][action])] = faceless


def _finite(scores: Mapping[str, float], actions: tuple[str, ...]) -> dict[str, float]:
    """The actions' own scores, without "none"; what is no number counts as 0."""
    found = {name: float(scores.get(name, 0.0)) for name in actions}
    return {name: score if math.isfinite(score) else 0.0 for name, score in found.items()}


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (both - width * height)


def _shift(a: Box, b: Box) -> float:
    """Distance of two boxes' centres, in sides of the larger one."""
    distance = math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
    side = max(a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1], 1.0)
    return distance / side
