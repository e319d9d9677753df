"""The arithmetic of both heads on the device: the ranker's regression and the classifier's SVMs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fra_live.stages.classify import Classifier
from fra_live.stages.rank import Ranker


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32)).to(device)


class Regression:
    """A `Ranker` whose vectors lie on a device."""

    def __init__(self, ranker: Ranker, device: torch.device):
        self._mean, self._scale, vectors, self._coefficients = (
            _tensor(a, device)
            for a in (ranker.mean, ranker.scale, ranker.vectors, ranker.coefficients)
        )
        self._vectors = vectors.T
        self._squares = (vectors * vectors).sum(dim=1)
        self._intercept, self._gamma = ranker.intercept, ranker.gamma

    def __call__(self, features: Tensor) -> Tensor:
        """Predicted overlap with a true object; (N, D) float32 → (N,) float32 in 0..1."""
        x = (features - self._mean) / self._scale
        squares = (x * x).sum(dim=1, keepdim=True) + self._squares
        distance = torch.addmm(squares, x, self._vectors, alpha=-2)
        kernel = (distance.clamp(min=0) * -self._gamma).exp()
        return (torch.mv(kernel, self._coefficients) + self._intercept).clamp(0, 1)


class Scoring:
    """The SVMs of a `Classifier` on a device; calibration is left to the classifier itself."""

    def __init__(self, classifier: Classifier, device: torch.device):
        self._mean, self._scale, weights, self._biases = (
            _tensor(a, device)
            for a in (classifier.mean, classifier.scale, classifier.weights, classifier.biases)
        )
        self._weights = weights.T

    def __call__(self, features: Tensor) -> Tensor:
        """W_c · F_i; (N, D) float32 → (N, A) float32."""
        return torch.addmm(self._biases, (features - self._mean) / self._scale, self._weights)
