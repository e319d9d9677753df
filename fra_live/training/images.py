"""Training images held in memory: decoded once, shrunk, with their label maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool

import cv2
import numpy as np

from fra_live.annotations import Sample
from fra_live.errors import DataError
from fra_live.labels import NO_ACTION, LabelSet

LONGEST_SIDE = 448  # px in memory; the photos at hand are about 400 px
# Photos of "none" come without outlines. Their action says that no action object is in use, so
# objects are taken to be absent, at this weight, since a cup or a phone may still lie about.
ASSUMED_ABSENT_WEIGHT = 0.3
# Share of the epochs in which an image is shown: outlines of actions teach most.
UNDRAWN_NONE_RATE = 0.5
UNKNOWN_ACTION_RATE = 0.3


@dataclass(frozen=True)
class TrainingImage:
    """One image ready for augmentation.

    Attributes:
        image: (H, W, 3) uint8 BGR, the longest side at most `LONGEST_SIDE`.
        label_map: (H, W) uint8 channel indices, `IGNORE` where unknown.
        unannotated: (|L|,) bool, True for labels that may be present undrawn.
        weight: weight of its segmentation loss.
        rate: share of the epochs in which it is shown, 0..1.
        action: index of the action; the number of actions for "none"; -1 where unknown.
        scale: px here a px of the annotation.
        sample: where it came from.
    """

    image: np.ndarray
    label_map: np.ndarray
    unannotated: np.ndarray
    weight: float
    rate: float
    action: int
    scale: float
    sample: Sample

    def boxes(self, label: str) -> np.ndarray:
        """(N, 4) float32 boxes x0, y0, x1, y1 of one label in px of `image`."""
        return np.array(self.sample.boxes(label), np.float32).reshape(-1, 4) * self.scale


def action_index(action: str | None, labels: LabelSet) -> int:
    """Index of an action; the number of actions for "none"; -1 where unknown."""
    if action is None:
        return -1
    if action == NO_ACTION:
        return len(labels.actions)
    return labels.action_names.index(action)


def _load(sample: Sample, labels: LabelSet) -> TrainingImage:
    image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{sample.path} cannot be decoded as an image.")
    height, width = image.shape[:2]
    if abs(width * sample.height - height * sample.width) > 0.02 * width * sample.height:
        raise DataError(
            f"{sample.path} has {width}x{height} px, but its annotation says "
            f"{sample.width}x{sample.height}: its outlines would not fit."
        )
    scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
    if scale < 1.0:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = image.shape[:2]
    annotated, weight, rate = sample.annotated, 1.0, 1.0
    if not annotated and sample.action == NO_ACTION:
        annotated, weight = frozenset(labels.objects), ASSUMED_ABSENT_WEIGHT
        rate = UNDRAWN_NONE_RATE
    elif sample.action is None:
        rate = UNKNOWN_ACTION_RATE
    unannotated = np.array([n not in annotated for n in labels.names])
    unannotated[0] = False
    return TrainingImage(
        image=image,
        label_map=sample.label_map(labels, height, width),
        unannotated=unannotated,
        weight=weight,
        rate=rate,
        action=action_index(sample.action, labels),
        scale=width / sample.width,
        sample=sample,
    )


def load_images(samples: Sequence[Sample], labels: LabelSet) -> list[TrainingImage]:
    """Decode all samples, in their order.

    Raises:
        DataError: an image cannot be decoded; the message names it.
    """
    with ThreadPool(4) as pool:
        return pool.map(partial(_load, labels=labels), samples)
