"""The values that travel: what one frame gave, and what a stretch of frames gave.

Coordinates are frame px, x to the right and y down; boxes are (x0, y0, x1, y1); scores and
probabilities lie in 0..1; times are seconds of the source's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fra_live.labels import NO_ACTION

Box = tuple[float, float, float, float]


def _outline_list(outline: tuple[np.ndarray, ...]) -> list[list[list[float]]]:
    # In float64: a rounded float32 prints as 344.8999938964844.
    return [np.round(polygon.astype(np.float64), 1).tolist() for polygon in outline]


def _rounded(box: Box) -> list[float]:
    return [round(float(v), 1) for v in box]


@dataclass(frozen=True)
class Candidate:
    """One candidate region R_i of an action object (section 3.2).

    Attributes:
        label: name of the object.
        box_xyxy: its box in frame px.
        outline: (N, 2) float32 polygons of x, y in frame px, outer contours only.
        score: predicted overlap with a true object, 0..1, from the ranking.
        probability: mean probability of `label` over the region.
        person: index in `FrameResult.people` of the nearest face; None without faces.
    """

    label: str
    box_xyxy: Box
    outline: tuple[np.ndarray, ...] = field(repr=False)
    score: float
    probability: float
    person: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "label": self.label,
            "box_xyxy": _rounded(self.box_xyxy),
            "outline": _outline_list(self.outline),
            "score": round(self.score, 4),
            "probability": round(self.probability, 4),
            "person": self.person,
        }


@dataclass(frozen=True)
class BodyPart:
    """A face or a hand.

    Attributes:
        label: "face" or "hand" (or another body part of the label set).
        box_xyxy: its box in frame px.
        outline: (N, 2) float32 polygons in frame px.
        probability: mean probability of `label` over the region.
    """

    label: str
    box_xyxy: Box
    outline: tuple[np.ndarray, ...] = field(repr=False)
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "label": self.label,
            "box_xyxy": _rounded(self.box_xyxy),
            "outline": _outline_list(self.outline),
            "probability": round(self.probability, 4),
        }


@dataclass(frozen=True)
class Person:
    """One person, known by the face.

    Attributes:
        face: the face.
        actions: action name → probability, "none" included; sums to 1.
    """

    face: BodyPart
    actions: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        actions = {k: round(float(v), 4) for k, v in self.actions.items()}
        return {"face": self.face.to_dict(), "actions": actions}


@dataclass(frozen=True)
class Explanation:
    """The method's inside for one frame, kept when asked for.

    Attributes:
        coarse_probabilities: (|L|, h, w) float32, P_coarse over the frame.
        windows: boxes of Net_fine's windows in frame px.
        fine_probabilities: (|L|, h', w') float32, P_fine over the frame.
        candidates: all of R with their scores, best first, before the choice of q.
    """

    coarse_probabilities: np.ndarray
    windows: tuple[Box, ...]
    fine_probabilities: np.ndarray
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class FrameResult:
    """What the recognizer found in one frame.

    Attributes:
        frame: (H, W) of the frame in px.
        actions: action name → probability, "none" included; sums to 1.
        scores: action name → S(I)_c of section 3.3, calibrated: the log-odds of its probability.
        threshold: the bundle's operating threshold; an action is raised at or above it.
        candidates: the q best candidates, best first; then, of several people, the object of each
            who acts and has it not among them.
        people: faces, largest first, each with action probabilities of its own.
        hands: the body parts other than faces.
        stages_ms: name of a stage → milliseconds.
        timestamp_s: time of the frame in its source, s; 0 for a still image.
        explanation: only when asked for.
    """

    frame: tuple[int, int]
    actions: Mapping[str, float]
    scores: Mapping[str, float]
    threshold: float
    candidates: tuple[Candidate, ...]
    people: tuple[Person, ...] = ()
    hands: tuple[BodyPart, ...] = ()
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    timestamp_s: float = 0.0
    explanation: Explanation | None = field(default=None, repr=False)

    @property
    def action(self) -> str:
        """The most probable action where it reaches the threshold, else "none"."""
        name, probability = self.best_action
        return name if probability >= self.threshold else NO_ACTION

    @property
    def best_action(self) -> tuple[str, float]:
        """The most probable action other than "none", and its probability."""
        real = {k: v for k, v in self.actions.items() if k != NO_ACTION}
        name = max(real, key=lambda k: real[k])
        return name, float(real[name])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the explanation is left out."""
        return {
            "timestamp_s": round(self.timestamp_s, 6),
            "frame": list(self.frame),
            "action": self.action,
            "actions": {k: round(float(v), 4) for k, v in self.actions.items()},
            "scores": {k: round(float(v), 4) for k, v in self.scores.items()},
            "threshold": self.threshold,
            "candidates": [c.to_dict() for c in self.candidates],
            "people": [p.to_dict() for p in self.people],
            "hands": [h.to_dict() for h in self.hands],
            "stages_ms": {k: round(v, 3) for k, v in self.stages_ms.items()},
        }


@dataclass(frozen=True)
class Event:
    """One continuous action.

    Attributes:
        source: name of the source, credentials removed.
        action: the action's name.
        start_s, end_s: in the source's own time, s.
        peak_score: highest smoothed probability.
        peak_frame: index of the frame with the highest probability.
        box_xyxy: the object's box in the peak frame, frame px; None where no object was seen.
        person: number of the person in this source, 0 for the first; None without faces.
    """

    source: str
    action: str
    start_s: float
    end_s: float
    peak_score: float
    peak_frame: int
    box_xyxy: Box | None
    person: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """One line of events.jsonl."""
        values = asdict(self)
        values["start_s"] = round(self.start_s, 3)
        values["end_s"] = round(self.end_s, 3)
        values["peak_score"] = round(self.peak_score, 4)
        values["box_xyxy"] = None if self.box_xyxy is None else _rounded(self.box_xyxy)
        return values
