"""A small renderer: rounded bodies as height maps, shaded and laid over one another.

Coordinates are px of the portrait (512 by 512), x right, y down, z towards the camera. Everything
is drawn at `DRAW` samples per portrait px and averaged down to `KEEP` when a picture is finished,
which smooths every edge. Colours are (blue, green, red) in 0..1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

DRAW, KEEP = 4, 2
Point = tuple[float, float, float]
Colour = tuple[float, float, float]
Area = tuple[int, int, int, int]  # x0, y0, x1, y1 in portrait px

_SHADOW = (0.05, 0.05, 0.09)

_LIGHT = np.array([-0.38, -0.52, 0.76], np.float32)  # the portrait's key light: upper left, front


@dataclass(frozen=True)
class Capsule:
    """A round cone between two balls.

    Attributes:
        start, end: centres of the balls.
        radius, end_radius: their radii.
        flat: thickness towards the camera as a share of the radius.
    """

    start: Point
    end: Point
    radius: float
    end_radius: float
    flat: float = 1.0


def grid(area: Area) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates x (1, w) and y (h, 1) of the samples of an area, float32 portrait px."""
    x0, y0, x1, y1 = area
    x = x0 + (np.arange((x1 - x0) * DRAW, dtype=np.float32)[None] + 0.5) / DRAW
    y = y0 + (np.arange((y1 - y0) * DRAW, dtype=np.float32)[:, None] + 0.5) / DRAW
    return x, y


def coverage(distance: np.ndarray, softness: float = 0.5) -> np.ndarray:
    """Share of a sample covered by a shape, from its signed distance (< 0 inside) in px."""
    return np.clip(0.5 - distance / (2 * softness), 0, 1)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur with sigma in portrait px; wide ones run on a reduced copy."""
    sigma *= DRAW
    if sigma < 8:
        return cv2.GaussianBlur(image, (0, 0), sigma)
    step = max(2, int(sigma / 4))
    size = (image.shape[1] // step, image.shape[0] // step)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def noise(shape: tuple[int, int], sigma: float, seed: int) -> np.ndarray:
    """(h, w) float32 smooth noise of unit variance, grain about `sigma` portrait px."""
    step = max(1, int(sigma * DRAW / 2))
    rng = np.random.default_rng(seed)
    small = rng.standard_normal((shape[0] // step + 2, shape[1] // step + 2)).astype(np.float32)
    soft = cv2.GaussianBlur(small, (0, 0), sigma * DRAW / step)
    wide = cv2.resize(soft, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(wide / (wide.std() + 1e-6), np.float32)


def _soft_max(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    if width <= 0:
        return np.asarray(np.maximum(a, b))
    share = np.clip(0.5 + 0.5 * (a - b) / width, 0, 1)
    return np.asarray(b + (a - b) * share + width * share * (1 - share))


class Relief:
    """The union of rounded bodies, seen from the front.

    Attributes:
        height: (h, w) float32, nearest z, portrait px.
        distance: (h, w) float32, signed distance to the silhouette in portrait px, < 0 inside.
    """

    def __init__(self, area: Area) -> None:
        self.x, self.y = grid(area)
        shape = (self.y.shape[0], self.x.shape[1])
        self.height = np.full(shape, -1e3, np.float32)
        self.distance = np.full(shape, 1e3, np.float32)

    def add(self, body: Capsule, blend: float = 0.0) -> None:
        """Unite with a capsule; `blend` px is the width of the soft seam."""
        (x0, y0, z0), (x1, y1, z1) = body.start, body.end
        reach = max(body.radius, body.end_radius) + blend + 3
        columns = slice(*np.searchsorted(self.x[0], (min(x0, x1) - reach, max(x0, x1) + reach)))
        rows = slice(*np.searchsorted(self.y[:, 0], (min(y0, y1) - reach, max(y0, y1) + reach)))
        x, y = self.x[:, columns], self.y[rows]
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        radius = body.radius + t * (body.end_radius - body.radius)
        distance = np.hypot(x - x0 - t * dx, y - y0 - t * dy)
        inside = np.sqrt(np.maximum(radius**2 - distance**2, 0))
        outside = np.maximum(distance - radius, 0)
        height = z0 + t * (z1 - z0) + body.flat * inside - 1.5 * outside
        where = (rows, columns)
        self.distance[where] = -_soft_max(-self.distance[where], radius - distance, blend)
        self.height[where] = _soft_max(self.height[where], height, blend)

    def shade(self, crease: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Light on the bodies.

        Args:
            crease: strength of the darkening where bodies meet.

        Returns:
            (h, w) brightness, about 1 where the light falls squarely, and (h, w) gloss in 0..1.
        """
        top = float(self.height.max())
        height = np.maximum(self.height, top - 60)
        smooth = blur(height, 0.45)
        dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=DRAW / 8)
        dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=DRAW / 8)
        length = np.sqrt(dx * dx + dy * dy + 1)
        cosine = (-dx * _LIGHT[0] - dy * _LIGHT[1] + _LIGHT[2]) / length
        brightness = 0.5 + 0.58 * np.clip((cosine + 0.3) / 1.3, 0, 1)
        hollow = np.clip((blur(smooth, 2.5) - smooth) / 4, 0, 1)
        brightness *= 1 - 0.35 * crease * hollow
        half = _LIGHT + np.array([0, 0, 1], np.float32)
        half /= np.linalg.norm(half)
        gloss = np.clip((-dx * half[0] - dy * half[1] + half[2]) / length, 0, 1) ** 24
        return np.asarray(brightness, np.float32), np.asarray(gloss, np.float32)


class Picture:
    """Premultiplied layers laid over one another within an area of the portrait.

    Attributes:
        area: what it covers, portrait px.
        x, y: (1, w) and (h, 1) coordinates of the samples, portrait px.
        pixels: (h, w, 4) float32, premultiplied BGRA in 0..1.
    """

    def __init__(self, area: Area, pixels: np.ndarray | None = None) -> None:
        self.area = area
        self.x, self.y = grid(area)
        shape = (self.y.shape[0], self.x.shape[1], 4)
        self.pixels = np.zeros(shape, np.float32) if pixels is None else pixels

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the samples."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def around(self, points: Iterable[tuple[float, float]], reach: float) -> Picture:
        """The part within `reach` px of some points; painting on it paints on the whole."""
        xs, ys = zip(*points, strict=True)
        left, top, right, bottom = self.area
        x0, y0 = max(int(min(xs) - reach), left), max(int(min(ys) - reach), top)
        x1, y1 = min(int(max(xs) + reach), right), min(int(max(ys) + reach), bottom)
        rows = slice((y0 - top) * DRAW, (y1 - top) * DRAW)
        columns = slice((x0 - left) * DRAW, (x1 - left) * DRAW)
        return Picture((x0, y0, x1, y1), self.pixels[rows, columns])

    def paint(self, alpha: np.ndarray, colour: np.ndarray | Colour) -> None:
        """Lay a colour, (3,) or (h, w, 3), over what is there, with (h, w) opacity in 0..1."""
        seen = alpha > 1 / 512
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not len(rows):
            return
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        colour = np.asarray(colour, np.float32)
        if colour.ndim == 3:
            colour = colour[part]
        opacity = np.asarray(alpha[part], np.float32)[..., None]
        pixels = self.pixels[part]
        pixels *= 1 - opacity
        pixels[..., :3] += opacity * colour
        pixels[..., 3:] += opacity

    def near(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns within `reach` px of a point."""
        rows = np.searchsorted(self.y[:, 0], (y - reach, y + reach))
        columns = np.searchsorted(self.x[0], (x - reach, x + reach))
        return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))

    def along(
        self,
        origin: tuple[float, float],
        direction: tuple[float, float],
        part: tuple[slice, slice] = (slice(None), slice(None)),
    ) -> tuple[np.ndarray, np.ndarray]:
        """Samples' coordinates along a direction and across it (to its right), portrait px."""
        length = math.hypot(*direction) or 1.0
        ax, ay = direction[0] / length, direction[1] / length
        dx, dy = self.x[:, part[1]] - origin[0], self.y[part[0]] - origin[1]
        return dx * ax + dy * ay, dy * ax - dx * ay

    def shadow(self, alpha: np.ndarray, on: np.ndarray) -> None:
        """Darken what lies behind a shape, before the shape is painted: close by and wide.

        Args:
            alpha: (h, w) coverage of the shape.
            on: (h, w) coverage of the person; the wall behind is too far for shadows.
        """
        on = np.maximum(on, self.pixels[..., 3])
        for dx, dy, softness, strength in ((1.5, 2.5, 2.0, 0.45), (4.0, 7.0, 6.0, 0.28)):
            move = np.array([[1, 0, dx * DRAW], [0, 1, dy * DRAW]], np.float32)
            moved = blur(cv2.warpAffine(alpha, move, alpha.shape[1::-1]), softness)
            self.paint(strength * moved * on, _SHADOW)

    def finish(self) -> np.ndarray:
        """(h, w, 4) float32, premultiplied BGRA in 0..255, at `KEEP` samples per portrait px."""
        x0, y0, x1, y1 = self.area
        size = ((x1 - x0) * KEEP, (y1 - y0) * KEEP)
        return 255 * cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)


def polygon(area: Area, points: Sequence[tuple[float, float]]) -> np.ndarray:
    """(h, w) coverage of a polygon given in portrait px."""
    x0, y0, x1, y1 = area
    image = np.zeros(((y1 - y0) * DRAW, (x1 - x0) * DRAW), np.uint8)
    corners = (np.array(points, np.float32) - (x0, y0)) * DRAW * 16
    cv2.fillPoly(image, [np.round(corners).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return image.astype(np.float32) / 255
