"""Step 5, context features, on the device: see `stages.context`, whose sums these are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fra_live.stages.context import ContextParameters


class Context:
    """`stages.context.context_features` for maps of one size."""

    def __init__(self, shape: tuple[int, int], parameters: ContextParameters, device: torch.device):
        """Prepare the constants.

        Args:
            shape: (h, w) of P_fine in px.
            parameters: of the features.
            device: where the maps are.
        """
        self._height, self._width = shape
        self._parameters = parameters
        steps = np.linspace(0.0, 1.0, parameters.grid + 1, dtype=np.float32)
        self._steps = torch.from_numpy(steps).to(device)
        sides = torch.tensor([shape[1], shape[0]], dtype=torch.float32, device=device)
        self._far = sides * (parameters.long_share / 2)

    def __call__(self, probabilities: Tensor, boxes: Tensor) -> Tensor:
        """Short- and long-range context of each region.

        Args:
            probabilities: (|L|, h, w) float32, P_fine.
            boxes: (N, 4) float32, x0, y0, x1, y1 in px of the map.

        Returns:
            (N, 2 · grid² · |L|) float32.
        """
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        short = (boxes[:, 2:] - boxes[:, :2]) * (self._parameters.short_scale / 2)
        halves = torch.stack([short, self._far.expand_as(short)], dim=1)
        low, high = centre[:, None] - halves, centre[:, None] + halves
        edges = low[..., None] + (high - low)[..., None] * self._steps  # (N, 2, 2, grid + 1)
        x = edges[:, :, 0].clamp(0, self._width)
        y = edges[:, :, 1].clamp(0, self._height)
        corners = self._sums(probabilities, x.flatten(0, 1).double(), y.flatten(0, 1).double())
        strips = corners[..., 1:, :] - corners[..., :-1, :]
        sums = (strips[..., 1:] - strips[..., :-1]).movedim(0, -1)
        area = y.diff(dim=2).flatten(0, 1)[:, :, None] * x.diff(dim=2).flatten(0, 1)[:, None, :]
        area = area[..., None]
        means = torch.where(area > 1e-6, sums / area.clamp(min=1e-6), 0.0)
        return means.float().reshape(len(boxes), -1)

    def _sums(self, probabilities: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Summed map at fractional px; (M, g) float64 x and y to (|L|, M, g, g) float64."""
        channels, below = len(probabilities), self._width + 1
        # In double precision: a difference of sums over 40,000 px has to tell a cell of one px.
        sums = probabilities.double().cumsum(dim=1).cumsum(dim=2)
        sums = torch.nn.functional.pad(sums, (1, 0, 1, 0)).reshape(channels, -1)
        x0, y0 = x.floor().clamp(max=self._width - 1), y.floor().clamp(max=self._height - 1)
        fx, fy = (x - x0)[:, None, :], (y - y0)[:, :, None]
        first = (y0.long() * below)[:, :, None] + x0.long()[:, None, :]
        places = torch.stack([first, first + 1, first + below, first + below + 1])
        shares = torch.stack([
            (1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx,
        ])  # fmt: skip
        values = sums.index_select(1, places.flatten()).view(channels, *places.shape)
        return (values * shares).sum(dim=1)
