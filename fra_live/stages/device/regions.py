"""Measures of all components of all masks, by four reductions over their px."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fra_live.stages.device.components import Components
from fra_live.stages.device.grid import Grid

_ONE = 1 << 30  # probabilities are summed as integers: the same sum whatever the threads' order


@dataclass(frozen=True)
class RegionTable:
    """Measures of each component, read at its first px; what lies at other px means nothing.

    Attributes:
        area: (P, n) int64, px.
        mean: (P, n) float64, mean of the plane's values over the component.
        cells: (4, P, n) int64: x0, y0, x1, y1 in px of the map, half open.
    """

    area: Tensor
    mean: Tensor
    cells: Tensor

    def at(self, plane: Tensor, root: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Measures of the T regions with their first px at `root` of `plane`, both (T,) int64.

        Returns:
            (T,) area, (T,) mean and (T, 4) cells.
        """
        place = plane * self.area.shape[1] + root
        cells = self.cells.reshape(4, -1).index_select(1, place).T
        return self.area.view(-1)[place], self.mean.view(-1)[place], cells


def measure(components: Components, values: Tensor, grid: Grid) -> RegionTable:
    """Area, mean and bounds of every component.

    Args:
        components: of P masks.
        values: (P, n) float32 in 0..1, what is averaged.
        grid: of the masks.
    """
    roots = components.roots
    fixed = (values * _ONE).round().long()  # exact: a float32's 24 bits, shifted
    sums = torch.stack([torch.ones_like(fixed), fixed])
    area, total = torch.zeros_like(sums).scatter_add(2, roots.expand(2, -1, -1), sums)
    ends = torch.stack([-grid.x, grid.x + 1, grid.y + 1])[:, None].expand(3, *roots.shape)
    least = torch.full_like(ends, -grid.width)
    left, right, bottom = least.scatter_reduce(2, roots.expand(3, -1, -1), ends, "amax")
    top = grid.y.expand_as(left)  # the first px in raster order lies in the top row
    mean = total.double() / (area.clamp(min=1).double() * _ONE)
    return RegionTable(area, mean, torch.stack([-left, top, right, bottom]))


def strongest(key: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest of the keys; the earlier one where two are equal, on every device.

    Args:
        key: (N,) int64 below 2³¹; N below 2³².
        count: how many; there must be as many.

    Returns:
        (count,) the keys, largest first, and (count,) int64 where they stand.
    """
    size = key.shape[0]
    places = torch.arange(size - 1, -1, -1, device=key.device)
    best = (key * (1 << 32) + places).topk(count).values
    return best >> 32, size - 1 - (best & 0xFFFFFFFF)
