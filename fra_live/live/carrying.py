"""Carries what was found in one frame along to later ones, by how the picture has moved since.

It knows nothing of networks: it follows points of the picture from the recognized frame straight
to the newest one (pyramidal Lucas-Kanade), so errors do not add up from frame to frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

from fra_live.results import BodyPart, Box, Candidate, FrameResult

_WIDTH = 320  # px across of the small pictures in which points are followed
# Of Lucas-Kanade. Larger windows lose small things that move before something at rest, and cost
# more: of 7 to 15 px, 9 followed most.
_WINDOW, _LEVELS, _STEPS = (9, 9), 3, 8
_GRID, _MOST_OF_ONE, _MOST = 8, 16, 160  # points: a side of a box, of a thing, of a frame
_ENLARGED = 1.1  # the box in which a thing's points lie, in sides of its own
_TEXTURE = 2e-4  # of a point's neighbourhood, as the least eigenvalue of its gradients
_RETURN, _UNLIKE = 1.0, 30.0  # px from where a point came back to; mean grey difference round it
_FEWEST = 4  # points that tell a motion
_SPREAD = 4.0  # px: points closer together tell no change of size
_SCALES, _AGREED = (0.8, 1.25), 0.12  # and how far the middle half of all pairs may differ
_CUT_LOST, _CUT_CHANGE = 0.75, 16.0  # share of points; mean grey difference of the pictures
_OLDEST_S = 2.0

_Thing = Candidate | BodyPart
_Part = TypeVar("_Part", Candidate, BodyPart)


@dataclass(frozen=True)
class _Motion:
    """x, y → scale · (x, y) + shift, frame px."""

    scale: float
    shift: np.ndarray  # (2,)

    def points(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) float32 x, y where they are by now."""
        return np.asarray(points * self.scale + self.shift, np.float32)

    def box(self, box: Box) -> Box:
        (x0, y0), (x1, y1) = self.points(np.array(box, np.float32).reshape(2, 2)).tolist()
        return x0, y0, x1, y1

    def part(self, part: _Part) -> _Part:
        outline = tuple(self.points(polygon) for polygon in part.outline)
        return replace(part, box_xyxy=self.box(part.box_xyxy), outline=outline)


_STILL = _Motion(1.0, np.zeros(2, np.float32))


class Carrier:
    """Carries the result of a recognized frame along; for one source and one thread."""

    def __init__(self) -> None:
        self._result: FrameResult | None = None
        self._grey = np.zeros((1, 1), np.uint8)
        self._points = np.zeros((0, 1, 2), np.float32)
        self._owners = np.zeros(0, np.intp)

    def refer(self, image: np.ndarray, result: FrameResult) -> None:
        """Make a recognized frame the one from which results are carried.

        Args:
            image: (H, W, 3) uint8 BGR.
            result: what was found in it.
        """
        self._result, self._grey = result, _small(image)
        things = _things(result)
        scale = self._grey.shape[1] / image.shape[1]
        texture = cv2.cornerMinEigenVal(self._grey, 7) if things else self._grey
        most = min(_MOST_OF_ONE, _MOST // max(1, len(things)))
        found = [_points_on(thing, scale, texture, most) for thing in things]
        self._points = np.concatenate([np.zeros((0, 2), np.float32), *found])[:, None]
        self._owners = np.repeat(np.arange(len(found)), [len(points) for points in found])

    def carry(self, image: np.ndarray, later_s: float = 0.0) -> FrameResult:
        """The reference's result with everything moved to where it is in a later frame.

        Args:
            image: (H, W, 3) uint8 BGR, of the same source.
            later_s: how much later than the reference; after two seconds nothing is carried.

        Returns:
            The boxes and outlines of candidates, faces and hands in this frame's px; all else,
            scores and timestamp too, is the reference's. There is no explanation: its maps belong
            to the reference. Where the scene, or the size of the picture, is another one, there
            are no candidates, faces and hands either.

        Raises:
            ValueError: there is no reference yet.
        """
        if self._result is None:
            raise ValueError("There is no recognized frame to carry from.")
        result = replace(self._result, explanation=None)
        if image.shape[:2] != result.frame or later_s > _OLDEST_S:
            return replace(result, frame=image.shape[:2], candidates=(), people=(), hands=())
        if not len(self._points):
            return result
        grey = _small(image)
        moved, good = _follow(self._grey, grey, self._points)
        lost = len(good) >= 2 * _FEWEST and float(good.mean()) < 1 - _CUT_LOST
        if lost and float(cv2.absdiff(self._grey, grey).mean()) > _CUT_CHANGE:  # a cut
            return replace(result, candidates=(), people=(), hands=())
        return self._moved(result, moved, good, image.shape[1] / grey.shape[1])

    def _moved(
        self, result: FrameResult, moved: np.ndarray, good: np.ndarray, enlarge: float
    ) -> FrameResult:
        before, after = enlarge * self._points[good, 0], enlarge * moved[good, 0]
        owners = self._owners[good]
        things = _things(result)
        own = [
            _motion(before[mine], after[mine], enlarge)
            for mine in (owners == number for number in range(len(things)))
        ]
        whole = _motion(before, after, enlarge, scaled=False) or _STILL
        faces = range(len(result.candidates), len(result.candidates) + len(result.people))

        def of(number: int) -> _Motion:
            motion = own[number]
            if motion is not None:
                return motion
            near = [f for f in faces if own[f] is not None]
            nearest = min(near, key=lambda f: _distance(things[f], things[number]), default=None)
            return whole if nearest is None else own[nearest] or whole

        motions = [of(number) for number in range(len(things))]
        hands = motions[len(result.candidates) + len(result.people) :]
        carried = [m.part(c) for c, m in zip(result.candidates, motions, strict=False)]
        return replace(
            result,
            candidates=tuple(c for c in carried if _inside(c.box_xyxy, result.frame)),
            people=tuple(
                replace(p, face=motions[f].part(p.face))
                for f, p in zip(faces, result.people, strict=True)
            ),
            hands=tuple(m.part(h) for h, m in zip(result.hands, hands, strict=True)),
        )


def _things(result: FrameResult) -> list[_Thing]:
    return [*result.candidates, *(p.face for p in result.people), *result.hands]


def _small(image: np.ndarray) -> np.ndarray:
    """(h, 320) uint8, grey; pictures that are smaller keep their size."""
    height, width = image.shape[:2]
    if width > _WIDTH:
        image = image[:: max(1, width // (2 * _WIDTH))]  # of large pictures, rows enough
        size = _WIDTH, max(1, round(height * _WIDTH / width))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def _points_on(thing: _Thing, scale: float, texture: np.ndarray, most: int) -> np.ndarray:
    """(N, 2) float32 points of a small picture that can be followed, spread over a thing."""
    height, width = texture.shape
    x0, y0, x1, y1 = (scale * v for v in thing.box_xyxy)
    more_x, more_y = (_ENLARGED - 1) / 2 * (x1 - x0), (_ENLARGED - 1) / 2 * (y1 - y0)
    xs = np.linspace(max(0.0, x0 - more_x), min(width - 1.0, x1 + more_x), _GRID)
    ys = np.linspace(max(0.0, y0 - more_y), min(height - 1.0, y1 + more_y), _GRID)
    if xs[-1] <= xs[0] or ys[-1] <= ys[0]:
        return np.zeros((0, 2), np.float32)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(np.float32)
    columns, rows = np.rint(points).astype(np.intp).T
    sharp = texture[rows, columns] >= _TEXTURE
    # Behind a thin thing, and round a moving one, there is much that does not move with it.
    on_it = sharp & _covered(thing.outline, scale, columns, rows)
    chosen: np.ndarray = points[on_it if np.count_nonzero(on_it) >= 2 * _FEWEST else sharp]
    return chosen[:: math.ceil(len(chosen) / most)] if len(chosen) else chosen


def _covered(
    outline: Sequence[np.ndarray], scale: float, columns: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """(N,) bool: which px of the small picture lie in an outline, or 2 px beside it."""
    x0, y0 = columns.min(), rows.min()
    mask = np.zeros((rows.max() - y0 + 1, columns.max() - x0 + 1), np.uint8)
    polygons = [np.rint(p * scale - (x0, y0)).astype(np.int32) for p in outline if len(p)]
    if polygons:
        cv2.fillPoly(mask, polygons, 255)
        cv2.polylines(mask, polygons, True, 255, 5)
    return np.asarray(mask[rows - y0, columns - x0] > 0)


def _follow(
    first: np.ndarray, second: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where (N, 1, 2) points of one small picture are in another, and (N,) which are sure."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, 0.03)
    given = {"winSize": _WINDOW, "maxLevel": _LEVELS, "criteria": criteria}
    moved, there, unlike = cv2.calcOpticalFlowPyrLK(first, second, points, None, **given)  # type: ignore[call-overload]
    back, returned, _ = cv2.calcOpticalFlowPyrLK(second, first, moved, None, **given)  # type: ignore[call-overload]
    away = np.abs(back - points).max(axis=(1, 2))
    good = (there[:, 0] > 0) & (returned[:, 0] > 0) & (away <= _RETURN)
    return np.asarray(moved), np.asarray(good & (unlike[:, 0] <= _UNLIKE))


def _motion(
    before: np.ndarray, after: np.ndarray, enlarge: float, scaled: bool = True
) -> _Motion | None:
    """The motion that most of (N, 2) points agree on, frame px; None where they are too few."""
    count = len(before)
    if count < _FEWEST:
        return None
    scale = 1.0
    if scaled:  # by pairs of points: half of them may lie on something else
        far = count // 2
        apart, by_now = (np.hypot(*(p - p[np.arange(count) - far]).T) for p in (before, after))
        wide = apart >= _SPREAD * enlarge
        if np.count_nonzero(wide) >= _FEWEST:
            grown = np.sort(by_now[wide] / apart[wide])
            if grown[-1 - len(grown) // 4] - grown[len(grown) // 4] <= _AGREED:
                scale = min(max(float(grown[len(grown) // 2]), _SCALES[0]), _SCALES[1])
    return _Motion(scale, _middle(after - scale * before))


def _middle(values: np.ndarray) -> np.ndarray:
    """The (upper) median of each column; a tenth of the time of np.median."""
    return np.asarray(np.sort(values, axis=0)[len(values) // 2])


def _distance(one: _Thing, other: _Thing) -> float:
    """Between the middles of two boxes, times two, px."""
    (a, b, c, d), (e, f, g, h) = one.box_xyxy, other.box_xyxy
    return math.hypot(a + c - e - g, b + d - f - h)


def _inside(box: Box, frame: tuple[int, int]) -> bool:
    """Whether any of a box is in a picture of (H, W) px."""
    return box[2] > 0 and box[3] > 0 and box[0] < frame[1] and box[1] < frame[0]
