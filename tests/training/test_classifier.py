"""One-vs-all SVMs on bags of candidates, their calibration and their threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fra_live.stages.features import block_sizes, block_slices
from fra_live.training.classifier import (
    Bag,
    bag_scores,
    calibrate,
    fit_scores,
    held_out_scores,
    keep_blocks,
    operating_threshold,
)
from tests.tiny import LABELS


def make_bags(count: int = 30, seed: int = 0) -> list[Bag]:
    """Bags of three rows; one row of an action's bag shows it in column 0 or 1."""
    rng = np.random.default_rng(seed)
    bags = []
    for i in range(count):
        rows = rng.normal(0, 0.3, (3, 4)).astype(np.float32)
        action = i % 3  # two actions and none
        if action < 2:
            rows[rng.integers(3), action] += 3.0
        bags.append(Bag(rows, action, first=0))  # often the wrong row: training has to find out
    return bags


BAGS = make_bags()
KINDS = np.array([b.action for b in BAGS])


def test_the_row_that_shows_the_action_is_found() -> None:
    classifier = fit_scores(BAGS, actions=2)
    scores = bag_scores(classifier, BAGS)
    assert scores.shape == (30, 2)
    for action in range(2):
        assert scores[action == KINDS, action].min() > scores[action != KINDS, action].max()
    # S(I) is the maximum over the candidates
    assert scores[0].tolist() == classifier.candidate_scores(BAGS[0].rows).max(axis=0).tolist()


def test_bags_of_different_sizes() -> None:
    bags = [replace(b, rows=b.rows[: 1 + i % 3]) for i, b in enumerate(BAGS)]
    assert bag_scores(fit_scores(bags, actions=2), bags).shape == (30, 2)


def test_a_constant_feature_does_no_harm() -> None:
    bags = [replace(b, rows=np.hstack([b.rows, np.full((3, 1), 7, np.float32)])) for b in BAGS]
    assert np.isfinite(bag_scores(fit_scores(bags, actions=2), bags)).all()


def test_held_out_scores_come_from_classifiers_that_never_saw_the_image() -> None:
    scores = held_out_scores(BAGS, actions=2)
    assert scores.shape == (30, 2)
    assert (scores.argmax(axis=1) == KINDS)[KINDS < 2].all()
    # an image labelled wrongly cannot teach its own score
    odd = [replace(BAGS[0], action=1), *BAGS[1:]]
    assert bag_scores(fit_scores(odd, 2), odd[:1])[0].argmax() in (0, 1)
    assert held_out_scores(odd, actions=2)[0].argmax() == 0
    assert np.array_equal(scores, held_out_scores(BAGS, actions=2))  # the same seed


def test_two_images_of_an_action_are_enough() -> None:
    rare = [b for b in BAGS if b.action != 1] + [b for b in BAGS if b.action == 1][:2]
    for seed in range(2):
        assert np.isfinite(held_out_scores(rare, actions=2, seed=seed)).all()


def test_calibration_tells_actions_and_none() -> None:
    scores = held_out_scores(BAGS, actions=2)
    classifier = calibrate(fit_scores(BAGS, actions=2), scores, KINDS)
    probabilities = classifier.probabilities(scores)
    assert probabilities.shape == (30, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert (probabilities.argmax(axis=1) == KINDS).all()


@pytest.mark.parametrize(
    ("kinds", "absent"),
    [([0, 1], 2), ([0, 2], 1), ([1, 2], 0)],  # no "none" among them; one action alone with none
)
def test_calibration_without_one_of_the_kinds(kinds: list[int], absent: int) -> None:
    bags = [b for b in BAGS if b.action in kinds]
    present = np.array([b.action for b in bags])
    classifier = fit_scores(BAGS, actions=2)
    scores = bag_scores(classifier, bags)
    probabilities = calibrate(classifier, scores, present).probabilities(scores)
    assert (probabilities.argmax(axis=1) == present).all()
    assert probabilities[:, absent].max() < 1e-3


@pytest.mark.parametrize(
    ("highest", "share", "expected"),
    [
        # ten photos of nothing: none of them may pass, so just above the highest
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.705, 0.2, 0.1, 0.1], 0.02, 0.71),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.705, 0.2, 0.1, 0.1], 0.1, 0.61),  # one of ten may
        ([0.001] * 10, 0.02, 0.05),  # never below .05
        ([0.999] * 10, 0.02, 0.99),
        ([], 0.02, 0.5),  # nothing to go by
    ],
)
def test_operating_threshold(highest: list[float], share: float, expected: float) -> None:
    rows = [[p, 0.0, 1 - p] for p in highest] + [[0.9, 0.05, 0.05]]
    kinds = np.array([2] * len(highest) + [0])
    threshold = operating_threshold(np.array(rows), kinds, share)
    assert threshold == pytest.approx(expected)
    passed = sum(p >= threshold for p in highest)
    assert passed <= share * len(highest) or threshold == 0.99


def test_ablations_keep_the_blocks_that_are_named() -> None:
    size = sum(block_sizes(LABELS).values())
    bag = Bag(np.ones((2, size), np.float32), action=1, first=1)
    slices = block_slices(LABELS)
    kept = keep_blocks([bag], LABELS, ["fine", "object"])[0]
    assert (kept.action, kept.first) == (1, 1)
    for name, place in slices.items():
        assert np.all(kept.rows[:, place] == (1.0 if name in ("fine", "object") else 0.0))
    assert bag.rows.min() == 1.0


def test_held_out_scores_of_fewer_images_than_parts() -> None:
    few = [b for action in (0, 1) for b in [b for b in BAGS if b.action == action][:3]]
    scores = held_out_scores(few, actions=2)
    assert scores.shape == (6, 2)
    assert np.isfinite(scores).all()
