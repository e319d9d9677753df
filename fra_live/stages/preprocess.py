"""Frame to network input: the sizes at which the networks look at a frame."""

from __future__ import annotations

import cv2
import numpy as np

# A frame is halved by exact 2x2 means before it shrinks by more than this, the rest is bilinear:
# a tenth of the time of averaging areas at any scale. By less, bilinear sampling skips little.
HALVE_FROM = 1.7


def check_frame(image: object) -> None:
    """Make sure that a frame is what every step takes.

    Raises:
        ValueError: it is no (H, W, 3) uint8 array, or has no pixels.
    """
    if not isinstance(image, np.ndarray):
        raise ValueError(f"A frame is an array, not {type(image).__name__}; was it read?")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"A frame is (H, W, 3) uint8, not {image.shape} {image.dtype}.")


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


class Pyramid:
    """A frame, its half, its quarter …, each made when it is first asked for.

    Attributes:
        shape: (H, W) of the frame in px.
    """

    def __init__(self, image: np.ndarray) -> None:
        """Take a frame: (H, W, 3) uint8 BGR."""
        self.shape = (image.shape[0], image.shape[1])
        self._levels = [image]

    def level(self, shrinking: float) -> tuple[np.ndarray, int]:
        """The level from which to shrink the frame by a factor.

        Returns:
            (h, w, 3) uint8 and how many times smaller than the frame it is: 1, 2, 4 …
        """
        wanted = 0
        while shrinking >= HALVE_FROM:
            shrinking, wanted = shrinking / 2, wanted + 1
        while len(self._levels) <= wanted:
            larger = self._levels[-1]
            height, width = larger.shape[0] // 2, larger.shape[1] // 2
            if min(height, width) < 1:
                break
            even = larger[: 2 * height, : 2 * width]
            self._levels.append(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))
        last = min(wanted, len(self._levels) - 1)
        return self._levels[last], 2**last


def as_pyramid(image: np.ndarray | Pyramid) -> Pyramid:
    """The pyramid of an image; a pyramid stays what it is."""
    return image if isinstance(image, Pyramid) else Pyramid(image)


def resize(image: np.ndarray | Pyramid, shape: tuple[int, int]) -> np.ndarray:
    """Resize (H, W, 3) uint8 to `shape`, (h, w); what shrinks much is averaged first."""
    pyramid = as_pyramid(image)
    shrinking = min(pyramid.shape[0] / shape[0], pyramid.shape[1] / shape[1])
    level, _ = pyramid.level(shrinking)
    return cv2.resize(level, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
