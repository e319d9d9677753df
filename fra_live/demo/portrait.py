"""The photo the demo clip is composed on: NASA's portrait of Eileen Collins, public domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from fra_live.demo.relief import Area, Colour, polygon
from fra_live.errors import MissingExtraError

# Head, collar and suit: where the shadow of a hand before the person can fall.
_PERSON = (
    (150, 60), (165, 25), (230, 12), (290, 40), (302, 90), (285, 140), (290, 150), (304, 235),
    (350, 260), (362, 350), (362, 400), (0, 400), (40, 300), (60, 240), (120, 190), (130, 160),
    (185, 150), (155, 110),
)  # fmt: skip
_CHEEKS = ((190, 118, 203, 135), (246, 118, 258, 135))
_MOUTH = (223.3, 146.3)  # where the lips would meet, below the middle of the nose
_MOUTH_HALF, _MOUTH_BOW, _MOUTH_GAP = 19.5, 4.6, 3.3  # half its width, its curve, half its height
MOUTH_AREA = (194, 120, 252, 172)
_SLEEVE = (60, 302, 122, 440)


@dataclass(frozen=True)
class Portrait:
    """The photo and what is taken from it.

    Attributes:
        image: (512, 512, 3) uint8 BGR.
        skin: colour of the cheeks.
        cloth: (h, w, 3) float32 BGR in 0..1, a piece of the suit's sleeve.
    """

    image: np.ndarray
    skin: Colour
    cloth: np.ndarray

    def enlarged(self) -> np.ndarray:
        """(1024, 1024, 3) uint8 BGR, twice the size, by a good filter."""
        return np.asarray(
            cv2.resize(self.image, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)
        )

    def closed_lips(self) -> np.ndarray:
        """The smile with the mouth shut, as lips are round a cup or a cigarette.

        Returns:
            (h, w, 4) uint8, premultiplied BGRA, of `MOUTH_AREA` at two samples a portrait px.
        """
        x0, y0, x1, y1 = MOUTH_AREA
        x = (np.arange(2 * x0, 2 * x1, dtype=np.float32)[None] + 0.5) / 2
        y = (np.arange(2 * y0, 2 * y1, dtype=np.float32)[:, None] + 0.5) / 2
        across = (x - _MOUTH[0]) / _MOUTH_HALF
        below = y - (_MOUTH[1] - _MOUTH_BOW * across**2)
        width = np.maximum(1 - across**2, 0)
        # Both lips move to the line between them; chin and nose stay.
        shift = _MOUTH_GAP * np.sqrt(width) * np.tanh(below / 0.6) * np.exp(-((below / 13) ** 4))
        rows, columns = (y + shift) * 2 - 0.5, x * 2 - 0.5 + 0 * y
        shut = cv2.remap(self.enlarged(), columns, rows, cv2.INTER_CUBIC).astype(np.float32)
        line = 0.5 * (np.exp(-((below / 0.85) ** 2)) * np.clip(4 * width, 0, 1))[..., None]
        shut += line * (np.array((52, 45, 95), np.float32) - shut)
        edge = np.minimum(np.minimum(x - x0, x1 - x), np.minimum(y - y0, y1 - y))
        alpha = np.clip(edge / 6, 0, 1)[..., None]
        return np.asarray(np.round(np.concatenate([shut * alpha, 255 * alpha], -1)), np.uint8)

    @staticmethod
    def person(area: Area) -> np.ndarray:
        """(h, w) coverage of the person within an area, for shadows."""
        return polygon(area, _PERSON)


def load_portrait() -> Portrait:
    """Read the portrait that ships inside scikit-image.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError:
        raise MissingExtraError("The demo clip", "demo") from None
    astronaut: Any = data.astronaut  # scikit-image has no types for it
    image = cv2.cvtColor(np.asarray(astronaut(), np.uint8), cv2.COLOR_RGB2BGR)
    cheeks = [image[y0:y1, x0:x1].reshape(-1, 3) for x0, y0, x1, y1 in _CHEEKS]
    blue, green, red = (float(c) / 255 for c in np.median(np.concatenate(cheeks), axis=0))
    x0, y0, x1, y1 = _SLEEVE
    cloth = image[y0:y1, x0:x1].astype(np.float32) / 255
    return Portrait(image, (blue, green, red), cloth)
