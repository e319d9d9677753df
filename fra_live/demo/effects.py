"""What moves by itself: smoke above a cigarette, soap bubbles before a wand."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SMOKE = np.array((186, 176, 170, 255), np.float32)  # bluish before a light wall
_SPRITE = 128  # side of a bubble's picture, px


def lay(image: np.ndarray, layer: np.ndarray, x: int, y: int) -> None:
    """Lay a premultiplied (h, w, 4) uint8 BGRA layer over an image in place, cut at its borders.

    Args:
        image: (H, W, 3) uint8 BGR.
        layer: what is laid over it.
        x, y: where the layer's corner falls, px of the image.
    """
    x0, y0 = max(x, 0), max(y, 0)
    x1 = min(x + layer.shape[1], image.shape[1])
    y1 = min(y + layer.shape[0], image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = layer[y0 - y : y1 - y, x0 - x : x1 - x]
    under = image[y0:y1, x0:x1]
    through = cv2.cvtColor(255 - part[..., 3], cv2.COLOR_GRAY2BGR)
    kept = cv2.multiply(under, through, scale=1 / 255)
    image[y0:y1, x0:x1] = cv2.add(kept, np.ascontiguousarray(part[..., :3]))


class Smoke:
    """A thin plume that rises and curls."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        tile = rng.standard_normal((512, 64)).astype(np.float32)
        repeated = cv2.GaussianBlur(np.tile(tile, (3, 3)), (0, 0), 5, sigmaY=11)
        soft = np.ascontiguousarray(repeated[512:1024, 64:128], np.float32)
        self._tile = soft / soft.std()

    def draw(
        self, image: np.ndarray, tip: tuple[float, float], scale: float, time_s: float
    ) -> None:
        """Draw the plume above the glowing tip.

        Args:
            image: (H, W, 3) uint8 BGR, changed in place.
            tip: where it rises from, px.
            scale: px of the image a portrait px.
            time_s: since the cigarette came.
        """
        height, width = int(105 * scale), int(70 * scale)
        up = np.linspace(1, 0, height, dtype=np.float32)[:, None]  # 1 at the upper end
        across = np.linspace(-35, 35, width, dtype=np.float32)[None]
        rise = 105 * up - 34 * time_s  # portrait px; the pattern moves up
        alpha = np.zeros((height, width), np.float32)
        for phase, strength in ((0.0, 1.0), (2.1, 0.6)):
            sway = 9 * up * np.sin(0.055 * rise + phase) + 10 * up * up * np.sin(0.8 + phase)
            breadth = 1.6 + 9 * up
            alpha += strength * np.exp(-(((across - sway) / breadth) ** 2)) / breadth**0.6
        rows = ((rise * -2) % 511).astype(np.float32) * np.ones_like(across)
        columns = (across + 35) * 0.9 + 0 * up
        texture = cv2.remap(self._tile, columns, rows, cv2.INTER_LINEAR,
                            borderMode=cv2.BORDER_WRAP)  # fmt: skip
        fade = np.clip(up / 0.06, 0, 1) * np.clip((1 - up) / 0.6, 0, 1)
        alpha *= 0.9 * fade * np.clip(0.75 + 0.35 * texture, 0.1, 1.4)
        alpha *= np.clip(time_s / 0.8, 0, 1) * np.clip((35 - np.abs(across)) / 8, 0, 1)
        smoke = np.clip(alpha, 0, 0.7)[..., None] * _SMOKE
        corner = (round(tip[0] - width / 2), round(tip[1] - height))
        lay(image, np.round(smoke).astype(np.uint8), *corner)


@dataclass(frozen=True)
class _Bubble:
    birth_s: float
    life_s: float
    radius: float
    heading: tuple[float, float]
    phase: float


def _bubble_picture() -> np.ndarray:
    """(_SPRITE, _SPRITE, 4) uint8 premultiplied: clear in the middle, bright at the rim."""
    y, x = (np.mgrid[0:_SPRITE, 0:_SPRITE].astype(np.float32) + 0.5) / (_SPRITE / 2) - 1
    r, angle = np.hypot(x, y) / 0.96, np.arctan2(y, x)
    inside = np.clip((1 - r) * _SPRITE / 3, 0, 1)
    hue = 0.9 * r**2 + 0.12 * np.sin(2 * angle + 0.5) + 0.10 * x
    colour = np.stack([0.68 + 0.3 * np.cos(6.283 * (hue + p)) for p in (0.0, 0.34, 0.68)], -1)
    alpha = inside * (0.10 + 0.14 * r**2 + 0.65 * r**7)
    layer = np.concatenate([colour * alpha[..., None], alpha[..., None]], -1)
    for cx, cy, size, strength in ((-0.42, -0.46, 0.17, 0.95), (0.45, 0.50, 0.12, 0.5)):
        radial, along = np.hypot(x, y) - np.hypot(cx, cy), angle - np.arctan2(cy, cx)
        glint = strength * np.exp(-((radial / (0.45 * size)) ** 4) - (along / (1.6 * size)) ** 4)
        layer += (inside * glint)[..., None] * (1 - layer[..., 3:])
    return np.asarray(np.round(255 * np.clip(layer, 0, 1)), np.uint8)


class Bubbles:
    """Soap bubbles that leave the ring, drift aside and up, and burst."""

    def __init__(self, seed: int, duration_s: float) -> None:
        self._picture = _bubble_picture()
        self._duration_s = duration_s
        rng = np.random.default_rng(seed)
        self._bubbles = []
        for birth in np.arange(0.35, duration_s - 0.3, 0.16):
            heading = (float(rng.uniform(-52, 60)), float(rng.uniform(-42, 26)))
            life, radius = float(rng.uniform(1.3, 2.6)), float(rng.uniform(4, 15))
            phase = float(rng.uniform(0, 2 * np.pi))
            self._bubbles.append(_Bubble(float(birth), life, radius, heading, phase))

    def draw(
        self, image: np.ndarray, ring: tuple[float, float], scale: float, time_s: float
    ) -> None:
        """Draw the bubbles that live at a time.

        Args:
            image: (H, W, 3) uint8 BGR, changed in place.
            ring: middle of the wand's ring, px.
            scale: px of the image a portrait px.
            time_s: since the wand came.
        """
        for bubble in self._bubbles:
            age = time_s - bubble.birth_s
            end = min(bubble.life_s, self._duration_s - bubble.birth_s)
            if not 0 <= age <= end:
                continue
            # Blown out fast, slowed by the air, then drifting.
            way = 0.9 * (1 - np.exp(-2.2 * age)) + 0.35 * age
            x = ring[0] + scale * (bubble.heading[0] * way + 3 * np.sin(2 * age + bubble.phase))
            y = ring[1] + scale * (bubble.heading[1] * way - 5 * age * age)
            size = scale * bubble.radius * min(1.0, 0.25 + 2.5 * age)
            wobble = 1 + 0.12 * np.exp(-1.5 * age) * np.sin(13 * age + bubble.phase)
            self._stamp(image, float(x), float(y), float(size * wobble), float(size / wobble))

    def _stamp(self, image: np.ndarray, x: float, y: float, rx: float, ry: float) -> None:
        left, top = int(np.floor(x - rx)) - 1, int(np.floor(y - ry)) - 1
        width, height = int(2 * rx) + 4, int(2 * ry) + 4
        sx, sy = 2 * rx / _SPRITE, 2 * ry / _SPRITE
        move = np.array([[sx, 0, x - rx - left], [0, sy, y - ry - top]], np.float32)
        # Reduced first: warpAffine alone would skip most of the picture's pixels.
        step = max(1, int(1 / max(sx, sy)))
        picture = self._picture
        if step > 1:
            picture = cv2.resize(picture, None, fx=1 / step, fy=1 / step,
                                 interpolation=cv2.INTER_AREA)  # fmt: skip
            move[:, :2] *= _SPRITE / picture.shape[0]
        lay(image, cv2.warpAffine(picture, move, (width, height)), left, top)
