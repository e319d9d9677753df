"""Frame to network input: the sizes at which the networks look at a frame."""

from __future__ import annotations

import cv2
import numpy as np


def coarse_shape(frame: tuple[int, int], size: int, multiple: int = 32) -> tuple[int, int]:
    """Input size of Net_coarse for a frame: about `size`² px, the frame's proportions.

    Args:
        frame: (H, W) of the frame in px.
        size: square root of the area wanted, px.
        multiple: both sides are multiples of this.

    Returns:
        (h, w); proportions beyond 1:3 are squeezed, so that neither side vanishes.
    """
    ratio = float(np.clip(frame[1] / frame[0], 1 / 3, 3.0))
    height = max(multiple, round(size / np.sqrt(ratio) / multiple) * multiple)
    width = max(multiple, round(size * np.sqrt(ratio) / multiple) * multiple)
    return height, width


def resize(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize (H, W, 3) uint8 to `shape`; areas are averaged when it shrinks much."""
    shrinks = image.shape[0] > 1.4 * shape[0] or image.shape[1] > 1.4 * shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (shape[1], shape[0]), interpolation=interpolation)
