"""Images held against their annotation, and the figures of a set of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fra_live.evaluation.metrics import average_precision, mean, ratio
from fra_live.labels import NO_ACTION, LabelSet
from fra_live.results import Candidate
from fra_live.samples import Sample

LEAST_OVERLAP = 0.5  # IoU at and above which a box is localised


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
