"""Step 2, windows, on the device: see `stages.windows`, whose choice this is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fra_live.labels import LabelSet
from fra_live.stages.device.components import ANYWHERE, Finder
from fra_live.stages.device.grid import Grid
from fra_live.stages.device.peaks import highest_px, middles
from fra_live.stages.device.regions import strongest
from fra_live.stages.windows import WindowParameters

_LEAST_FACE = 6  # px of the map, as in `stages.windows.face_boxes`


@dataclass(frozen=True)
class Windows:
    """m slots for windows, the filled ones first.

    Attributes:
        places: (m, 3) float64: x and y of the centre and the side, frame px. An empty slot holds
            some window of the frame, for a batch has to be full.
        valid: (m,) bool.
        settled: () bool, see `Components.settled`.
    """

    places: Tensor
    valid: Tensor
    settled: Tensor


class WindowChoice:
    """`stages.windows.select_windows` for frames and maps of one size.

    Where several maxima within the radius are exactly equal and the first of them lies in a chosen
    window, another of them may get a window here that the reference leaves out.
    """

    def __init__(
        self,
        labels: LabelSet,
        parameters: WindowParameters,
        frame: tuple[int, int],
        shape: tuple[int, int],
        device: torch.device,
        find: Finder = ANYWHERE,
    ):
        """Prepare the constants.

        Args:
            labels: names of the channels.
            parameters: of the choice.
            frame: (H, W) in px.
            shape: (h, w) of P_coarse in px.
            device: where the maps are.
            find: for the components.
        """
        self._find = find
        self._parameters = parameters
        self._frame_side = math.sqrt(frame[0] * frame[1])
        self._radius = parameters.min_distance * math.sqrt(shape[0] * shape[1])
        scale = (frame[1] / shape[1], frame[0] / shape[0])
        self._grid = grid = Grid.of(shape, device)
        self._scale = torch.tensor(scale, dtype=torch.float64, device=device)
        self._x = (torch.arange(shape[1], device=device).double() + 0.5) * scale[0]
        self._y = (torch.arange(shape[0], device=device).double() + 0.5) * scale[1]
        self._objects = torch.tensor(labels.object_channels, device=device)
        wanted = min(parameters.max_faces, parameters.max_windows, grid.size)
        self._faces = wanted if "face" in labels.names else 0
        self._face = labels.index("face") if self._faces else 0

    def __call__(self, probabilities: Tensor) -> Windows:
        """Choose the windows for Net_fine.

        Args:
            probabilities: (|L|, h, w) float32, P_coarse.
        """
        p, grid = self._parameters, self._grid
        maps = probabilities.reshape(len(probabilities), -1)
        faces, seen, settled = self._round_faces(maps[self._face])
        side = torch.where(seen, faces[:, 2], -1.0)[:1].sum()
        side = torch.where(seen.any(), side, p.default_side * self._frame_side)

        objects = maps.index_select(0, self._objects).amax(dim=0, keepdim=True)
        plateaus = self._find(highest_px(objects, self._radius, grid), grid)
        single = torch.where(plateaus.firsts(grid), objects, -1.0)[0]
        middle = middles(plateaus, grid)[0]
        x, y = middle % grid.width, middle // grid.width
        fx, fy = self._x[x], self._y[y]
        left = torch.where(single >= p.min_score, single, -1.0)
        # Where there is nothing at all to look at, the highest maximum is looked at all the same.
        nothing = (left < 0).all() & ~seen.any()
        left = torch.where(nothing & (grid.index == single.argmax()), single, left)
        covered = self._covered(faces, fx, fy) & seen[:, None]
        left = torch.where(covered.any(dim=0), -1.0, left)
        places, valid = [faces], [seen]
        for _ in range(p.max_windows):
            value, first = left.max(dim=0, keepdim=True)
            place = torch.stack([fx[first], fy[first], side[None]], dim=1)
            dx, dy = x - x[first], y - y[first]
            near = (dx * dx + dy * dy < self._radius**2) | (grid.index == first)
            left = torch.where(near | self._covered(place, fx, fy)[0], -1.0, left)
            places.append(place)
            valid.append(value >= 0)
        every, there = torch.cat(places), torch.cat(valid)
        order = torch.sort((~there).to(torch.int8), stable=True).indices[: p.max_windows]
        return Windows(every[order], there[order], settled & plateaus.settled)

    def _covered(self, places: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """(K, n) bool: points at x and y (n,) in the middle of each of (K, 3) windows."""
        reach = self._parameters.covered * places[:, 2:] / 2
        across = (x - places[:, :1]).abs() < reach
        return across & ((y - places[:, 1:2]).abs() < reach)

    def _round_faces(self, channel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(F, 3) windows round the largest faces, (F,) bool and () bool `settled`.

        Of faces of equal area the one that begins higher up comes first, as in the reference.
        """
        p, grid = self._parameters, self._grid
        found = self._find(channel[None] > 0.5, grid, 4)
        roots = found.roots[0]
        area = torch.zeros_like(roots).scatter_add(0, roots, torch.ones_like(roots))
        first = found.firsts(grid)[0] & (area >= _LEAST_FACE)
        key, root = strongest(torch.where(first, area, -1), self._faces)
        inside = (roots == root[:, None]) & found.masks
        low = torch.stack([torch.where(inside, a, grid.size).amin(1) for a in (grid.x, grid.y)], 1)
        high = torch.stack([torch.where(inside, a, -1).amax(1) for a in (grid.x, grid.y)], 1) + 1
        # Rounded to float32 where the reference does, so that whole px come out alike.
        scale = self._scale
        start, end = (low * scale).float(), (high * scale).float()
        side = (end - start).amax(dim=1, keepdim=True) * p.face_scale
        side = side.clamp(p.min_side * self._frame_side, p.max_side * self._frame_side)
        places = torch.cat([(start + end).double() / 2, side.double()], dim=1)
        valid = key >= 0
        return torch.where(valid[:, None], places, 0.0), valid, found.settled
