"""Step 7, second half: S(I)_c = max_i W_c · F_i(I), and its calibration (section 3.3, eq. 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Classifier:
    """One-vs-all linear SVMs over F_i, and a calibration over their scores.

    Attributes:
        mean, scale: (D,) standardisation of F_i.
        weights: (A, D), W_c.
        biases: (A,).
        calibration: (A + 1, A) and `offsets` (A + 1,): logits of the actions and, last, of
            "none", linear in the scores; their softmax gives probabilities.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    calibration: np.ndarray
    offsets: np.ndarray

    def candidate_scores(self, features: np.ndarray) -> np.ndarray:
        """W_c · F_i; (N, D) float32 → (N, A) float32."""
        x = (features - self.mean) / self.scale
        return np.asarray(x @ self.weights.T + self.biases, np.float32)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of S(I).

        Args:
            scores: (..., A).

        Returns:
            (..., A + 1), the actions and, last, "none"; sums to 1.
        """
        logits = scores @ self.calibration.T + self.offsets
        logits = logits - logits.max(axis=-1, keepdims=True)
        exp = np.exp(logits)
        return np.asarray(exp / exp.sum(axis=-1, keepdims=True), np.float32)

    def calibrated_scores(self, scores: np.ndarray) -> np.ndarray:
        """S(I) after calibration: log-odds of each action against everything else.

        The calibration weighs an action's score against its rivals', which ranks photos better
        than the one-vs-all score alone.

        Args:
            scores: (A,).

        Returns:
            (A,) float32.
        """
        logits = scores @ self.calibration.T + self.offsets
        rivals = np.where(np.eye(len(scores), len(logits), dtype=bool), -np.inf, logits)
        highest = rivals.max(axis=1)
        others = highest + np.log(np.exp(rivals - highest[:, None]).sum(axis=1))
        return np.asarray(logits[: len(scores)] - others, np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The form that heads.npz holds."""
        names = ("mean", "scale", "weights", "biases", "calibration", "offsets")
        return {f"classifier.{n}": getattr(self, n).astype(np.float32) for n in names}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Classifier:
        """Read what `to_arrays` gave.

        Raises:
            KeyError: an array is missing.
        """
        names = ("mean", "scale", "weights", "biases", "calibration", "offsets")
        return cls(*(arrays[f"classifier.{n}"] for n in names))
