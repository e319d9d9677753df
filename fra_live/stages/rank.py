"""Step 6, ranking: support vector regression from context to overlap (section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Ranker:
    """Support vector regression with a Gaussian kernel, as trained by scikit-learn.

    Attributes:
        mean, scale: (D,) standardisation of the features.
        vectors: (V, D) support vectors, standardised.
        coefficients: (V,) dual coefficients.
        intercept, gamma: of the regression.
    """

    mean: np.ndarray
    scale: np.ndarray
    vectors: np.ndarray
    coefficients: np.ndarray
    intercept: float
    gamma: float

    @cached_property
    def _squares(self) -> np.ndarray:
        return np.asarray((self.vectors * self.vectors).sum(axis=1), np.float32)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Predict each region's overlap with a true object.

        Args:
            features: (N, D) float32.

        Returns:
            (N,) float32 in 0..1.
        """
        x = ((features - self.mean) / self.scale).astype(np.float32)
        kernel = x @ self.vectors.T  # in place from here on: exp(-gamma |x - v|²)
        kernel *= -2.0
        kernel += (x * x).sum(axis=1)[:, None]
        kernel += self._squares
        np.maximum(kernel, 0.0, out=kernel)
        kernel *= -self.gamma
        np.exp(kernel, out=kernel)
        overlap = kernel @ self.coefficients + self.intercept
        return np.asarray(np.clip(overlap, 0.0, 1.0), np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The form that heads.npz holds."""
        return {
            "ranker.mean": self.mean.astype(np.float32),
            "ranker.scale": self.scale.astype(np.float32),
            "ranker.vectors": self.vectors.astype(np.float16),
            "ranker.coefficients": self.coefficients.astype(np.float32),
            "ranker.constants": np.array([self.intercept, self.gamma], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Ranker:
        """Read what `to_arrays` gave.

        Raises:
            KeyError: an array is missing.
        """
        intercept, gamma = arrays["ranker.constants"]
        return cls(
            arrays["ranker.mean"],
            arrays["ranker.scale"],
            arrays["ranker.vectors"].astype(np.float32),
            arrays["ranker.coefficients"],
            float(intercept),
            float(gamma),
        )
