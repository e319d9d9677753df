"""Step 3, refine, on the device: all windows cut out at once and pasted back at once.

Cutting is one look-up of four px for each px of a crop, in the level of the frame's pyramid that
fits the window; borders are mirrored by where is looked. Pasting is a pair of matrix products with
bilinear weights, nought outside a window, which sums over the windows as it goes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fra_live.stages.device.preprocess import (
    Pyramid,
    Taps,
    between_rows,
    halvings,
    to_images,
)
from fra_live.stages.device.windows import Windows
from fra_live.stages.preprocess import HALVE_FROM
from fra_live.stages.windows import WindowParameters

_GREY = 127  # of a window without a px of the frame


def whole_boxes(places: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Windows in whole px of a map, at least one px wide.

    Args:
        places: (m, 3) float64, centre and side in frame px.
        scale: (2, 1) or (m,) float64, px of the map in a px of the frame, across and down.

    Returns:
        (2, m) float64 left and top, (2, m) float64 right and bottom; whole numbers.
    """
    centre, half = places[:, :2].T, places[:, 2] / 2
    low = ((centre - half) * scale).round()
    high = ((centre + half) * scale).round()
    return low, torch.maximum(high, low + 1)


class Cutter:
    """`stages.refine.crop_windows` for frames of one size, px for px.

    Attributes:
        levels: how many levels of the pyramid it may need.
    """

    def __init__(
        self, frame: tuple[int, int], size: int, parameters: WindowParameters, device: torch.device
    ):
        """Prepare the constants.

        Args:
            frame: (H, W) in px.
            size: side of the crops in px.
            parameters: they limit the windows' side, and so the levels that are needed.
            device: where the frames are.
        """
        largest = max(parameters.max_side, parameters.min_side, parameters.default_side)
        side = largest * math.sqrt(frame[0] * frame[1])
        # One more than the largest side asks for, since faces' sides are rounded to float32.
        shapes = Pyramid.shapes(frame, halvings(side / size) + 1)
        self.levels = len(shapes)
        self._size = size
        self._px = torch.arange(size, device=device).double()
        sides = torch.tensor([[w, h] for h, w in shapes], dtype=torch.float64, device=device)
        self._sides = sides  # (levels, 2), across and down
        areas = [h * w for h, w in shapes]
        starts = [sum(areas[:i]) for i in range(len(areas))]
        self._starts = torch.tensor(starts, device=device)
        limits = [HALVE_FROM * 2**i * size for i in range(self.levels - 1)]
        self._limits = torch.tensor(limits, dtype=torch.float64, device=device)

    def __call__(self, pyramid: Pyramid, windows: Windows) -> Tensor:
        """Cut all windows out of a frame.

        Args:
            pyramid: of the frame.
            windows: m of them.

        Returns:
            (m, size, size, 3) uint8.
        """
        count, size = len(windows.places), self._size
        level = (windows.places[:, 2:] >= self._limits).sum(dim=1)
        low, high = whole_boxes(windows.places, torch.exp2(-level.double()))
        sides = self._sides.index_select(0, level).T
        begin, end = low.clamp(min=0), torch.minimum(high, sides)
        empty = (end <= begin).any(dim=0)
        x, y = (Taps.of((high - low)[i][:, None], self._px, across=i == 0) for i in (0, 1))
        taps = torch.stack([
            torch.stack([x.first, x.second], 1), torch.stack([y.first, y.second], 1),
        ])  # fmt: skip
        taps = _mirrored(taps, low, begin, end, sides)
        across, down = taps[0][:, None, None], taps[1][..., None, None]
        start = self._starts.index_select(0, level)[:, None, None, None, None]
        width = sides[0].long()[:, None, None, None, None]
        source = (start + down * width + across).flatten()  # (m, 2, size, 2, size)
        px = torch.cat([p.flatten(1) for p in pyramid.levels[: self.levels]], dim=1)
        values = px.index_select(1, source).view(3, count, 2, size, 2, size)
        near, far = x.near[:, None, None], x.far[:, None, None]
        sums = values[:, :, :, :, 0] * near + values[:, :, :, :, 1] * far
        near, far = y.near[..., None], y.far[..., None]
        crops = between_rows(sums[:, :, 0], sums[:, :, 1], near, far).transpose(0, 1)
        return to_images(torch.where(empty[:, None, None, None], _GREY, crops))


def _mirrored(taps: Tensor, low: Tensor, begin: Tensor, end: Tensor, sides: Tensor) -> Tensor:
    """Px of a level for px of the windows: what lies outside is mirrored at the last px inside.

    Args:
        taps: (2, m, 2, size) int64, px of the windows.
        low: (2, m) float64, left and top of each window in px of its level.
        begin: (2, m) float64, the first of its px in the level.
        end: (2, m) float64, one past the last.
        sides: (2, m) float64, the level's.

    Returns:
        (2, m, 2, size) int64.
    """
    low, begin, end, last = (t[..., None, None] for t in (low, begin, end, sides - 1))
    count = (end - begin).clamp(min=1)
    period = (2 * count - 2).clamp(min=1)
    place = torch.remainder(taps + (low - begin), period)
    place = torch.minimum(place, period - place) + begin
    return torch.minimum(place, last).clamp(min=0).long()


class Paster:
    """`stages.refine.paste_windows` for frames and maps of one size.

    Equal to within some millionths, for OpenCV rounds where it looks in its own way; where a map
    is all but flat, its highest px may so be others.
    """

    def __init__(
        self,
        frame: tuple[int, int],
        shape: tuple[int, int],
        coarse: tuple[int, int],
        fine: tuple[int, int],
        device: torch.device,
    ):
        """Prepare the constants.

        Args:
            frame: (H, W) in px.
            shape: (H', W') of P_fine.
            coarse: (h, w) of P_coarse.
            fine: (s, t) of Net_fine's maps of one window.
            device: where the maps are.
        """
        scale = [[shape[1] / frame[1]], [shape[0] / frame[0]]]
        self._scale = torch.tensor(scale, dtype=torch.float64, device=device)
        self._rows, self._columns = (
            torch.from_numpy(linear_weights(c, s)).to(device)
            for c, s in zip(coarse, shape, strict=True)
        )
        self._y, self._x, self._v, self._u = (
            torch.arange(n, device=device).double() for n in (*shape, *fine)
        )

    def __call__(self, coarse: Tensor, fine: Tensor, windows: Windows) -> Tensor:
        """P_fine over the whole frame.

        Args:
            coarse: (|L|, h, w) float32 over the frame.
            fine: (m, |L|, s, t) float32 of the windows.
            windows: m of them; those that are not valid are left out.

        Returns:
            (|L|, H', W') float32: the windows' mean where there are any, else P_coarse.
        """
        low, high = whole_boxes(windows.places, self._scale)
        rows, inside_y = _axis(low[1], high[1], windows.valid, self._y, self._v)
        columns, inside_x = _axis(low[0], high[0], windows.valid, self._x, self._u)
        labels = fine.shape[1]
        tall = torch.matmul(rows[:, None], fine)  # (m, |L|, H', t)
        tall = tall.permute(1, 2, 0, 3).reshape(labels * len(self._y), -1)
        total = tall @ columns.transpose(1, 2).reshape(-1, len(self._x))
        total = total.view(labels, len(self._y), len(self._x))
        seen = inside_y.T @ inside_x
        elsewhere = self._rows @ coarse @ self._columns.T
        return torch.where(seen > 0, total / seen.clamp(min=1), elsewhere)


def linear_weights(source: int, target: int) -> np.ndarray:
    """Bilinear weights between px centres, clamped at the borders; (target, source) float32."""
    centre = (np.arange(target) + 0.5) * (source / target) - 0.5
    # In float32 from here on the two weights add up to exactly 1, and what is 1 all over stays so.
    centre = centre.clip(0, source - 1).astype(np.float32)
    distance = np.abs(centre[:, None] - np.arange(source, dtype=np.float32)[None])
    return np.asarray((1 - distance).clip(0), np.float32)


def _axis(
    low: Tensor, high: Tensor, valid: Tensor, px: Tensor, cells: Tensor
) -> tuple[Tensor, Tensor]:
    """Bilinear weights of the windows' cells in the map's px along one axis.

    Returns:
        (m, px, cells) float32, 0 outside the window, and (m, px) float32, 1 inside.
    """
    low, high = low[:, None], high[:, None]
    inside = (px >= low) & (px < high) & valid[:, None]
    centre = (px + 0.5 - low) * (len(cells) / (high - low)) - 0.5
    centre = centre.clamp(0, len(cells) - 1).float()[..., None]  # see `linear_weights`
    weights = (1 - (centre - cells.float()).abs()).clamp(min=0)
    return weights * inside[..., None], inside.float()
