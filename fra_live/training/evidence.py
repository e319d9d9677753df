"""What the trained networks and stages say about each training image, for the heads.

Each image is seen by the networks that were trained without it (out of fold): networks are
surer of images they know, and heads that learn from such features trust them too much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.annotations import Sample
from fra_live.errors import DataError
from fra_live.labels import NO_ACTION, LabelSet
from fra_live.recognizer import describe
from fra_live.segmenter import Segmenter
from fra_live.stages.candidates import box_iou
from fra_live.stages.features import overlap_columns
from fra_live.stages.regions import body_parts


@dataclass(frozen=True)
class Evidence:
    """One image as the heads see it.

    Attributes:
        sample: the image.
        action: index of its action; the number of actions for "none"; -1 where unknown.
        channels: (M,) channel of each candidate of R.
        context: (M, C) float32 context features.
        overlap: (M,) true overlap: IoU of the candidate's box with a ground-truth box of the
            action's object (of any object in photos of no action).
        features: (M, D) float32, F_i with predicted overlaps still 0.
        alone: (1, D) float32, F of the image without any candidate.
        scored: whether ground truth for `overlap` is known.
    """

    sample: Sample
    action: int
    channels: np.ndarray
    context: np.ndarray
    overlap: np.ndarray
    features: np.ndarray
    alone: np.ndarray
    scored: bool

    def chosen(self, overlaps: np.ndarray, labels: LabelSet, top: int) -> np.ndarray:
        """F_i of the `top` candidates by predicted overlap, best first; never empty.

        Args:
            overlaps: (M,) predicted overlaps.
        """
        if len(self.channels) == 0:
            return self.alone
        best = np.argsort(-overlaps, kind="stable")[:top]
        rows = self.features[best].copy()
        columns = overlap_columns(labels, self.channels[best])
        rows[np.arange(len(best)), columns] = overlaps[best]
        return rows


def _truth_boxes(sample: Sample, labels: LabelSet) -> tuple[np.ndarray, bool]:
    """Boxes of the objects that a candidate should overlap, and whether they are known."""
    thing = labels.actions.get(sample.action or "")
    names = [thing] if thing else list(labels.objects)
    boxes = [box for name in names for box in sample.boxes(name)]
    known = sample.action == NO_ACTION or bool(boxes)
    return np.array(boxes, np.float32).reshape(-1, 4), known


def evidence_of(sample: Sample, segmenter: Segmenter, labels: LabelSet) -> Evidence:
    """Run steps 1 to 5 on one image.

    Raises:
        DataError: the image cannot be decoded.
    """
    image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{sample.path} cannot be decoded as an image.")
    found = segmenter(image)
    frame = (image.shape[0], image.shape[1])
    faces = [p for p in body_parts(found.fine, labels, frame) if p.label == "face"]
    zeros = np.zeros(len(found.proposals), np.float32)
    alone, _ = describe(labels, found, [], zeros[:0], faces)
    features, _ = describe(labels, found, found.proposals, zeros, faces)
    truth, known = _truth_boxes(sample, labels)
    scale = image.shape[1] / sample.width
    boxes = np.array([p.box for p in found.proposals], np.float32).reshape(-1, 4)
    overlap = zeros
    if len(truth) and len(boxes):
        overlap = box_iou(boxes, truth * scale).max(axis=1).astype(np.float32)
    actions = (*labels.action_names, NO_ACTION)
    return Evidence(
        sample=sample,
        action=-1 if sample.action is None else actions.index(sample.action),
        channels=np.array([p.channel for p in found.proposals], np.intp),
        context=found.context,
        overlap=overlap,
        features=features[: len(found.proposals)],
        alone=alone[:1],
        scored=known,
    )


def collect(
    samples: Sequence[Sample],
    segmenter_of: Callable[[int], Segmenter],
    labels: LabelSet,
    progress: Callable[[int], None] | None = None,
) -> list[Evidence]:
    """Evidence of every image whose action is known.

    Args:
        segmenter_of: position in `samples` → the segmenter that may judge that image.
        progress: called with 1 after each image.
    """
    evidence = []
    for i, sample in enumerate(samples):
        if sample.action is not None:
            evidence.append(evidence_of(sample, segmenter_of(i), labels))
        if progress is not None:
            progress(1)
    return evidence
