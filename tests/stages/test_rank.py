"""The regression, by hand and against scikit-learn's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fra_live.labels import LabelSet
from fra_live.stages.candidates import CandidateParameters, Proposal
from fra_live.stages.features import ImageEvidence, log_odds
from fra_live.stages.rank import (
    Ranker,
    best_distinct,
    expected_overlaps,
    own_context,
    ranking_blocks,
    ranking_features,
)
from tests.stages.maps import LABELS

BACKGROUND, FACE, HAND, DRINK, PHONE = range(5)


def by_hand(mean: float = 0.0, scale: float = 1.0) -> Ranker:
    """One support vector at the origin of two dimensions."""
    return Ranker(
        np.full(2, mean, np.float32),
        np.full(2, scale, np.float32),
        np.zeros((1, 2), np.float32),
        np.array([0.5], np.float32),
        0.2,
        1.0,
    )


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ((0, 0), 0.7),  # on the vector: intercept and coefficient
        ((1, 0), 0.2 + 0.5 * np.exp(-1)),
        ((1, 1), 0.2 + 0.5 * np.exp(-2)),
        ((50, 0), 0.2),  # far away: the intercept
    ],
)
def test_by_hand(x: tuple[float, float], expected: float) -> None:
    assert by_hand()(np.array([x], np.float32)) == pytest.approx([expected], abs=1e-6)


def test_features_are_standardised() -> None:
    ranker = by_hand(mean=3.0, scale=2.0)
    assert ranker(np.array([[3, 3]], np.float32)) == pytest.approx([0.7])
    assert ranker(np.array([[5, 3]], np.float32)) == pytest.approx([0.2 + 0.5 * np.exp(-1)])


@pytest.mark.parametrize(("intercept", "expected"), [(-3.0, 0.0), (3.0, 1.0)])
def test_an_overlap_lies_in_0_to_1(intercept: float, expected: float) -> None:
    ranker = by_hand()
    moved = Ranker(
        ranker.mean, ranker.scale, ranker.vectors, ranker.coefficients, intercept, ranker.gamma
    )
    assert moved(np.zeros((2, 2), np.float32)).tolist() == [expected, expected]


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    """(80, 50) features like context means, and overlaps that depend on them."""
    rng = np.random.default_rng(0)
    x = rng.random((80, 50)).astype(np.float32)
    return x, np.clip(x[:, :5].mean(axis=1) + 0.05 * rng.normal(size=80), 0, 1)


def test_equals_scikit_learn(problem: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    svm = pytest.importorskip("sklearn.svm")
    x, y = problem
    mean, scale = x.mean(axis=0), x.std(axis=0)
    model = svm.SVR(kernel="rbf", C=1.0, epsilon=0.05, gamma=0.02).fit((x - mean) / scale, y)
    ranker = Ranker(
        mean,
        scale,
        model.support_vectors_.astype(np.float32),
        model.dual_coef_[0].astype(np.float32),
        float(model.intercept_[0]),
        0.02,
    )
    expected = model.predict((x - mean) / scale).clip(0, 1)
    np.testing.assert_allclose(ranker(x), expected, atol=1e-4)

    path = tmp_path / "heads.npz"
    np.savez_compressed(path, **ranker.to_arrays())
    with np.load(path, allow_pickle=False) as archive:
        again = Ranker.from_arrays(dict(archive))
    assert again.vectors.dtype == np.float32
    # vectors are kept in half precision: 2^-11 of values up to about 3
    np.testing.assert_allclose(again(x), ranker(x), atol=5e-3)
    assert again.intercept == pytest.approx(ranker.intercept)


def test_without_candidates_or_support_vectors() -> None:
    ranker = by_hand()
    assert ranker(np.zeros((0, 2), np.float32)).shape == (0,)
    none = Ranker(ranker.mean, ranker.scale, ranker.vectors[:0], ranker.coefficients[:0], 0.2, 1.0)
    assert none(np.zeros((3, 2), np.float32)) == pytest.approx([0.2] * 3)


def test_sums_over_thousands_of_vectors_are_precise() -> None:
    """As with the shipped model: coefficients that nearly cancel, against double precision."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(scale=0.1, size=(3000, 150)).astype(np.float32)
    coefficients = rng.uniform(-1, 1, 3000).astype(np.float32)
    x = rng.normal(scale=0.1, size=(20, 150)).astype(np.float32)
    ranker = Ranker(np.zeros(150), np.ones(150), vectors, coefficients, 0.5, 0.25)
    squares = ((x[:, None].astype(float) - vectors[None]) ** 2).sum(axis=2)
    exact = (np.exp(-0.25 * squares) @ coefficients.astype(float) + 0.5).clip(0, 1)
    np.testing.assert_allclose(ranker(x), exact, atol=1e-4)


def test_a_missing_array_is_a_key_error() -> None:
    arrays = by_hand().to_arrays()
    del arrays["ranker.vectors"]
    with pytest.raises(KeyError, match=r"ranker\.vectors"):
        Ranker.from_arrays(arrays)


def test_context_in_the_regions_own_terms() -> None:
    short = np.array([0.1, 0.2, 0.3, 0.6, 0.7], np.float32)  # one cell: each label's share of it
    context = np.tile(short, (2, 1))
    rows = own_context(LABELS, context, np.array([DRINK, PHONE]))
    # own label, strongest rival, then background, face and hand
    assert rows[0] == pytest.approx(log_odds(short[[DRINK, PHONE, BACKGROUND, FACE, HAND]]))
    assert rows[1] == pytest.approx(log_odds(short[[PHONE, DRINK, BACKGROUND, FACE, HAND]]))


def test_context_keeps_the_order_of_the_cells() -> None:
    context = np.zeros((1, 4 * 5), np.float32)
    context[0, 3 * 5 + DRINK] = 0.5  # the last of four cells
    rows = own_context(LABELS, context, np.array([DRINK])).reshape(5, 4)
    floor = log_odds(np.zeros(1))[0]
    assert rows[0] == pytest.approx([floor, floor, floor, 0.0])
    assert rows[1:] == pytest.approx(floor)


def test_an_object_without_rivals() -> None:
    labels = LabelSet(("background", "drink"), (), {"drinking": "drink"})
    rows = own_context(labels, np.full((1, 2), 0.5, np.float32), np.array([1]))
    assert rows[0] == pytest.approx([0.0, log_odds(np.zeros(1))[0], 0.0])


def test_what_the_ranking_reads() -> None:
    mask = np.array([[True, False], [True, True]])
    phone = Proposal(PHONE, (10.0, 10.0, 30.0, 20.0), (1, 1, 3, 3), mask, (8, 8), 0.5)
    drink = Proposal(DRINK, (0.0, 0.0, 5.0, 5.0), (0, 0, 2, 2), mask, (4, 4), 0.9)
    evidence = ImageEvidence(
        global_logits=np.log([0.7, 0.2, 0.1]).astype(np.float32),  # drinking, phoning, none
        coarse_maxima=np.array([0.9, 0.9, 0.1, 0.2, 0.5], np.float32),
        fine_maxima=np.array([0.9, 0.9, 0.1, 0.5, 0.9], np.float32),
    )
    windows = np.log([[0.25, 0.5, 0.25], [0.1, 0.8, 0.1]]).astype(np.float32)
    face = np.array([[10, 10, 20, 20], [np.nan] * 4], np.float32)
    context = np.full((2, 25 * 5), 0.5, np.float32)
    rows = ranking_features(
        LABELS, context, [phone, drink], face, evidence, windows, np.array([0, 1]),
        ((40, 50), (8, 8)),
    )  # fmt: skip
    sizes = ranking_blocks(LABELS, 5)
    assert rows.shape == (2, sum(sizes.values()))
    assert rows.dtype == np.float32
    parts = np.split(rows, np.cumsum(list(sizes.values()))[:-1], axis=1)
    blocks = dict(zip(sizes, parts, strict=True))
    assert blocks["context"] == pytest.approx(0)
    # half a side to the right of the face's centre, level with it, twice as long as the face
    assert blocks["place"][0] == pytest.approx([0.5, 0.0, 0.5, np.log(2), 1])
    assert blocks["place"][1].tolist() == [0] * 5
    nine = np.log(9)
    # maxima, these less the best object's, the action in image, own and best window, "none"
    said = [nine, 0, 0, 0, np.log(0.2), np.log(0.5), np.log(0.8), np.log(0.1), np.log(0.25)]
    assert blocks["image"][0] == pytest.approx(said, abs=1e-5)
    said = [0, -np.log(4), -nine, -np.log(4), np.log(0.7), np.log(0.1), np.log(0.25)]
    assert blocks["image"][1, :7] == pytest.approx(said, abs=1e-5)
    shape = [0, 0.75, np.log(200 / 2000) / 2, np.log(2), np.log(2), 0]
    assert blocks["shape"][0] == pytest.approx(shape, abs=1e-5)
    assert blocks["shape"][1, [0, 3, 5]] == pytest.approx([nine, 0, 1], abs=1e-4)
    assert blocks["label"].tolist() == [[0, 1], [1, 0]]


def test_an_object_of_no_action_and_one_of_two() -> None:
    labels = LabelSet(
        ("background", "cup", "pen"), (), {"drinking": "cup", "cheering": "cup"}
    )  # the pen is in no action: what is said of "none" is said of it
    both = [
        Proposal(c, (0.0, 0.0, 1.0, 1.0), (0, 0, 1, 1), np.ones((1, 1), bool), (4, 4), 0.5)
        for c in (1, 2)
    ]
    logits = np.log([0.2, 0.5, 0.3]).astype(np.float32)
    evidence = ImageEvidence(logits, np.full(3, 0.5), np.full(3, 0.5))
    rows = ranking_features(
        labels, np.full((2, 3), 0.5, np.float32), both, np.full((2, 4), np.nan, np.float32),
        evidence, logits[None], np.zeros(2, np.intp), ((4, 4), (4, 4)),
    )  # fmt: skip
    at = 1 * (2 + 1) + 5 + 4
    assert rows[:, at] == pytest.approx(np.log([0.5, 0.3]), abs=1e-5)


@pytest.mark.parametrize(
    ("overlaps", "top", "kept"),
    [
        ([0.9, 0.8, 0.7, 0.6], 3, [0, 2, 3]),  # the second shows what the first shows
        ([0.8, 0.9, 0.7, 0.6], 3, [1, 2, 3]),
        ([0.1, 0.2, 0.9, 0.6], 2, [2, 3]),
        ([0.5, 0.5, 0.5, 0.5], 1, [0]),  # the first of equals
        ([0.9, 0.8, 0.7, 0.6], 9, [0, 2, 3]),
    ],
)
def test_kept_candidates_are_distinct(overlaps: list[float], top: int, kept: list[int]) -> None:
    boxes = np.array([(0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 10, 4), (5, 5, 5, 5)], np.float32)
    how = CandidateParameters(distinct_iou=0.5, consensus=0)
    assert best_distinct(np.array(overlaps, np.float32), boxes, top, how).tolist() == kept


def test_all_are_distinct_by_default() -> None:
    boxes = np.tile(np.float32([0, 0, 9, 9]), (4, 1))
    assert best_distinct(np.array([0.1, 0.4, 0.3, 0.2]), boxes, 3).tolist() == [1, 2, 3]


def test_overlap_to_be_expected_by_hand() -> None:
    iou = np.array([[1.0, 0.5], [0.5, 1.0]])
    thrice = np.log(3.0)  # with this sharpness .0 and 1. are in the ratio 1 : 3
    expected = expected_overlaps(np.array([0.0, 1.0]), iou, thrice)
    assert expected == pytest.approx([0.25 * 1 + 0.75 * 0.5, 0.25 * 0.5 + 0.75 * 1])
    together = expected_overlaps(np.array([0.0, 1.0]), iou, thrice, covered=iou[0])
    assert together == pytest.approx([0.25 * 1 + 0.75 * 0.5, 1.0])


# Two sizes of one hill and one between them, which is predicted a little worse than either; and a
# place elsewhere, which is predicted as well as they are.
HILL = np.array([(0, 0, 10, 10), (0, 0, 10, 5), (0, 0, 10, 7), (50, 50, 60, 60)], np.float32)
SEEN = np.array([0.42, 0.41, 0.4, 0.42], np.float32)


@pytest.mark.parametrize(
    ("consensus", "kept"),
    [
        (0.0, [0, 3, 1]),  # the paper's: by the prediction alone
        # The first is nearly right whichever size is true; the place elsewhere adds most to it.
        (10.0, [2, 3, 0]),
        (10_000.0, [0, 3, 1]),  # so sharp that only the best prediction counts
    ],
)
def test_the_first_is_nearly_right_whichever_is_true(consensus: float, kept: list[int]) -> None:
    assert best_distinct(SEEN, HILL, 3, CandidateParameters(consensus=consensus)).tolist() == kept


def test_nothing_to_keep() -> None:
    assert best_distinct(np.zeros(0), np.zeros((0, 4)), 3).tolist() == []
