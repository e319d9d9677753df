"""Step 6, ranking: support vector regression from context to overlap (section 3.2).

Departure, measured: the regression reads the short-range context in the region's own terms (its
own label, the strongest rival, background and body parts) rather than label by label, so that a
few hundred photos teach all objects at once, and beside it what the image says about that label.
A ranker that was trained on the paper's context alone is known by its number of features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.candidates import CandidateParameters, Proposal, box_iou
from fra_live.stages.features import FLOOR, ImageEvidence, log_odds, log_softmax, places
from fra_live.stages.regression import Ranker

__all__ = [
    "Ranker", "best_distinct", "expected_overlaps", "own_context", "ranking_blocks",
    "ranking_features",
]  # fmt: skip
_DEFAULT = CandidateParameters()
TIE = 1e-3  # of equal boxes, of two labels, the one predicted better comes first


def ranking_blocks(labels: LabelSet, grid: int) -> dict[str, int]:
    """Length of each block of the ranking's features, in its order.

    Args:
        labels: the label set.
        grid: cells a side of the context.
    """
    others = len(labels.names) - len(labels.objects)
    return {
        "context": grid**2 * (2 + others),
        "place": 5,
        "image": 9,
        "shape": 6,
        "label": len(labels.objects),
    }


def own_context(labels: LabelSet, context: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """Short-range context as the region's own label sees it.

    Args:
        labels: the label set.
        context: (N, grid² · |L|) float32, as `short_context` gives it.
        channels: (N,) each region's own channel.

    Returns:
        (N, C · grid²) float32 log-odds of C = 2 + |L| - |Obj| channels in this order: the own
        label, the highest of the other objects, then every label that is no object.
    """
    count, names = len(channels), len(labels.names)
    planes = log_odds(context).reshape(count, -1, names).transpose(2, 0, 1)
    objects = np.array(labels.object_channels)
    rest = [channel for channel in range(names) if channel not in labels.object_channels]
    rivals = planes[objects]
    rivals[objects[:, None] == channels] = FLOOR  # also where there is no other
    out = np.empty((count, 2 + len(rest), planes.shape[2]), np.float32)
    out[:, 0] = planes[channels, np.arange(count)]
    rivals.max(axis=0, out=out[:, 1])
    out[:, 2:] = planes[rest].transpose(1, 0, 2)
    return out.reshape(count, -1)


def ranking_features(
    labels: LabelSet,
    context: np.ndarray,
    proposals: Sequence[Proposal],
    faces: np.ndarray,
    evidence: ImageEvidence,
    window_logits: np.ndarray,
    near: np.ndarray,
    maps: tuple[tuple[int, int], tuple[int, int]],
) -> np.ndarray:
    """What the ranking reads of each candidate.

    Args:
        labels: the label set.
        context: (N, grid² · |L|) float32, the short range of the N candidates.
        proposals: the candidates.
        faces: (N, 4) box of each candidate's face in frame px; NaN without one.
        evidence: of the image.
        window_logits: (W, A + 1) action logits of all windows.
        near: (N,) int, the window nearest to each candidate.
        maps: (H, W) of the frame in px and (h, w) of P_fine.

    Returns:
        (N, D) float32, blocks as `ranking_blocks` tells them.
    """
    count, sizes = len(proposals), ranking_blocks(labels, _grid(labels, context))
    ends = np.cumsum(list(sizes.values())).tolist()
    out = np.zeros((count, ends[-1]), np.float32)
    of_context, of_place, of_image, of_shape, of_label = np.split(out, ends[:-1], axis=1)
    channels = np.array([p.channel for p in proposals], np.intp)
    boxes = np.array([p.box for p in proposals], np.float32).reshape(-1, 4)
    slots = np.searchsorted(labels.object_channels, channels)
    of_context[:] = own_context(labels, context, channels)
    of_place[:, :4] = places(boxes, faces)
    of_place[:, 4] = np.isfinite(faces[:, 0])
    of_image[:] = _said_of_label(labels, slots, evidence, window_logits, near)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    aspect = np.log(sides[:, 0] / sides[:, 1])
    of_shape[:, 0] = log_odds(np.array([p.probability for p in proposals], np.float32))
    of_shape[:, 1] = [np.count_nonzero(p.mask) / p.mask.size for p in proposals]
    of_shape[:, 2] = np.log(sides[:, 0] * sides[:, 1] / (maps[0][0] * maps[0][1])) / 2
    of_shape[:, 3], of_shape[:, 4] = aspect, np.abs(aspect)
    of_shape[:, 5] = [p.map_shape != maps[1] for p in proposals]
    of_label[np.arange(count), slots] = 1
    return out


def _grid(labels: LabelSet, context: np.ndarray) -> int:
    """Cells a side of a short-range context."""
    return round(math.sqrt(context.shape[1] / len(labels.names)))


@cache
def _belongs(labels: LabelSet) -> np.ndarray:
    """(|Obj|, A + 1) bool: the actions of each object, "none" for an object of no action."""
    belongs = np.zeros((len(labels.objects), len(labels.actions) + 1), bool)
    for action, name in enumerate(labels.actions.values()):
        belongs[labels.objects.index(name), action] = True
    belongs[~belongs.any(axis=1), -1] = True
    return belongs


def _said_of_label(
    labels: LabelSet,
    slots: np.ndarray,
    evidence: ImageEvidence,
    window_logits: np.ndarray,
    near: np.ndarray,
) -> np.ndarray:
    """What the whole image says about each candidate's label; (N, 9).

    Args:
        labels: the label set.
        slots: (N,) int, place of each candidate's label among the objects.
        evidence: of the image.
        window_logits: (W, A + 1) action logits of all windows.
        near: (N,) int, the window nearest to each candidate.
    """
    objects = list(labels.object_channels)
    maxima = log_odds(np.stack([evidence.fine_maxima[objects], evidence.coarse_maxima[objects]]))
    windows = log_softmax(window_logits)
    whole = log_softmax(evidence.global_logits)
    rows = np.concatenate([windows, whole[None], windows.max(axis=0)[None]])
    # Of each object the likeliest of its actions: (W + 2, |Obj|).
    of_action = np.where(_belongs(labels), rows[:, None], -np.inf).max(axis=2)
    told = np.empty((len(objects), 9), np.float32)
    told[:, 0:2] = maxima.T
    told[:, 2:4] = maxima.T - maxima.max(axis=1)
    told[:, 4], told[:, 6], told[:, 7] = of_action[-2], of_action[-1], whole[-1]
    told = told[slots]
    told[:, 5], told[:, 8] = of_action[near, slots], windows[near, -1]
    return np.asarray(told)


def expected_overlaps(
    overlaps: np.ndarray, iou: np.ndarray, sharpness: float, covered: np.ndarray | None = None
) -> np.ndarray:
    """Overlap to be expected of the best of some candidates, were one of them all the true region.

    A hill of the map gives a region for each height at which it is cut, and the regression can
    hardly tell which of them has the object's size: the one that overlaps the other likely ones
    most is the safest, and the next one worth keeping is the one that adds most to it.

    Args:
        overlaps: (N,) predicted overlaps; with `sharpness` in a softmax they say how likely each
            candidate is the true one.
        iou: (N, N) IoU of all candidates' boxes.
        sharpness: see `CandidateParameters.consensus`.
        covered: (N,) each candidate's IoU with the best of those that are kept already.

    Returns:
        (N,) in 0..1, for each candidate together with those that are kept.
    """
    likely = np.exp(sharpness * (overlaps - overlaps.max()))
    best = iou if covered is None else np.maximum(iou, covered)
    return np.asarray(best @ (likely / likely.sum()))


def best_distinct(
    overlaps: np.ndarray,
    boxes: np.ndarray,
    top: int,
    parameters: CandidateParameters = _DEFAULT,
) -> np.ndarray:
    """The candidates that are kept: the best, without those that show what a better one shows.

    Args:
        overlaps: (N,) predicted overlaps.
        boxes: (N, 4) x0, y0, x1, y1.
        top: q, how many are kept at most.
        parameters: by its `consensus` each is chosen for what it adds to the overlap to be
            expected of the best kept one, without it by its own prediction; boxes that overlap
            more than its `distinct_iou` show the same.

    Returns:
        (K,) int indices, best first; K is `top` or less.
    """
    if not parameters.consensus and parameters.distinct_iou >= 1:
        return np.argsort(-overlaps, kind="stable")[:top]
    iou, left = box_iou(boxes, boxes), np.ones(len(overlaps), bool)
    covered = np.zeros(len(overlaps), np.float32)
    kept: list[int] = []
    while left.any() and len(kept) < top:
        asked = np.asarray(overlaps)
        if parameters.consensus:
            expected = expected_overlaps(overlaps, iou, parameters.consensus, covered)
            asked = expected + TIE * overlaps
        best = int(np.where(left, asked, -np.inf).argmax())
        kept.append(best)
        covered = np.maximum(covered, iou[best])
        left &= iou[best] <= parameters.distinct_iou
        left[best] = False  # also a box without area
    return np.array(kept, np.intp)
