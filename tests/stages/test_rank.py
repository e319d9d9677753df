"""The regression, by hand and against scikit-learn's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fra_live.stages.rank import Ranker


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


def test_a_missing_array_is_a_key_error() -> None:
    arrays = by_hand().to_arrays()
    del arrays["ranker.vectors"]
    with pytest.raises(KeyError, match=r"ranker\.vectors"):
        Ranker.from_arrays(arrays)
