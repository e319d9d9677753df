"""Figure 2's comparison: the smaller an object, the harder its action.

The paper marks classes of Stanford-40 by the size of their objects. Here the classes are the
model's own, and each class is cut in thirds by the size of the object besides: in a third, its
images are held against all images of other actions, so that thirds differ in size alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from fra_live.evaluation.metrics import average_precision
from fra_live.evaluation.tables_form import Measured
from fra_live.evaluation.tables_paper import FIGURE_2
from fra_live.labels import LabelSet
from fra_live.samples import Sample

THIRDS = ("small", "medium", "large")
LEAST_IMAGES = 3  # of an action in a third


@dataclass(frozen=True)
class Sizes:
    """What the figure shows.

    Attributes:
        share: action → median share of the image that its object covers, 0..1.
        ap: method → action → average precision.
        thirds: method → "small", "medium", "large" → mean average precision over actions.
        count: images whose object is outlined.
    """

    share: Mapping[str, float]
    ap: Mapping[str, Mapping[str, float]]
    thirds: Mapping[str, Mapping[str, float]]
    count: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "title": "Figure 2: size of the object against average precision",
            "images": self.count,
            "median_share_of_image": dict(self.share),
            "ap": {method: dict(row) for method, row in self.ap.items()},
            "thirds_by_size": {method: dict(row) for method, row in self.thirds.items()},
            "paper": {"classes_of_small_objects": FIGURE_2["small"],
                      "classes_of_large_objects": FIGURE_2["large"]},
        }  # fmt: skip


def object_share(sample: Sample, labels: LabelSet) -> float | None:
    """Share of the image that the largest object of its action covers, 0..1.

    Returns:
        None where no object is outlined.
    """
    thing = labels.actions.get(sample.action or "")
    areas = [
        sum(cv2.contourArea(polygon) for polygon in region.polygons)
        for region in sample.regions
        if region.label == thing and not region.ignore
    ]
    return max(areas) / (sample.height * sample.width) if areas else None


def compare_sizes(
    samples: Sequence[Sample], labels: LabelSet, methods: Mapping[str, Measured]
) -> Sizes | None:
    """Sizes against average precision.

    Args:
        samples: the images of actions, with outlines.
        labels: the label set.
        methods: name → scores, on the same images in the same order.

    Returns:
        None where no object is outlined.
    """
    shares = [object_share(sample, labels) for sample in samples]
    known = np.array([s is not None for s in shares])
    if not known.any():
        return None
    share = np.array([s if s is not None else np.nan for s in shares])
    kinds = np.array([labels.action_names.index(str(s.action)) for s in samples])
    third = np.full(len(samples), -1)
    medians = {}
    for index, action in enumerate(labels.action_names):
        mine = np.flatnonzero((kinds == index) & known)
        if len(mine) == 0:
            continue
        medians[action] = float(np.median(share[mine]))
        order = mine[np.argsort(share[mine], kind="stable")]
        third[order] = np.arange(len(order)) * 3 // len(order)
    ap = {
        method: dict(zip(labels.action_names, measured.ap(), strict=True))
        for method, measured in methods.items()
    }
    thirds = {method: _thirds(m, kinds, third) for method, m in methods.items()}
    return Sizes(medians, ap, thirds, int(known.sum()))


def _thirds(measured: Measured, kinds: np.ndarray, third: np.ndarray) -> dict[str, float]:
    means = {}
    for number, name in enumerate(THIRDS):
        values = []
        for action in range(measured.scores.shape[1]):
            mine = (kinds == action) & (third == number)
            if mine.sum() < LEAST_IMAGES:
                continue
            counted = mine | (kinds != action)
            scores = measured.scores[counted, action]
            values.append(average_precision(scores.tolist(), mine[counted].tolist()))
        if values:
            means[name] = float(np.mean(values))
    return means
