"""Step 4, candidates, on the device: R = R_pred ∪ R_m of both maps in a fixed number of slots."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fra_live.labels import LabelSet
from fra_live.stages.candidates import CandidateParameters
from fra_live.stages.device.components import ANYWHERE, ROUNDS, Components, Finder
from fra_live.stages.device.grid import Grid
from fra_live.stages.device.otsu import over_otsu
from fra_live.stages.device.peaks import highest_px, top_maxima
from fra_live.stages.device.regions import RegionTable, measure, strongest

_SLOTS = 64  # for R_pred of one map, the most probable ones
_SCALE = 1 << 30  # probabilities as whole numbers, for keys


@dataclass(frozen=True)
class Regions:
    """T slots for regions.

    Attributes:
        map: (T,) int64, 0 for P_fine's and 1 for P_coarse's.
        plane, root: (T,) int64, where the region is among its map's components.
        channel: (T,) int64, channel of its label.
        cells: (T, 4) int64, x0, y0, x1, y1 in px of its map, half open.
        boxes: (T, 4) float64, the same in frame px.
        probability: (T,) float64, mean probability of `channel` over the region.
        filled: (T,) float64, share of the box that the region fills.
        valid: (T,) bool.
    """

    map: Tensor
    plane: Tensor
    root: Tensor
    channel: Tensor
    cells: Tensor
    boxes: Tensor
    probability: Tensor
    filled: Tensor
    valid: Tensor

    def pick(self, order: Tensor, valid: Tensor) -> Regions:
        """The regions at `order` (T',), those of them valid that `valid` (T',) says."""
        fields = {name: getattr(self, name).index_select(0, order) for name in _FIELDS}
        return Regions(**fields, valid=valid)


_FIELDS = ("map", "plane", "root", "channel", "cells", "boxes", "probability", "filled")


@dataclass(frozen=True)
class MapComponents:
    """Components of one map.

    Attributes:
        components: of the masks where objects win, where body parts win, over Otsu's threshold,
            over each level (all objects, level by level), and of the highest px of each object.
        table: measures of all but the maxima.
        parts: slice of the planes where body parts win.
    """

    components: Components
    table: RegionTable
    parts: slice


class Proposer:
    """`stages.candidates.propose` for maps of one size.

    R_pred has 64 slots here and no limit in the reference: of a map with more regions the least
    probable are missing. Equally probable regions of different labels may come in another order.
    """

    def __init__(
        self,
        labels: LabelSet,
        parameters: CandidateParameters,
        frame: tuple[int, int],
        shape: tuple[int, int],
        number: int,
        device: torch.device,
        find: Finder = ANYWHERE,
    ):
        """Prepare the constants.

        Args:
            labels: names of the channels.
            parameters: of the regions.
            frame: (H, W) in px.
            shape: (h, w) of the map in px.
            number: 0 for P_fine, 1 for P_coarse; it is told in `Regions.map`.
            device: where the maps are.
            find: for the components.
        """
        self._parameters, self._number, self._find = parameters, number, find
        self.grid = Grid.of(shape, device)
        channels = list(labels.object_channels)
        parts = [labels.index(name) for name in labels.body_parts]
        self._objects = torch.tensor(channels, device=device)
        self._winners = torch.tensor(channels + parts, device=device)[:, None]
        over = channels * (1 + parameters.levels)
        self._measured = torch.tensor(channels + parts + over, device=device)
        self._over = torch.tensor(over, device=device)
        self._count, self._parts = len(channels), len(parts)
        self._radius = parameters.min_distance * math.sqrt(self.grid.size)
        self._least = parameters.min_area * self.grid.size
        scale = [frame[1] / shape[1], frame[0] / shape[0]] * 2
        self._scale = torch.tensor(scale, dtype=torch.float64, device=device)
        most = min(parameters.maxima, self.grid.size)
        self._before = torch.ones((most, most), dtype=torch.bool, device=device).tril(-1)

    def label(self, probabilities: Tensor) -> MapComponents:
        """Find and measure all components of a map; (|L|, h, w) float32."""
        grid = self.grid
        maps = probabilities.reshape(len(probabilities), -1)
        objects = maps.index_select(0, self._objects)
        masks = torch.cat([
            maps.argmax(dim=0) == self._winners,
            over_otsu(objects, grid.index),
            *self._over_levels(objects),
            highest_px(objects, self._radius, grid),
        ])  # fmt: skip
        components = self._find(masks, grid)
        measured = len(self._measured)
        regions = Components(masks[:measured], components.roots[:measured], components.settled)
        table = measure(regions, maps.index_select(0, self._measured), grid)
        return MapComponents(components, table, slice(self._count, self._count + self._parts))

    def _over_levels(self, objects: Tensor) -> list[Tensor]:
        """(|Obj|, n) bool for each level, the lowest first."""
        highest, levels = objects.amax(dim=1, keepdim=True).double(), self._parameters.levels
        return [
            objects >= (highest * level / (levels + 1)).float() for level in range(1, levels + 1)
        ]

    def propose(self, probabilities: Tensor, found: MapComponents) -> Regions:
        """R_pred, the most probable first, then R_m over Otsu's threshold and over each level.

        Args:
            probabilities: (|L|, h, w) float32, P over the whole frame.
            found: its components.
        """
        objects = probabilities.reshape(len(probabilities), -1).index_select(0, self._objects)
        strong = objects.amax(dim=1, keepdim=True).double() >= self._parameters.min_peak
        parts = [self._predicted(found, strong), self._over_threshold(objects, found, strong)]
        plane, root, channel, valid = (torch.cat(pair) for pair in zip(*parts, strict=True))
        area, mean, cells = found.table.at(plane, root)
        filled = area / (cells[:, 2:] - cells[:, :2]).prod(dim=1).clamp(min=1).double()
        return Regions(
            torch.full_like(plane, self._number), plane, root, channel, cells,
            cells * self._scale, mean, filled, valid,
        )  # fmt: skip

    def _fits(self, area: Tensor) -> Tensor:
        return (area >= self._least) & (area < self.grid.size)

    def _predicted(self, found: MapComponents, strong: Tensor) -> tuple[Tensor, ...]:
        """R_pred, eq. 3."""
        count, size = self._count, self.grid.size
        fits = self._fits(found.table.area[:count]) & strong
        first = found.components.firsts(self.grid)[:count] & fits
        key = torch.where(first, (found.table.mean[:count] * _SCALE).round().long(), -1)
        key, place = strongest(key.flatten(), min(_SLOTS, count * size))
        plane, root = place // size, place % size
        return plane, root, self._objects[plane], key >= 0

    def _over_threshold(
        self, objects: Tensor, found: MapComponents, strong: Tensor
    ) -> tuple[Tensor, ...]:
        """R_m, eq. 4: regions over a threshold that hold one of a channel's l maxima."""
        p, grid, count = self._parameters, self.grid, self._count
        every, first, many = found.components, self._count + self._parts, len(self._over)
        plateaus = Components(every.masks[-count:], every.roots[-count:], every.settled)
        most = len(self._before)
        px, there = top_maxima(objects, plateaus, self._radius, p.min_peak, most, grid)
        times = many // count  # each channel's maxima, over its every threshold
        px, there, strong = (t.repeat(times, 1) for t in (px, there, strong))
        root = every.roots[first : first + many].gather(1, px)
        inside = every.masks[first : first + many].gather(1, px) & there
        again = (root[:, :, None] == root[:, None, :]) & inside[:, None, :] & self._before
        area = found.table.area[first : first + many].gather(1, root)
        valid = inside & ~again.any(dim=2) & self._fits(area) & strong
        plane = torch.arange(first, first + many, device=px.device)[:, None].expand(-1, most)
        channel = self._over[:, None].expand(-1, most)
        return plane.flatten(), root.flatten(), channel.flatten(), valid.flatten()


def unite(
    fine: Regions, coarse: Regions, parameters: CandidateParameters, rounds: int = ROUNDS
) -> tuple[Regions, Tensor]:
    """R over both nets; see `stages.candidates.unite`.

    Args:
        fine: regions of P_fine, which win over those of P_coarse.
        coarse: as many of P_coarse.
        parameters: of the choice.
        rounds: how long a chain of regions may be in which each decides about the next.

    Returns:
        At most `max_candidates` regions, the most probable first, and () bool, whether the rounds
        were enough to settle which of the near-duplicates stay.
    """
    groups = []
    for group in (fine, coarse):
        order = torch.sort(_rank(group), descending=True, stable=True).indices
        groups.append(group.pick(order, group.valid[order]))
    fields = (*_FIELDS, "valid")
    every = Regions(**{name: torch.cat([getattr(g, name) for g in groups]) for name in fields})
    same = box_iou(every.boxes) >= parameters.same_iou
    same = same & (every.channel[:, None] == every.channel) & every.valid
    earlier = same.tril(-1).float()
    kept = before = every.valid
    for _ in range(rounds):
        before = kept
        kept = every.valid & (torch.mv(earlier, kept.float()) < 0.5)
    rank = torch.where(kept, every.probability, -1.0)
    order = torch.sort(rank, descending=True, stable=True).indices
    order = order[: parameters.max_candidates]
    return every.pick(order, kept[order]), (kept == before).all()


def _rank(regions: Regions) -> Tensor:
    return torch.where(regions.valid, regions.probability, -1.0)


def box_iou(boxes: Tensor) -> Tensor:
    """Intersection over union of all pairs of (T, 4) boxes; (T, T) of the boxes' type."""
    low = torch.maximum(boxes[:, None, :2], boxes[:, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[:, 2:])
    overlap = (high - low).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    return overlap / (area[:, None] + area - overlap).clamp(min=1e-9)
