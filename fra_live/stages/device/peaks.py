"""Local maxima of maps, found in two halves: the masks of the highest px, then one px of each."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from fra_live.stages.device.components import Components
from fra_live.stages.device.grid import Grid


def highest_px(planes: Tensor, radius: float, grid: Grid) -> Tensor:
    """Px that nothing within the radius exceeds.

    Args:
        planes: (P, n) float32.
        radius: in px of the map; its whole part counts, at least 1.
        grid: of the maps.

    Returns:
        (P, n) bool; a plateau is true all over.
    """
    reach = max(1, int(radius))
    values = planes.view(-1, 1, grid.height, grid.width)
    # One axis after the other: two short windows instead of a large one.
    across = max_pool2d(values, (1, 2 * reach + 1), 1, (0, reach))
    peak = max_pool2d(across, (2 * reach + 1, 1), 1, (reach, 0))
    return planes >= peak.view_as(planes)


def middles(plateaus: Components, grid: Grid) -> Tensor:
    """Of each plateau the px next to its middle, the earliest of those equally near.

    The distances are exact integers here and rounded floats in `stages.windows`, which may choose
    another px of a plateau whose middle is equally far from several; and where plateaus touch only
    diagonally and nowhere along a side, that function leaves all their px to the choice by rank.

    Args:
        plateaus: components of the highest px of P maps.
        grid: of the maps.

    Returns:
        (P, n) int64: at the first px of each plateau the one that stands for it; at every other px
        its own index.
    """
    roots = plateaus.roots
    three = roots.expand(3, -1, -1)
    x, y = grid.x.expand_as(roots), grid.y.expand_as(roots)
    sums = torch.stack([torch.ones_like(roots), x, y])
    sums = torch.zeros_like(sums).scatter_add(2, three, sums).gather(2, three)
    area, across, down = sums
    distance = (area * x - across) ** 2 + (area * y - down) ** 2
    far = torch.iinfo(torch.int64).max
    least = torch.full_like(roots, far).scatter_reduce(1, roots, distance, "amin")
    nearest = distance == least.gather(1, roots)
    place = torch.where(nearest, grid.index, grid.size)
    middle = torch.full_like(roots, grid.size).scatter_reduce(1, roots, place, "amin")
    return torch.where(plateaus.firsts(grid), middle, grid.index)


def top_maxima(
    planes: Tensor, plateaus: Components, radius: float, min_score: float, most: int, grid: Grid
) -> tuple[Tensor, Tensor]:
    """The strongest maxima of each map, at least `radius` apart.

    Of equal ones that comes first whose plateau begins earlier; `stages.windows` counts there in
    blocks of 2 x 2 px.

    Args:
        planes: (P, n) float32, not negative.
        plateaus: components of their highest px.
        radius: in px of the map.
        min_score: weaker maxima are left out.
        most: how many of each map.
        grid: of the maps.

    Returns:
        (P, most) int64 px and (P, most) bool, whether there is one; strongest first.
    """
    left = torch.where(plateaus.firsts(grid) & (planes >= min_score), planes, -1.0)
    middle = middles(plateaus, grid)
    x, y = middle % grid.width, middle // grid.width
    places, valid = [], []
    for _ in range(most):
        value, first = left.max(dim=1, keepdim=True)
        place = middle.gather(1, first)
        dx, dy = x - place % grid.width, y - place // grid.width
        near = (dx * dx + dy * dy < radius**2) | (grid.index == first)
        left = torch.where(near, -1.0, left)
        places.append(place)
        valid.append(value >= 0)
    return torch.cat(places, dim=1), torch.cat(valid, dim=1)
