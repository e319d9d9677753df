"""A frame and its result as they are shown: as in a mirror, and no larger than the window.

Only what is shown changes: recognition and events keep to the source's own coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

from fra_live.live.events import ActiveEvent
from fra_live.results import BodyPart, Box, Candidate, Explanation, FrameResult

_Part = TypeVar("_Part", Candidate, BodyPart)


@dataclass(frozen=True)
class Placing:
    """From a frame's coordinates to those in which it is shown.

    Attributes:
        frame: (H, W) of the frame, px.
        shown: (h, w) of the picture, px.
        mirror: left and right are exchanged.
    """

    frame: tuple[int, int]
    shown: tuple[int, int]
    mirror: bool = False

    @classmethod
    def within(
        cls, frame: tuple[int, int], room: tuple[int, int] | None, mirror: bool = False
    ) -> Placing:
        """In its own size, or smaller where it would not fit.

        Args:
            frame: (H, W) px.
            room: (H, W) px that there are for it; None: any number.
            mirror: exchange left and right.
        """
        scale = 1.0 if room is None else min(1.0, room[0] / frame[0], room[1] / frame[1])
        shown = max(1, round(frame[0] * scale)), max(1, round(frame[1] * scale))
        return cls(frame, shown, mirror)

    @property
    def changes(self) -> bool:
        """Whether anything is moved at all."""
        return self.mirror or self.shown != self.frame

    def image(self, image: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 of a (H, W, 3) frame; the frame itself where nothing changes."""
        if self.shown != self.frame:
            image = cv2.resize(image, self.shown[::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.flip(image, 1)) if self.mirror else image

    def result(self, result: FrameResult) -> FrameResult:
        """The result of the shown picture."""
        if not self.changes:
            return result
        explanation = result.explanation
        return replace(
            result,
            frame=self.shown,
            candidates=tuple(self._part(c) for c in result.candidates),
            people=tuple(replace(p, face=self._part(p.face)) for p in result.people),
            hands=tuple(self._part(h) for h in result.hands),
            explanation=None if explanation is None else self._explanation(explanation),
        )

    def events(self, active: Sequence[ActiveEvent]) -> tuple[ActiveEvent, ...]:
        """Events that go on, in the shown picture."""
        return tuple(
            event
            if event.face_xyxy is None
            else replace(event, face_xyxy=self._box(event.face_xyxy))
            for event in active
        )

    def _points(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) float32 x, y."""
        scale = np.array([self.shown[1] / self.frame[1], self.shown[0] / self.frame[0]], np.float32)
        moved = np.asarray(points * scale, np.float32)
        if self.mirror:
            moved[:, 0] = self.shown[1] - moved[:, 0]
        return moved

    def _box(self, box: Box) -> Box:
        (x0, y0), (x1, y1) = self._points(np.array(box, np.float32).reshape(2, 2)).tolist()
        return min(x0, x1), y0, max(x0, x1), y1

    def _part(self, part: _Part) -> _Part:
        outline = tuple(self._points(polygon) for polygon in part.outline)
        return replace(part, box_xyxy=self._box(part.box_xyxy), outline=outline)

    def _explanation(self, explanation: Explanation) -> Explanation:
        coarse, fine = explanation.coarse_probabilities, explanation.fine_probabilities
        if self.mirror:
            coarse, fine = (np.ascontiguousarray(m[..., ::-1]) for m in (coarse, fine))
        return Explanation(
            coarse_probabilities=coarse,
            windows=tuple(self._box(w) for w in explanation.windows),
            fine_probabilities=fine,
            candidates=tuple(self._part(c) for c in explanation.candidates),
        )
