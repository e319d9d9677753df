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
from fra_live.recognizer import describe, describe_for_ranking
from fra_live.segmenter import Segmenter
from fra_live.stages.candidates import box_iou
from fra_live.stages.features import overlap_columns
from fra_live.stages.rank import Ranker, best_distinct
from fra_live.stages.regions import body_parts


@dataclass(frozen=True)
class Evidence:
    """One image as the heads see it.

    Attributes:
        sample: the image.
        action: index of its action; the number of actions for "none"; -1 where unknown.
        channels: (M,) channel of each candidate of R.
        boxes: (M, 4) float32, their boxes in px of the image.
        context: (M, C) float32 context features.
        ranking: (M, K) float32, what the ranking reads.
        overlap: (M,) true overlap: IoU of the candidate's box with a ground-truth box of the
            action's object (of any object in photos of no action).
        named: (M,) the same where the candidate's label is the right one, 0 elsewhere.
        features: (M, D) float32, F_i with predicted overlaps still 0.
        alone: (1, D) float32, F of the image without any candidate.
        scored: whether ground truth for `overlap` is known.
    """

    sample: Sample
    action: int
    channels: np.ndarray
    boxes: np.ndarray
    context: np.ndarray
    ranking: np.ndarray
    overlap: np.ndarray
    named: np.ndarray
    features: np.ndarray
    alone: np.ndarray
    scored: bool

    def predicted(self, ranker: Ranker) -> np.ndarray:
        """Overlaps that a ranker of this or an older version predicts; (M,) float32."""
        if len(self.channels) == 0:
            return np.zeros(0, np.float32)
        older = ranker.mean.size == self.context.shape[1]
        return ranker(self.context if older else self.ranking)

    def chosen(self, overlaps: np.ndarray, labels: LabelSet, top: int) -> np.ndarray:
        """F_i of the `top` distinct candidates by predicted overlap, best first; never empty.

        Args:
            overlaps: (M,) predicted overlaps.
        """
        if len(self.channels) == 0:
            return self.alone
        best = best_distinct(overlaps, self.boxes, top)
        rows: np.ndarray = self.features[best].copy()
        columns = overlap_columns(labels, self.channels[best])
        rows[np.arange(len(best)), columns] = overlaps[best]
        return rows


def whole_objects(boxes: np.ndarray, gap: float = 2.0) -> np.ndarray:
    """Boxes that touch, united: an object that is outlined in pieces has one box.

    Three of four bubble wands are outlined as a ring and a handle, every fourth toothbrush as two
    parts; a region that shows all of it shows the object.

    Args:
        boxes: (N, 4) x0, y0, x1, y1 of one label in px.
        gap: px between boxes that still touch.

    Returns:
        (K, 4) float32.
    """
    whole: list[np.ndarray] = []
    for each in np.asarray(boxes, np.float32):
        box, grown = each, True
        while grown:  # then what did not touch it before may do so now
            near = [
                (box[:2] - gap <= o[2:]).all() and (o[:2] - gap <= box[2:]).all() for o in whole
            ]
            for other in (o for o, touches in zip(whole, near, strict=True) if touches):
                low, high = np.minimum(box[:2], other[:2]), np.maximum(box[2:], other[2:])
                box = np.concatenate([low, high])
            whole = [o for o, touches in zip(whole, near, strict=True) if not touches]
            grown = any(near)
        whole.append(box)
    return np.array(whole, np.float32).reshape(-1, 4)


def _truth(sample: Sample, labels: LabelSet) -> tuple[dict[int, np.ndarray], bool]:
    """Boxes of the objects that a candidate should overlap by channel, and if they are known."""
    thing = labels.actions.get(sample.action or "")
    names = [thing] if thing else list(labels.objects)
    truth = {}
    for name in names:
        boxes = whole_objects(np.array(sample.boxes(name), np.float32).reshape(-1, 4))
        if len(boxes):
            truth[labels.index(name)] = boxes
    return truth, sample.action == NO_ACTION or bool(truth)


def _overlaps(
    boxes: np.ndarray, channels: np.ndarray, truth: dict[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """IoU of each candidate with the nearest object, and with the nearest of its own label."""
    overlap, named = np.zeros((2, len(boxes)), np.float32)
    for channel, objects in truth.items():
        best = box_iou(boxes, objects).max(axis=1)
        overlap = np.maximum(overlap, best)
        named = np.where(channels == channel, best, named)
    return overlap.astype(np.float32), named.astype(np.float32)


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
    truth, known = _truth(sample, labels)
    boxes = np.array([p.box for p in found.proposals], np.float32).reshape(-1, 4)
    channels = np.array([p.channel for p in found.proposals], np.intp)
    overlap, named = _overlaps(boxes * (sample.width / image.shape[1]), channels, truth)
    actions = (*labels.action_names, NO_ACTION)
    return Evidence(
        sample=sample,
        action=-1 if sample.action is None else actions.index(sample.action),
        channels=channels,
        boxes=boxes,
        context=found.context,
        ranking=describe_for_ranking(labels, found, faces, frame),
        overlap=overlap,
        named=named,
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
