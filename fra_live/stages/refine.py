"""Step 3, refine: windows cut out, enlarged, and their probabilities pasted back (section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fra_live.stages.preprocess import Pyramid, as_pyramid
from fra_live.stages.windows import Window


def _whole_box(window: Window, scale_x: float = 1.0, scale_y: float = 1.0) -> tuple[int, ...]:
    x0, y0, x1, y1 = window.box_xyxy
    left, top = round(x0 * scale_x), round(y0 * scale_y)
    right, bottom = round(x1 * scale_x), round(y1 * scale_y)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def crop_windows(image: np.ndarray | Pyramid, windows: Sequence[Window], size: int) -> np.ndarray:
    """Cut the windows out of a frame and bring them to Net_fine's input size.

    Args:
        image: (H, W, 3) uint8 BGR, or its pyramid.
        windows: squares in frame px; what lies over a border is mirrored from inside.
        size: side of the crops in px.

    Returns:
        (N, size, size, 3) uint8 BGR.
    """
    pyramid = as_pyramid(image)
    crops = np.empty((len(windows), size, size, 3), np.uint8)
    for crop, window in zip(crops, windows, strict=True):
        level, smaller = pyramid.level(window.side / size)
        height, width = level.shape[:2]
        left, top, right, bottom = _whole_box(window, 1 / smaller, 1 / smaller)
        inside = level[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        if inside.size == 0:
            crop[:] = 127
            continue
        over = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
        if any(over):
            inside = cv2.copyMakeBorder(inside, *over, borderType=cv2.BORDER_REFLECT_101)
        cv2.resize(inside, (size, size), dst=crop, interpolation=cv2.INTER_LINEAR)
    return crops


def paste_windows(
    coarse: np.ndarray,
    fine: np.ndarray,
    windows: Sequence[Window],
    frame: tuple[int, int],
    shape: tuple[int, int],
) -> np.ndarray:
    """P_fine over the whole frame: windows averaged where they overlap, P_coarse elsewhere.

    Args:
        coarse: (|L|, h, w) float32 over the frame.
        fine: (N, |L|, s, s) float32, Net_fine's probabilities of each window.
        windows: the N windows in frame px.
        frame: (H, W) of the frame in px.
        shape: (H', W') of the result.

    Returns:
        (|L|, H', W') float32; sums to 1 over the labels.
    """
    height, width = shape
    scale_x, scale_y = width / frame[1], height / frame[0]
    merged = np.empty((len(coarse), height, width), np.float32)
    _resize_planes(coarse, merged)
    count = np.zeros((height, width), np.uint8)
    for probabilities, window in zip(fine, windows, strict=True):
        left, top, right, bottom = _whole_box(window, scale_x, scale_y)
        x0, y0, x1, y1 = max(0, left), max(0, top), min(width, right), min(height, bottom)
        if x0 >= x1 or y0 >= y1:
            continue
        target, seen = merged[:, y0:y1, x0:x1], count[y0:y1, x0:x1]
        # The first window on a pixel replaces P_coarse; where there are more, their running mean.
        x, y, w, h = cv2.boundingRect(seen)
        again = slice(y, y + h), slice(x, x + w)
        before = target[:, *again].copy()
        if (x0, y0, x1, y1) == (left, top, right, bottom):
            _resize_planes(probabilities, target)
        else:
            patch = np.empty((len(coarse), bottom - top, right - left), np.float32)
            _resize_planes(probabilities, patch)
            target[:] = patch[:, y0 - top : y1 - top, x0 - left : x1 - left]
        if before.size:
            shared = target[:, *again]
            shared -= before
            shared *= np.reciprocal(seen[again] + np.float32(1))
            shared += before
        seen += 1
    return merged


def _resize_planes(planes: np.ndarray, out: np.ndarray) -> None:
    """(|L|, h, w) float32 into (|L|, H, W); a plane at a time needs no reordering of the axes."""
    size = (out.shape[2], out.shape[1])
    for source, target in zip(planes, out, strict=True):
        cv2.resize(source, size, dst=target, interpolation=cv2.INTER_LINEAR)
