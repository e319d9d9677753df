"""Step 6, ranking: support vector regression from context to overlap (section 3.2).

Departure, measured: the regression reads the short-range context in the region's own terms (its
own label, the strongest rival, background and body parts) rather than label by label, so that a
few hundred photos teach all objects at once, and beside it what the image says about that label.
A ranker that was trained on the paper's context alone is known by its number of features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.candidates import CandidateParameters, Proposal, box_iou
from fra_live.stages.features import ImageEvidence, log_odds, log_softmax, places


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
        context: (N, 2 · grid² · |L|) float32, as `context_features` gives it.
        channels: (N,) each region's own channel.

    Returns:
        (N, C · grid²) float32 log-odds of C = 2 + |L| - |Obj| channels in this order: the own
        label, the highest of the other objects, then every label that is no object.
    """
    count, names = len(channels), len(labels.names)
    short = log_odds(context[:, : context.shape[1] // 2]).reshape(count, -1, names)
    objects = np.array(labels.object_channels)
    rest = np.setdiff1d(np.arange(names), objects)
    own = np.take_along_axis(short, channels[:, None, None], axis=2)
    rival = np.where(objects == channels[:, None, None], -np.inf, short[:, :, objects])
    highest = np.maximum(rival.max(axis=2), log_odds(np.zeros(1)))  # also where there is no other
    planes = np.concatenate([own, highest[:, :, None], short[:, :, rest]], axis=2)
    return np.asarray(planes.transpose(0, 2, 1).reshape(count, -1), np.float32)


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
        context: (N, 2 · grid² · |L|) float32, of the N candidates.
        proposals: the candidates.
        faces: (N, 4) box of each candidate's face in frame px; NaN without one.
        evidence: of the image.
        window_logits: (W, A + 1) action logits of all windows.
        near: (N,) int, the window nearest to each candidate.
        maps: (H, W) of the frame in px and (h, w) of P_fine.

    Returns:
        (N, D) float32, blocks as `ranking_blocks` tells them.
    """
    channels = np.array([p.channel for p in proposals], np.intp)
    boxes = np.array([p.box for p in proposals], np.float32).reshape(-1, 4)
    objects = np.array(labels.object_channels)
    label = channels[:, None] == objects
    seen = np.isfinite(faces[:, :1]).astype(np.float32)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    aspect = np.log(sides[:, 0] / sides[:, 1])
    shape = [
        log_odds(np.array([p.probability for p in proposals], np.float32)),
        np.array([np.count_nonzero(p.mask) / p.mask.size for p in proposals]),
        np.log(sides.prod(axis=1) / np.prod(maps[0])) / 2,
        aspect,
        np.abs(aspect),
        np.array([p.map_shape != maps[1] for p in proposals]),
    ]
    columns = [
        own_context(labels, context, channels),
        places(boxes, faces),
        seen,
        _said_of_label(labels, label, channels, evidence, window_logits, near),
        np.stack(shape, axis=1),
        label,
    ]
    return np.concatenate(columns, axis=1, dtype=np.float32, casting="same_kind")


def _said_of_label(
    labels: LabelSet,
    label: np.ndarray,
    channels: np.ndarray,
    evidence: ImageEvidence,
    window_logits: np.ndarray,
    near: np.ndarray,
) -> np.ndarray:
    """What the whole image says about each candidate's label; (N, 9)."""
    objects = list(labels.object_channels)
    maxima = [log_odds(m) for m in (evidence.fine_maxima, evidence.coarse_maxima)]
    whole, windows = log_softmax(evidence.global_logits), log_softmax(window_logits)
    # The action of an object; of several the likeliest; "none" for an object of no action.
    belongs = np.zeros((len(objects), len(whole)), bool)
    for action, name in enumerate(labels.actions.values()):
        belongs[labels.objects.index(name), action] = True
    belongs[~belongs.any(axis=1), -1] = True
    mine = belongs[label.argmax(axis=1)]

    def of_action(rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(mine, rows, -np.inf).max(axis=1))

    columns = [m[channels] for m in maxima]
    columns += [m[channels] - m[objects].max() for m in maxima]
    columns += [of_action(whole), of_action(windows[near]), of_action(windows.max(axis=0))]
    columns += [np.full(len(channels), whole[-1]), windows[near, -1]]
    return np.stack(columns, axis=1)


def best_distinct(
    overlaps: np.ndarray,
    boxes: np.ndarray,
    top: int,
    distinct_iou: float = CandidateParameters.distinct_iou,
) -> np.ndarray:
    """The candidates that are kept: the best, without those that show what a better one shows.

    Args:
        overlaps: (N,) predicted overlaps.
        boxes: (N, 4) x0, y0, x1, y1.
        top: q, how many are kept at most.
        distinct_iou: boxes that overlap more than this show the same.

    Returns:
        (K,) int indices, best first; K is `top` or less.
    """
    order = np.argsort(-overlaps, kind="stable")
    kept: list[int] = []
    while len(order) and len(kept) < top:
        kept.append(int(order[0]))
        again = box_iou(boxes[order[:1]], boxes[order])[0] > distinct_iou
        again[0] = True  # also a box without area
        order = order[~again]
    return np.array(kept, np.intp)


@dataclass(frozen=True)
class Ranker:
    """Support vector regression with a Gaussian kernel, as trained by scikit-learn.

    Attributes:
        mean, scale: (D,) standardisation of the features, their blocks' weights included.
        vectors: (V, D) support vectors, standardised.
        coefficients: (V,) dual coefficients.
        intercept, gamma: of the regression.
    """

    mean: np.ndarray
    scale: np.ndarray
    vectors: np.ndarray
    coefficients: np.ndarray
    intercept: float
    gamma: float

    @cached_property
    def _squares(self) -> np.ndarray:
        return np.asarray((self.vectors * self.vectors).sum(axis=1), np.float32)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Predict each region's overlap with a true object.

        Args:
            features: (N, D) float32.

        Returns:
            (N,) float32 in 0..1.
        """
        x = ((features - self.mean) / self.scale).astype(np.float32)
        kernel = x @ self.vectors.T  # in place from here on: exp(-gamma |x - v|²)
        kernel *= -2.0
        kernel += (x * x).sum(axis=1)[:, None]
        kernel += self._squares
        np.maximum(kernel, 0.0, out=kernel)
        kernel *= -self.gamma
        np.exp(kernel, out=kernel)
        overlap = kernel @ self.coefficients + self.intercept
        return np.asarray(np.clip(overlap, 0.0, 1.0), np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The form that heads.npz holds."""
        return {
            "ranker.mean": self.mean.astype(np.float32),
            "ranker.scale": self.scale.astype(np.float32),
            "ranker.vectors": self.vectors.astype(np.float16),
            "ranker.coefficients": self.coefficients.astype(np.float32),
            "ranker.constants": np.array([self.intercept, self.gamma], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Ranker:
        """Read what `to_arrays` gave.

        Raises:
            KeyError: an array is missing.
        """
        intercept, gamma = arrays["ranker.constants"]
        return cls(
            arrays["ranker.mean"],
            arrays["ranker.scale"],
            arrays["ranker.vectors"].astype(np.float32),
            arrays["ranker.coefficients"],
            float(intercept),
            float(gamma),
        )
