"""Otsu's threshold of many maps at once, from their histograms."""

from __future__ import annotations

import torch
from torch import Tensor

_LEVELS = 256
_SPREAD = 1024  # bins that share what is nought
_EPSILON = 2.0**-23  # OpenCV's: classes with a smaller share are none


def over_otsu(planes: Tensor, px: Tensor) -> Tensor:
    """Where each map is over its Otsu threshold in 256 levels between 0 and its maximum.

    Args:
        planes: (P, n) float32, not negative.
        px: (n,) int64, 0 to n - 1.

    Returns:
        (P, n) bool. A px whose level would be halfway between two may round otherwise than in
        OpenCV.
    """
    scale = (255 / planes.amax(dim=1, keepdim=True).double().clamp(min=1e-30)).float()
    grey = (planes * scale).round().clamp(max=_LEVELS - 1).long()
    levels = torch.arange(_LEVELS, device=planes.device)
    threshold = _threshold(_histogram(grey, px), levels)
    return grey > threshold


def _histogram(grey: Tensor, px: Tensor) -> Tensor:
    """(P, n) levels → (P, 256) float64 shares."""
    # Most of a map is nought: counted in one bin, all threads would queue for it.
    bins = torch.where(grey > 0, grey, _LEVELS + px % _SPREAD)
    counts = torch.zeros(
        (len(grey), _LEVELS + _SPREAD), dtype=torch.int32, device=grey.device
    ).scatter_add(1, bins, torch.ones_like(bins, dtype=torch.int32))
    nought = counts[:, _LEVELS:].sum(dim=1, keepdim=True) + counts[:, :1]
    return torch.cat([nought, counts[:, 1:_LEVELS]], dim=1).double() / grey.shape[1]


def _threshold(shares: Tensor, levels: Tensor) -> Tensor:
    """(P, 256) float64 shares → (P, 1) int64, the level with the largest variance between."""
    moments = shares * levels
    below, sums = shares.cumsum(dim=1), moments.cumsum(dim=1)
    above, whole = 1 - below, sums[:, -1:]
    usable = torch.minimum(below, above) >= _EPSILON
    apart = sums / below.clamp(min=_EPSILON) - (whole - sums) / above.clamp(min=_EPSILON)
    between = torch.where(usable, below * above * apart * apart, 0.0)
    return between.argmax(dim=1, keepdim=True)
