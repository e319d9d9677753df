"""The figures of a model on an annotation set: what `fra-live evaluate` measures.

It sees a model only through `Recognizer.__call__` and a set only through `AnnotationSet`, so it
measures whatever runs: any engine, any label set. Networks, training and torch are not needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from fra_live.annotations import AnnotationSet
from fra_live.errors import DataError
from fra_live.evaluation.judgements import LEAST_OVERLAP, Judgement, summarise
from fra_live.evaluation.metrics import best_overlaps, label_counts
from fra_live.labels import NO_ACTION, LabelSet
from fra_live.results import FrameResult
from fra_live.samples import Sample

__all__ = [
    "LEAST_OVERLAP", "Judgement", "Recognizes", "evaluate", "fine_label_map", "judge", "judge_all",
    "read_image", "summarise",
]  # fmt: skip

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
