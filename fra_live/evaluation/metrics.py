"""The measures: average precision, box overlap, and intersection over union of label maps.

Small functions on arrays; they know nothing of images, models or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fra_live.annotations import IGNORE


def average_precision(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Area under the precision-recall steps, without interpolation.

    Sum over thresholds of (R_n - R_{n-1}) · P_n; equal scores share one threshold, so that the
    order of ties does not matter.

    Args:
        scores: (N,) higher means more likely positive.
        positive: (N,) the truth.

    Returns:
        0..1; NaN where nothing is positive.

    Raises:
        ValueError: the lengths differ or a score is not finite.
    """
    values = np.asarray(scores, np.float64)
    truth = np.asarray(positive, bool)
    if values.shape != truth.shape or values.ndim != 1:
        raise ValueError(f"{values.shape} scores cannot be judged by {truth.shape} truths.")
    if not np.isfinite(values).all():
        raise ValueError("A score is not finite.")
    if not truth.any():
        return float("nan")
    order = np.argsort(-values, kind="stable")
    values, truth = values[order], truth[order]
    last_of_ties = np.append(np.nonzero(np.diff(values))[0], values.size - 1)
    hits = np.cumsum(truth)[last_of_ties]
    precision = hits / (last_of_ties + 1)
    recall = hits / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other.

    Args:
        first: (N, 4) x0, y0, x1, y1 in px.
        second: (M, 4) likewise.

    Returns:
        (N, M) float64 in 0..1; 0 for boxes without area.
    """
    a = np.asarray(first, np.float64).reshape(-1, 1, 4)
    b = np.asarray(second, np.float64).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.prod(np.maximum(sides, 0.0), axis=-1)
    area_a = np.prod(np.maximum(a[..., 2:] - a[..., :2], 0.0), axis=-1)
    area_b = np.prod(np.maximum(b[..., 2:] - b[..., :2], 0.0), axis=-1)
    union = area_a + area_b - common
    overlaps: np.ndarray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return overlaps


def best_overlaps(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """For each box its largest IoU with a true one: (N,) float64; 0 where there is no truth."""
    overlaps = box_iou(boxes, truth)
    return np.asarray(overlaps.max(axis=1, initial=0.0))


def label_counts(
    predicted: np.ndarray, truth: np.ndarray, channels: Iterable[int]
) -> dict[int, tuple[int, int]]:
    """Pixels in the intersection and in the union of each label.

    Args:
        predicted: (H, W) integer channel indices.
        truth: (H, W) uint8 channel indices; pixels with `IGNORE` do not count.
        channels: the labels to count.

    Returns:
        channel → (intersection, union) in px.
    """
    known = truth != IGNORE
    counts = {}
    for channel in channels:
        here, there = (predicted == channel) & known, truth == channel
        counts[channel] = (int((here & there).sum()), int((here | there).sum()))
    return counts


def ratio(part: float, whole: float) -> float | None:
    """`part` / `whole`; None (JSON's null) where there is nothing to divide by."""
    return float(part / whole) if whole else None


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are known; None where none is."""
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
