"""Pictures that tell their number.

A picture is a grid of black and white fields: eight fields of a byte, and below them the same
inverted. So a number is read from it whole or not at all, after lossy coding and at any size.
"""

from __future__ import annotations

import cv2
import numpy as np

SIZE = (48, 64)  # (H, W)
_BITS = 8
_DARK, _BRIGHT = 90, 165


def numbered(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) uint8 BGR picture that tells `number`, 0..255."""
    bits = np.array([number >> i & 1 for i in range(_BITS)], np.uint8)
    grid = np.stack([bits, 1 - bits]) * 215 + 20
    grey = cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
    return np.repeat(grey[..., None], 3, axis=2)


def read_number(image: np.ndarray) -> int | None:
    """The number that a (H, W, 3) picture tells; None where it is not clear."""
    height, width = image.shape[:2]
    if height < 4 or width < 2 * _BITS:
        return None
    rows = (height // 4, 3 * height // 4)
    columns = [round((i + 0.5) * width / _BITS) for i in range(_BITS)]
    reach = max(1, width // (4 * _BITS))
    fields = np.array(
        [
            [image[row - 1 : row + 2, column - reach : column + reach].mean() for column in columns]
            for row in rows
        ]
    )
    bright = fields > _BRIGHT
    if not (bright | (fields < _DARK)).all() or (bright[0] == bright[1]).any():
        return None
    return int(sum(int(bit) << i for i, bit in enumerate(bright[0])))
