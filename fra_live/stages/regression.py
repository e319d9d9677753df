"""Support vector regression as the ranking uses it, trained by scikit-learn and run without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np


@dataclass(frozen=True)
class Ranker:
    """Support vector regression with a Gaussian kernel, as trained by scikit-learn.

    Attributes:
        mean, scale: (D,) standardisation of the features, their blocks' weights included.
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
    def _rows(self) -> np.ndarray:
        """(V, D + 2) float32 whose product with (x, 1, -gamma |x|²) is -gamma |x - v|²."""
        squares = (self.vectors * self.vectors).sum(axis=1)
        columns = 2 * self.gamma * self.vectors, -self.gamma * squares, np.ones(len(self.vectors))
        return np.column_stack(columns).astype(np.float32)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Predict each region's overlap with a true object.

        Args:
            features: (N, D) float32.

        Returns:
            (N,) float32 in 0..1.
        """
        if not len(features):
            return np.zeros(0, np.float32)
        x = (features - self.mean) / self.scale
        points = np.empty((x.shape[1] + 2, len(x)), np.float32)
        points[:-2], points[-2] = x.T, 1
        points[-1] = -self.gamma * (x * x).sum(axis=1)
        kernel = self._rows @ points
        if kernel.size:  # there may be no support vectors
            cv2.exp(kernel, kernel)  # as precise as NumPy's in float32, in a quarter of the time
        overlap = self.coefficients @ kernel + self.intercept
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
