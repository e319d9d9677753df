"""Shapes that drawing lays over a picture: made once, kept by `drawing.Tools`."""

from __future__ import annotations

import cv2
import numpy as np

_STRIPE = 0.3  # how much lighter or darker hatching is


def rounded_factors(width: int, height: int, radius: int, inside: int) -> np.ndarray:
    """What darkens a rectangle with round corners.

    Args:
        width: px.
        height: px.
        radius: of the corners, px.
        inside: the factor inside, of 255; outside it is 255.

    Returns:
        (height, width, 3) uint8.
    """
    big = np.zeros((4 * height, 4 * width), np.uint8)
    r = 4 * radius
    cv2.rectangle(big, (r, 0), (4 * width - 1 - r, 4 * height - 1), 255, -1)
    cv2.rectangle(big, (0, r), (4 * width - 1, 4 * height - 1 - r), 255, -1)
    for x in (r, 4 * width - 1 - r):
        for y in (r, 4 * height - 1 - r):
            cv2.circle(big, (x, y), r, 255, -1)
    cover = cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA)
    factors = 255 - (cover.astype(np.uint16) * (255 - inside) + 127) // 255
    return np.repeat(factors.astype(np.uint8)[:, :, None], 3, axis=2)


def hatch_tile(pattern: int, period: int) -> np.ndarray:
    """(period, period) uint8 of one hatching, 1 to 5."""
    y, x = np.mgrid[:period, :period]
    band = max(1, period // 3)
    inked = {
        1: (x + y) % period < band,
        2: (x - y) % period < band,
        3: y < band,
        4: x < band,
        5: (x < 2 * band) & (y < 2 * band),
    }
    return np.where(inked[pattern], 255, 0).astype(np.uint8)


def tint_table(colour: tuple[int, int, int], opacity: float, stripe: bool) -> np.ndarray:
    """What a colour laid over a picture makes of each value.

    Args:
        colour: blue, green, red.
        opacity: of the colour, 0..1.
        stripe: for hatching: lighter where the colour is dark, darker where it is light.

    Returns:
        (1, 256, 3) uint8 for `cv2.LUT`.
    """
    ramp = np.arange(256, dtype=np.float32)[:, None, None]
    mixed = ramp * (1 - opacity) + np.array(colour, np.float32) * opacity
    if stripe:  # lighter or darker, not more colourful: it must show without colour
        blue, green, red = colour
        light = 0.114 * blue + 0.587 * green + 0.299 * red
        mixed += _STRIPE * ((0.0 if light > 150 else 255.0) - mixed)
    return np.asarray(np.round(mixed), np.uint8).reshape(1, 256, 3)
