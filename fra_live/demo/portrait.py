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
