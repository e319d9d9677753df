"""Faces made unrecognizable, on the frame itself, before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fra_live.results import Box

ANONYMISERS = ("pixelate", "blur")

_MARGIN = 0.3  # of the box: the segmented face leaves out hair, ears and chin
_CELLS = 7  # across a face; with fewer than about ten nobody is recognized


def anonymise(image: np.ndarray, faces: Sequence[Box], how: str) -> None:
    """Hide faces.

    Args:
        image: (H, W, 3) uint8 BGR; changed in place.
        faces: boxes in px.
        how: "pixelate" or "blur".
    """
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in faces:
        mx, my = _MARGIN * (x1 - x0), _MARGIN * (y1 - y0)
        left, top = max(0, int(x0 - mx)), max(0, int(y0 - my))
        right, bottom = min(width, int(x1 + mx) + 1), min(height, int(y1 + my) + 1)
        if right <= left or bottom <= top:
            continue
        region = image[top:bottom, left:right]
        size = (right - left, bottom - top)
        # Both throw the detail away by averaging; a blur of the full picture could be undone.
        cell = max(1.0, max(x1 - x0, y1 - y0) / _CELLS)
        few = (max(1, round(size[0] / cell)), max(1, round(size[1] / cell)))
        small = cv2.resize(region, few, interpolation=cv2.INTER_AREA)
        enlarge = cv2.INTER_NEAREST if how == "pixelate" else cv2.INTER_CUBIC
        hidden = cv2.resize(small, size, interpolation=enlarge)
        mask = np.zeros((size[1], size[0]), np.uint8)
        centre = (round((x0 + x1) / 2) - left, round((y0 + y1) / 2) - top)
        axes = (round((x1 - x0) / 2 + mx), round((y1 - y0) / 2 + my))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
        cv2.copyTo(hidden, mask, region)
