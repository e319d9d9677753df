"""The method on torch CPU tensors, and its results held against the NumPy method's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fra_live.device_recognizer import DeviceRecognizer
from fra_live.recognizer import Recognizer
from fra_live.results import BodyPart, FrameResult
from fra_live.runtime.engine import Engine


class OnTensors:
    """An engine that takes tensors on the CPU, through one that takes arrays."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._engine(images)

    def run_tensor(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assert images.dtype == torch.uint8
        assert images.is_contiguous()
        probabilities, logits = self._engine(images.numpy())
        return torch.from_numpy(probabilities.copy()), torch.from_numpy(logits.copy())


def on_tensors(recognizer: Recognizer) -> DeviceRecognizer:
    engine = recognizer.engine
    choice = replace(engine, coarse=OnTensors(engine.coarse), fine=OnTensors(engine.fine))
    return DeviceRecognizer(recognizer.bundle, choice)


def same_part(ours: BodyPart, theirs: BodyPart) -> None:
    assert ours.label == theirs.label
    assert ours.box_xyxy == pytest.approx(theirs.box_xyxy)
    assert ours.probability == pytest.approx(theirs.probability, abs=1e-3)
    assert len(ours.outline) == len(theirs.outline)


def same_result(ours: FrameResult, theirs: FrameResult, tolerance: float) -> None:
    assert ours.frame == theirs.frame
    assert ours.threshold == theirs.threshold
    assert list(ours.actions) == list(theirs.actions)
    assert list(ours.actions.values()) == pytest.approx(
        list(theirs.actions.values()), abs=tolerance
    )
    assert list(ours.scores.values()) == pytest.approx(
        list(theirs.scores.values()), abs=20 * tolerance
    )
    assert [c.label for c in ours.candidates] == [c.label for c in theirs.candidates]
    for a, b in zip(ours.candidates, theirs.candidates, strict=True):
        assert a.box_xyxy == pytest.approx(b.box_xyxy)
        assert a.score == pytest.approx(b.score, abs=tolerance)
        assert a.probability == pytest.approx(b.probability, abs=tolerance)
        assert a.person == b.person
        for p, q in zip(a.outline, b.outline, strict=True):
            np.testing.assert_allclose(p, q, atol=1e-3)
    assert len(ours.people) == len(theirs.people)
    for person, expected in zip(ours.people, theirs.people, strict=True):
        same_part(person.face, expected.face)
        values = list(expected.actions.values())
        assert list(person.actions.values()) == pytest.approx(values, abs=tolerance)
    assert len(ours.hands) == len(theirs.hands)
    for hand, other in zip(ours.hands, theirs.hands, strict=True):
        same_part(hand, other)
