"""Scores and their calibration, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.stages.classify import Classifier


@pytest.fixture
def classifier() -> Classifier:
    """Two actions over three features; "none" has the constant logit 0."""
    return Classifier(
        mean=np.array([1.0, 0.0, 0.0], np.float32),
        scale=np.array([2.0, 1.0, 1.0], np.float32),
        weights=np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]], np.float32),
        biases=np.array([0.5, 0.0], np.float32),
        calibration=np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32),
        offsets=np.array([0.0, 0.0, 0.0], np.float32),
    )


def test_scores_of_candidates(classifier: Classifier) -> None:
    features = np.array([[3.0, 4.0, 0.0], [1.0, 0.0, 1.0]], np.float32)
    # (3 - 1) / 2 + .5 = 1.5 and -4; 0 + 2 + .5 = 2.5 and 0
    assert classifier.candidate_scores(features).tolist() == [[1.5, -4.0], [2.5, 0.0]]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]),
        ([np.log(2), 0.0], [0.5, 0.25, 0.25]),
        ([np.log(3), np.log(6)], [0.3, 0.6, 0.1]),
        ([1000.0, 0.0], [1.0, 0.0, 0.0]),  # no overflow
        ([-1000.0, -1000.0], [0.0, 0.0, 1.0]),
    ],
)
def test_calibration(classifier: Classifier, scores: list[float], expected: list[float]) -> None:
    probabilities = classifier.probabilities(np.array(scores, np.float32))
    assert probabilities == pytest.approx(expected, abs=1e-5)
    assert probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("scores", [[0.0, 0.0], [np.log(3), np.log(6)], [-2.0, 5.0]])
def test_calibrated_scores_are_the_log_odds(classifier: Classifier, scores: list[float]) -> None:
    p = classifier.probabilities(np.array(scores, np.float64))[:2].astype(float)
    calibrated = classifier.calibrated_scores(np.array(scores, np.float64))
    assert calibrated == pytest.approx(np.log(p / (1 - p)), abs=1e-4)


def test_calibrated_scores_tell_sure_from_surer(classifier: Classifier) -> None:
    # as probabilities both are 1
    far = [classifier.calibrated_scores(np.array([s, 0.0]))[0] for s in (100.0, 200.0)]
    assert far == pytest.approx([100 - np.log(2), 200 - np.log(2)])


def test_calibration_of_many_images(classifier: Classifier) -> None:
    scores = np.random.default_rng(0).normal(0, 5, (4, 7, 2)).astype(np.float32)
    probabilities = classifier.probabilities(scores)
    assert probabilities.shape == (4, 7, 3)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, atol=1e-6)


def test_round_trip(classifier: Classifier) -> None:
    again = Classifier.from_arrays(classifier.to_arrays())
    features = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    assert np.array_equal(again.candidate_scores(features), classifier.candidate_scores(features))
    arrays = classifier.to_arrays()
    del arrays["classifier.offsets"]
    with pytest.raises(KeyError, match=r"classifier\.offsets"):
        Classifier.from_arrays(arrays)
