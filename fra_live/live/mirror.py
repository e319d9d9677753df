"""A result as in a mirror, for people who look at themselves.

Only what is shown is mirrored: recognition and events keep to the source's own coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np

from fra_live.live.events import ActiveEvent
from fra_live.results import BodyPart, Box, Candidate, Explanation, FrameResult

_Part = TypeVar("_Part", Candidate, BodyPart)


def mirror_image(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 with left and right exchanged."""
    return np.asarray(cv2.flip(image, 1))


def mirror_result(result: FrameResult) -> FrameResult:
    """The result of the mirrored frame."""
    width = result.frame[1]
    return replace(
        result,
        candidates=tuple(_part(c, width) for c in result.candidates),
        people=tuple(replace(p, face=_part(p.face, width)) for p in result.people),
        hands=tuple(_part(h, width) for h in result.hands),
        explanation=None if result.explanation is None else _explanation(result.explanation, width),
    )


def mirror_events(active: Sequence[ActiveEvent], width: int) -> tuple[ActiveEvent, ...]:
    """Events that go on in the mirrored frame of `width` px."""
    return tuple(
        event if event.face_xyxy is None else replace(event, face_xyxy=_box(event.face_xyxy, width))
        for event in active
    )


def _box(box: Box, width: int) -> Box:
    return width - box[2], box[1], width - box[0], box[3]


def _part(part: _Part, width: int) -> _Part:
    outline = tuple(
        np.stack([width - polygon[:, 0], polygon[:, 1]], axis=1).astype(np.float32)
        for polygon in part.outline
    )
    return replace(part, box_xyxy=_box(part.box_xyxy, width), outline=outline)


def _explanation(explanation: Explanation, width: int) -> Explanation:
    return Explanation(
        coarse_probabilities=np.ascontiguousarray(explanation.coarse_probabilities[..., ::-1]),
        windows=tuple(_box(w, width) for w in explanation.windows),
        fine_probabilities=np.ascontiguousarray(explanation.fine_probabilities[..., ::-1]),
        candidates=tuple(_part(c, width) for c in explanation.candidates),
    )
