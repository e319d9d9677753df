"""Hand-made results for the overlay's tests."""

from __future__ import annotations

import numpy as np

from fra_live.labels import LabelSet
from fra_live.live.events import ActiveEvent
from fra_live.live.overlay import OverlayOptions
from fra_live.results import BodyPart, Box, Candidate, Explanation, FrameResult, Person

LABELS = LabelSet(
    ("background", "face", "hand", "drink", "cigarette", "phone"),
    ("face", "hand"),
    {"drinking": "drink", "smoking": "cigarette", "phoning": "phone"},
)
QUIET = OverlayOptions(banner=False, actions=False, hatching=False)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> tuple[np.ndarray, ...]:
    return (np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32),)


def candidate(label: str, box: Box, score: float = 0.8, person: int | None = None) -> Candidate:
    return Candidate(label, box, rectangle(*box), score, 0.9, person)


def person(box: Box, **actions: float) -> Person:
    return Person(BodyPart("face", box, rectangle(*box), 0.9), actions)


def result(
    shape: tuple[int, int],
    candidates: tuple[Candidate, ...] = (),
    people: tuple[Person, ...] = (),
    explained: bool = False,
    **actions: float,
) -> FrameResult:
    scores = {name: actions.get(name, 0.05) for name in LABELS.action_names}
    explanation = None
    if explained:
        maps = np.full((6, 8, 8), 0.1, np.float32)
        maps[0] = 0.5
        maps[:, 2:4, 2:4] = 0.02
        maps[5, 2:4, 2:4] = 0.9
        height, width = shape
        windows = ((width * 0.25, height * 0.25, width * 0.75, height * 0.75),
                   (-9.0, -9.0, width * 0.1, height * 0.1))  # fmt: skip
        explanation = Explanation(maps, windows, maps, candidates)
    stages = {"coarse": 6.1, "fine": 11.8, "rank": 0.2}
    return FrameResult(
        shape, {**scores, "none": 0.1}, {}, 0.5, candidates, people, (), stages, 0.0, explanation
    )


def event(action: str, face: Box | None = None, ending: bool = False) -> ActiveEvent:
    return ActiveEvent(0, action, LABELS.actions[action], 0, 1.0, 2.5, 0.9, 3, face, ending)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(90, 130, (height, width, 3)).astype(np.uint8)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(H, W) bool."""
    return (before != after).any(axis=2)
