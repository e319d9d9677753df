"""The measures on small arrays whose answer is worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fra_live.annotations import IGNORE
from fra_live.evaluation.metrics import (
    average_precision,
    best_overlaps,
    box_iou,
    label_counts,
    mean,
    ratio,
)


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([0.9, 0.8, 0.1], [True, True, False], 1.0),
        # precision 1/2 at recall 1/2, then 2/3 at recall 1
        ([0.9, 0.8, 0.7], [False, True, True], 0.5 * 1 / 2 + 0.5 * 2 / 3),
        # all tied: one threshold, precision 2/4
        ([1.0, 1.0, 1.0, 1.0], [True, False, True, False], 0.5),
        ([0.1, 0.9], [True, False], 0.5),  # the only positive comes second
        ([-3.0], [True], 1.0),
    ],
)
def test_average_precision_by_hand(
    scores: list[float], positive: list[bool], expected: float
) -> None:
    assert average_precision(scores, positive) == pytest.approx(expected)


def test_average_precision_does_not_depend_on_the_order_of_ties() -> None:
    scores, positive = [0.5, 0.5, 0.5, 0.2], [True, False, False, True]
    backwards = average_precision(scores[::-1], positive[::-1])
    assert average_precision(scores, positive) == pytest.approx(backwards)


def test_average_precision_agrees_with_scikit_learn() -> None:
    reference = pytest.importorskip("sklearn.metrics").average_precision_score
    random = np.random.default_rng(3)
    for size in (2, 5, 40, 400):
        scores = np.round(random.normal(size=size), 1)  # rounding makes ties
        positive = random.random(size) < 0.3
        positive[0] = True
        ours = average_precision(scores.tolist(), positive.tolist())
        assert ours == pytest.approx(reference(positive, scores), abs=1e-12)


def test_average_precision_without_positives_is_not_a_number() -> None:
    assert math.isnan(average_precision([0.3, 0.2], [False, False]))


@pytest.mark.parametrize(
    ("scores", "positive"), [([0.1], [True, False]), ([float("nan"), 0.0], [True, False])]
)
def test_average_precision_refuses(scores: list[float], positive: list[bool]) -> None:
    with pytest.raises(ValueError, match="score"):
        average_precision(scores, positive)


def test_box_iou_by_hand() -> None:
    boxes = np.array([[0, 0, 2, 2], [5, 5, 5, 9]], np.float32)
    truth = np.array([[1, 1, 3, 3], [0, 0, 2, 2], [2, 0, 4, 2]], np.float32)
    overlaps = box_iou(boxes, truth)
    assert overlaps.shape == (2, 3)
    np.testing.assert_allclose(overlaps[0], [1 / 7, 1.0, 0.0])
    np.testing.assert_array_equal(overlaps[1], 0.0)  # a box without area overlaps nothing
    np.testing.assert_allclose(best_overlaps(boxes, truth), [1.0, 0.0])


def test_best_overlaps_without_boxes_or_truth() -> None:
    empty = np.zeros((0, 4), np.float32)
    assert best_overlaps(empty, np.array([[0, 0, 1, 1]])).shape == (0,)
    np.testing.assert_array_equal(best_overlaps(np.array([[0, 0, 1, 1]]), empty), [0.0])


def test_label_counts_leaves_ignored_pixels_out() -> None:
    predicted = np.array([[1, 1, 2], [0, 1, 2]])
    truth = np.array([[1, IGNORE, 2], [1, 0, 0]], np.uint8)
    # label 1: predicted at 00, 11 (01 is ignored), true at 00, 10
    assert label_counts(predicted, truth, [1, 2, 3]) == {1: (1, 3), 2: (1, 2), 3: (0, 0)}


def test_ratio_and_mean_of_nothing_are_none() -> None:
    assert ratio(1, 0) is None
    assert ratio(1, 4) == 0.25
    assert mean([None, 0.5, 1.0]) == 0.75
    assert mean([None]) is None
