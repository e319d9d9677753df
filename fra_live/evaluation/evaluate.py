"""The figures of a model on an annotation set: what `fra-live evaluate` measures.

It sees a model only through `Recognizer.__call__` and a set only through `AnnotationSet`, so it
measures whatever runs: any engine, any label set. Networks, training and torch are not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from fra_live.annotations import AnnotationSet
from fra_live.errors import DataError
from fra_live.evaluation.metrics import (
    average_precision,
    best_overlaps,
    label_counts,
    mean,
    ratio,
)
from fra_live.labels import NO_ACTION, LabelSet
from fra_live.results import Candidate, FrameResult
from fra_live.samples import Sample

LEAST_OVERLAP = 0.5  # IoU at and above which a box is localised
Progress = Callable[[int, int], None]


class Recognizes(Protocol):
    """What evaluation asks of a recognizer."""

    labels: LabelSet
    threshold: float

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """One (H, W, 3) uint8 BGR frame in, one result out."""
        ...


@dataclass(frozen=True)
class Judgement:
    """One image: what is true, what the model said, and how well the two agree.

    Attributes:
        sample: the image and its truth.
        actions: action → probability, "none" included.
        scores: action → S(I)_c.
        candidates: the q best candidates, best first, in px of the image file.
        overlaps: (q,) IoU of each candidate's box with the nearest true box of the action's
            object; None where the image is not counted for localisation.
        counts: label → (intersection, union) in px, for the labels annotated in the image.
    """

    sample: Sample
    actions: Mapping[str, float]
    scores: Mapping[str, float]
    candidates: tuple[Candidate, ...]
    overlaps: np.ndarray | None
    counts: Mapping[str, tuple[int, int]]

    @property
    def raised(self) -> tuple[str, float]:
        """The most probable action other than "none", and its probability."""
        real = {name: p for name, p in self.actions.items() if name != NO_ACTION}
        name = max(real, key=lambda key: real[key])
        return name, float(real[name])


def read_image(path: Path) -> np.ndarray:
    """Decode an image as (H, W, 3) uint8 BGR.

    Raises:
        DataError: it cannot be decoded.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path} cannot be decoded as an image; replace it or take it out.")
    return image


def fine_label_map(result: FrameResult) -> np.ndarray:
    """Argmax of the merged probability map over the frame: (H, W) integers, channel indices.

    The probabilities are enlarged first and compared afterwards, so that outlines are smooth.
    """
    assert result.explanation is not None, "ask the recognizer for explain=True"
    height, width = result.frame
    channels = np.ascontiguousarray(result.explanation.fine_probabilities.transpose(1, 2, 0))
    large = cv2.resize(channels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large.reshape(height, width, -1).argmax(axis=2))


def judge(recognizer: Recognizes, sample: Sample) -> Judgement:
    """Run one image and hold the result against its annotation.

    Raises:
        DataError: the image cannot be decoded.
    """
    image, labels = read_image(sample.path), recognizer.labels
    result = recognizer(image, explain=True)
    height, width = result.frame
    annotated = [name for name in labels.names[1:] if name in sample.annotated]
    counts: dict[str, tuple[int, int]] = {}
    if annotated:
        truth = sample.label_map(labels, height, width)
        channels = [labels.index(name) for name in annotated]
        found = label_counts(fine_label_map(result), truth, channels)
        counts = {labels.names[channel]: pair for channel, pair in found.items()}
    return Judgement(
        sample=sample,
        actions=result.actions,
        scores=result.scores,
        candidates=result.candidates,
        overlaps=_overlaps(sample, labels, result),
        counts=counts,
    )


def _overlaps(sample: Sample, labels: LabelSet, result: FrameResult) -> np.ndarray | None:
    thing = labels.actions.get(sample.action or NO_ACTION)
    if thing is None or thing not in sample.annotated:
        return None
    truth = np.array(sample.boxes(thing), np.float64).reshape(-1, 4)
    if not len(truth):
        return None  # an image of the action whose object cannot be seen
    truth *= np.tile([result.frame[1] / sample.width, result.frame[0] / sample.height], 2)
    boxes = np.array([c.box_xyxy for c in result.candidates], np.float64).reshape(-1, 4)
    return best_overlaps(boxes, truth)


def judge_all(
    recognizer: Recognizes, data: AnnotationSet, progress: Progress | None = None
) -> list[Judgement]:
    """Run every image of a set.

    Args:
        recognizer: the model.
        data: the set, read with the model's labels.
        progress: called with the number of images done and their total, after each.

    Raises:
        DataError: the model misses an action of the set, or an image cannot be decoded.
    """
    for action in data.labels.actions:
        if action not in recognizer.labels.actions:
            raise DataError(
                f"{data.path} has the action '{action}', which the model does not know; "
                f"it knows {', '.join(recognizer.labels.action_names)}."
            )
    judgements = []
    for done, sample in enumerate(data.samples, start=1):
        judgements.append(judge(recognizer, sample))
        if progress is not None:
            progress(done, len(data.samples))
    return judgements


def evaluate(
    recognizer: Recognizes, data: AnnotationSet, progress: Progress | None = None
) -> dict[str, Any]:
    """Measure a model on a set: `judge_all`, then `summarise`; raises what they raise."""
    return summarise(judge_all(recognizer, data, progress), recognizer.labels, recognizer.threshold)


def summarise(
    judgements: Sequence[Judgement], labels: LabelSet, threshold: float
) -> dict[str, Any]:
    """The figures of `evaluate --json`; null stands where a set has nothing to measure by.

    Args:
        judgements: one an image.
        labels: the model's labels.
        threshold: operating threshold on an action's probability, 0..1.

    Returns:
        n: images; ap, mean_ap: average precision of S(I)_c over the images of actions; none:
        false alarms on images of "none" and recall on images of actions, both at `threshold`;
        localisation: a label's share of images with a candidate over IoU .5 among the first one
        or three, whatever its label (top1_right_label_iou50: the first and of that label);
        iou: pixels of the merged map's argmax against the outlines, summed over images.
        mean_localisation and mean_iou are means over the action objects.
    """
    acted = [j for j in judgements if j.sample.action in labels.actions]
    ap = {action: _average_precision(acted, action) for action in labels.action_names}
    localisation = {}
    for thing in labels.objects:
        if thing in labels.actions.values():
            shown = [j for j in acted if labels.actions[str(j.sample.action)] == thing]
            localisation[thing] = _localisation(shown, thing)
    iou = {name: _label_iou(judgements, name) for name in labels.names[1:]}
    measures = ("top1_iou50", "top3_iou50", "top1_right_label_iou50")
    return {
        "n": len(judgements),
        "mean_ap": mean(ap.values()),
        "ap": ap,
        "none": _none(judgements, acted, threshold),
        "localisation": localisation,
        "mean_localisation": {m: mean(row[m] for row in localisation.values()) for m in measures},
        "iou": iou,
        "mean_iou": mean(iou[name] for name in labels.objects),
    }


def _average_precision(acted: Sequence[Judgement], action: str) -> float | None:
    positive = [j.sample.action == action for j in acted]
    if not any(positive):
        return None
    return average_precision([j.scores[action] for j in acted], positive)


def _none(
    judgements: Sequence[Judgement], acted: Sequence[Judgement], threshold: float
) -> dict[str, Any]:
    idle = [j for j in judgements if j.sample.action == NO_ACTION]
    alarms = sum(j.raised[1] >= threshold for j in idle)
    right = sum(j.raised[0] == j.sample.action and j.raised[1] >= threshold for j in acted)
    return {
        "n": len(idle),
        "false_alarm_rate": ratio(alarms, len(idle)),
        "recall_at_that_threshold": ratio(right, len(acted)),
        "threshold": threshold,
    }


def _localisation(judgements: Sequence[Judgement], thing: str) -> dict[str, Any]:
    counted = [j for j in judgements if j.overlaps is not None]
    top1 = top3 = right = 0
    for judgement in counted:
        assert judgement.overlaps is not None
        near = judgement.overlaps >= LEAST_OVERLAP
        top1 += bool(near[:1].any())
        top3 += bool(near[:3].any())
        right += bool(near[:1].any()) and judgement.candidates[0].label == thing
    return {
        "n": len(counted),
        "top1_iou50": ratio(top1, len(counted)),
        "top3_iou50": ratio(top3, len(counted)),
        "top1_right_label_iou50": ratio(right, len(counted)),
    }


def _label_iou(judgements: Sequence[Judgement], name: str) -> float | None:
    pairs = [j.counts[name] for j in judgements if name in j.counts]
    return ratio(sum(common for common, _ in pairs), sum(union for _, union in pairs))
