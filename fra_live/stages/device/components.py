"""Connected components of many masks at once.

On a CUDA device with Triton a union-find kernel does it; `propagate` is the same in plain torch,
for every device. cupyx and cucim are no choice here: both report the number of components to
Python, and a CUDA graph cannot wait for that.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from fra_live.stages.device.grid import Grid

logger = logging.getLogger(__name__)

# Rounds of `propagate`. In maps of 168 x 224 px sparse specks take 6 and random masks at the
# threshold of percolation, the most winding ones, 11. `settled` tells when they were too few.
ROUNDS = 12


@dataclass(frozen=True)
class Components:
    """Connected components of P masks.

    Attributes:
        masks: (P, n) bool, what was labelled.
        roots: (P, n) int64, for every px of a mask the index of its component's first px in
            raster order, for every other px its own index.
        settled: () bool, whether the rounds were enough for all of them.
    """

    masks: Tensor
    roots: Tensor
    settled: Tensor

    def firsts(self, grid: Grid) -> Tensor:
        """(P, n) bool: the px that are the first of a component, one for each."""
        return self.masks & (self.roots == grid.index)


@dataclass(frozen=True)
class Finder:
    """How components are found on a device.

    Attributes:
        rounds: of `propagate`.
        triton: use the Triton kernels.
    """

    rounds: int = ROUNDS
    triton: bool = False

    @classmethod
    def on(cls, device: torch.device, rounds: int = ROUNDS) -> Finder:
        """By Triton where it runs, else by `propagate`."""
        if device.type != "cuda":
            return cls(rounds)
        index = torch.cuda.current_device() if device.index is None else device.index
        return cls(rounds, triton_runs(index))

    def __call__(self, masks: Tensor, grid: Grid, connectivity: int = 8) -> Components:
        """Label the components of each mask.

        Args:
            masks: (P, n) bool, px in raster order.
            grid: of the masks.
            connectivity: 4 or 8 neighbours.
        """
        if not self.triton:
            return propagate(masks, grid, connectivity, self.rounds)
        from fra_live.stages.device.components_triton import unite

        roots = unite(masks, grid.width, connectivity)
        return Components(masks, roots, torch.ones((), dtype=torch.bool, device=masks.device))


ANYWHERE = Finder()  # for every device


@cache
def triton_runs(device: int) -> bool:
    """Whether Triton runs on a CUDA device; it is not everywhere, and it needs a C compiler."""
    try:
        from fra_live.stages.device.components_triton import unite

        mask = torch.tensor([[True, True, False, True]], device=f"cuda:{device}")
        return unite(mask, 4).tolist() == [[0, 0, 2, 3]]
    except Exception as error:  # of Triton, its compiler or the driver: all mean the same here
        logger.warning("Components are found without Triton: %s", type(error).__name__)
        logger.debug("Triton failed", exc_info=True)
        return False


def propagate(masks: Tensor, grid: Grid, connectivity: int, rounds: int = ROUNDS) -> Components:
    """Label components by a fixed number of rounds of hooking and pointer jumping.

    Every px points at a px of its component that is no later in raster order. A round looks at
    the least pointer of the neighbours (a max-pool of the negated ones), hooks it to what the px
    points at, and halves all paths, so that trees merge rather than labels creep.

    Args:
        masks: (P, n) bool.
        grid: of the masks; n below 2²⁴, for float32 has to count the px.
        connectivity: 4 or 8 neighbours.
        rounds: how many rounds.
    """
    count = len(masks)
    alone = grid.index.expand(count, -1)
    outside = torch.full((), -float(grid.size), device=masks.device)
    parents, grand, near, seen = alone, alone, alone, alone
    for _ in range(rounds):
        seen = grand
        values = torch.where(masks, -grand.to(torch.float32), outside)
        pooled = _pool(values.view(count, 1, grid.height, grid.width), connectivity)
        near = torch.where(masks, -pooled.reshape(count, -1).long(), alone)
        hooked = parents.scatter_reduce(1, parents, near, "amin")
        parents = torch.minimum(hooked, near)
        grand = parents.gather(1, parents)
    return Components(masks, grand, (near == seen).all())


def _pool(values: Tensor, connectivity: int) -> Tensor:
    across = max_pool2d(values, (1, 3), 1, (0, 1))
    if connectivity == 4:
        return torch.maximum(across, max_pool2d(values, (3, 1), 1, (1, 0)))
    return max_pool2d(across, (3, 1), 1, (1, 0))
