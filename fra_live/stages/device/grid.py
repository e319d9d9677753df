"""Constants of a map's px, made once for each shape of map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """The n = h·w px of a map in raster order.

    Attributes:
        height, width: h and w in px.
        index: (n,) int64, 0 to n - 1.
        x, y: (n,) int64, column and row of each px.
    """

    height: int
    width: int
    index: Tensor
    x: Tensor
    y: Tensor

    @property
    def size(self) -> int:
        """The number of px, n."""
        return self.height * self.width

    @classmethod
    def of(cls, shape: tuple[int, int], device: torch.device) -> Grid:
        """The grid of a map of `shape` (h, w) on a device."""
        index = torch.arange(shape[0] * shape[1], device=device)
        return cls(*shape, index, index % shape[1], index // shape[1])
