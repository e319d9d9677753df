"""Drawing on frames: lines, translucent shapes, panels and text, sized to the frame.

It knows nothing of results. Everything translucent touches its own bounding box only, and never
the frame as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.live.lettering import REGULAR, Lettering
from fra_live.live.shapes import hatch_tile, rounded_factors, tint_table
from fra_live.results import Box

Colour = tuple[int, int, int]  # blue, green, red
Rect = tuple[int, int, int, int]  # x, y, width, height in px

INK: Colour = (248, 248, 248)
MUTED: Colour = (186, 186, 186)
DARK: Colour = (18, 18, 18)
SHADOW: Colour = (60, 60, 60)

_SHIFT = 4  # bits behind the binary point of line coordinates
_FACTORS = 128  # panel shapes kept


@dataclass(frozen=True)
class Sizes:
    """Lengths in px for one size of frame.

    Attributes:
        text, small, large: sizes of type.
        line: width of a bold line; thin lines are `hair`.
        gap: the unit of space.
        words: whether the frame is large enough for type at all.
    """

    text: int
    small: int
    large: int
    line: int
    hair: int
    gap: int
    words: bool

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Sizes:
        """For a frame of (H, W, …) px."""
        scale = min(shape[0] / 480, shape[1] / 640)
        grown = scale**0.9  # type need not grow quite as fast as the picture
        text = max(11, round(15 * grown))
        return cls(
            text=text,
            small=max(10, round(12.5 * grown)),
            large=max(14, round(23 * grown)),
            line=max(1, round(2.2 * scale)),
            hair=max(1, round(1.1 * scale)),
            gap=max(3, round(6 * grown)),
            words=shape[0] >= 96 and shape[1] >= 96,
        )


class Tools:
    """What drawing keeps between frames; belongs to one thread.

    Args:
        labels: whose colours are drawn with.
    """

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        self.colours = {name: labels.colour(name) for name in labels.names}
        self.lettering = Lettering()
        self.factors: dict[tuple[int, ...], np.ndarray] = {}
        self.hatches: dict[tuple[int, int], np.ndarray] = {}
        self.tints: dict[tuple[Colour, float, bool], np.ndarray] = {}


class Canvas:
    """One frame being drawn on.

    Args:
        image: (H, W, 3) uint8 BGR, C-contiguous; it is drawn on.
        tools: kept between frames.
    """

    def __init__(self, image: np.ndarray, tools: Tools) -> None:
        self.image = image
        self.height, self.width = image.shape[:2]
        self.sizes = Sizes.of(image.shape)
        self.letters = tools.lettering
        self._tools = tools

    def colour(self, label: str) -> Colour:
        """Colour of a label."""
        return self._tools.colours.get(label, MUTED)

    def text(
        self,
        text: str,
        at: tuple[int, int],
        size: int,
        weight: int = REGULAR,
        colour: Colour = INK,
        halo: bool = True,
    ) -> int:
        """Draw a line of text with its left edge and baseline at x, y; returns its width in px."""
        if halo:
            factors, x, y = self.letters.halo(text, size, weight)
            self._darken(factors, at[0] - x, at[1] - y)
        self.letters.draw(self.image, text, at, size, weight, colour)
        return self.letters.width(text, size, weight)

    def panel(self, rect: Rect, opacity: float = 0.66) -> None:
        """Darken a rectangle with rounded corners."""
        _, _, width, height = rect
        if width < 1 or height < 1:
            return
        radius = min(self.sizes.gap, width // 2, height // 2)
        key = (width, height, radius, round(255 * (1 - opacity)))
        factors = self._tools.factors.get(key)
        if factors is None:
            if len(self._tools.factors) >= _FACTORS:
                self._tools.factors.clear()
            factors = rounded_factors(width, height, radius, key[3])
            self._tools.factors[key] = factors
        self._darken(factors, rect[0], rect[1])

    def block(self, rect: Rect, colour: Colour) -> None:
        """Fill a rectangle."""
        x, y, width, height = rect
        if width > 0 and height > 0:
            self.image[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = colour

    def meter(self, rect: Rect, share: float, colour: Colour, mark: float | None = None) -> None:
        """A horizontal bar filled to `share` (0..1), with a tick at `mark`."""
        x, y, width, height = rect
        self.block(rect, (72, 72, 72))
        self.block((x, y, round(width * min(max(share, 0.0), 1.0)), height), colour)
        if mark is not None and 0 < mark < 1:
            tick = max(1, self.sizes.hair)
            self.block(
                (x + round(width * mark) - tick // 2, y - tick, tick, height + 2 * tick), INK
            )

    def outline(self, polygons: Sequence[np.ndarray], colour: Colour, bold: bool = True) -> None:
        """Draw closed polygons of (N, 2) x, y in px: bold with dark edges, or thin and quiet."""
        points = [_fixed(p) for p in polygons if len(p)]
        if bold:
            edge = max(1, self.sizes.line // 2)
            self._lines(points, DARK, self.sizes.line + 2 * edge)
            self._lines(points, colour, self.sizes.line)
        else:  # a shadow to one side: readable on white, and still one line
            aside = 1 << _SHIFT if self.sizes.hair == 1 else (self.sizes.hair << _SHIFT) // 2
            self._lines([p + aside for p in points], SHADOW, self.sizes.hair)
            self._lines(points, colour, self.sizes.hair)

    def box(self, box: Box, colour: Colour, bold: bool = True) -> None:
        """Draw a box's outline."""
        x0, y0, x1, y1 = box
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        self.outline([corners], colour, bold)

    def tint(
        self, polygons: Sequence[np.ndarray], colour: Colour, opacity: float, pattern: int = 0
    ) -> None:
        """Colour the inside of polygons, hatched by `pattern` (0: plain, 1 to 5)."""
        solid = [p for p in polygons if len(p) > 2]
        if not solid:
            return
        every = np.concatenate(solid)
        x0, y0 = (max(0, int(v)) for v in np.floor(every.min(axis=0)))
        x1 = min(self.width, math.ceil(float(every[:, 0].max())) + 1)
        y1 = min(self.height, math.ceil(float(every[:, 1].max())) + 1)
        if x1 <= x0 or y1 <= y0:
            return
        region = self.image[y0:y1, x0:x1]
        mask = np.zeros(region.shape[:2], np.uint8)
        cv2.fillPoly(mask, [_fixed(p - (x0, y0)) for p in solid], 255, cv2.LINE_8, _SHIFT)
        plain = region.copy()
        cv2.copyTo(cv2.LUT(plain, self._table(colour, opacity)), mask, region)
        if pattern and min(region.shape[:2]) >= 3.5 * self._period:  # on less it is but a smear
            mask &= self._hatch(mask.shape, pattern, x0, y0)
            cv2.copyTo(cv2.LUT(plain, self._table(colour, opacity, stripe=True)), mask, region)

    @property
    def _period(self) -> int:
        return max(6, 5 * self.sizes.line)

    def _hatch(self, shape: tuple[int, ...], pattern: int, x0: int, y0: int) -> np.ndarray:
        """(h, w) uint8 stripes of 255, fixed to the frame so that they do not swim."""
        period = self._period
        tile = self._tools.hatches.get((pattern, period))
        if tile is None:
            tile = self._tools.hatches[pattern, period] = hatch_tile(pattern, period)
        x, y = x0 % period, y0 % period
        rows, columns = -(-(shape[0] + y) // period), -(-(shape[1] + x) // period)
        return np.tile(tile, (rows, columns))[y : y + shape[0], x : x + shape[1]]

    def _lines(self, points: list[np.ndarray], colour: Colour, width: int) -> None:
        cv2.polylines(self.image, points, True, colour, width, cv2.LINE_AA, _SHIFT)

    def _table(self, colour: Colour, opacity: float, stripe: bool = False) -> np.ndarray:
        """(1, 256, 3) what a colour laid over the picture makes of each value."""
        key = (colour, round(opacity, 2), stripe)
        table = self._tools.tints.get(key)
        if table is None:
            table = self._tools.tints[key] = tint_table(colour, opacity, stripe)
        return table

    def _darken(self, factors: np.ndarray, x: int, y: int) -> None:
        x0, y0 = max(0, x), max(0, y)
        x1 = min(self.width, x + factors.shape[1])
        y1 = min(self.height, y + factors.shape[0])
        if x1 > x0 and y1 > y0:
            region = self.image[y0:y1, x0:x1]
            cv2.multiply(region, factors[y0 - y : y1 - y, x0 - x : x1 - x], region, 1 / 255)


def _fixed(polygon: np.ndarray) -> np.ndarray:
    """Float px as OpenCV's fixed point, far outside points drawn in: more would overflow."""
    clipped = np.clip(polygon, -16_000, 48_000) * (1 << _SHIFT)
    fixed: np.ndarray = np.rint(clipped).astype(np.int32).reshape(-1, 1, 2)
    return fixed
