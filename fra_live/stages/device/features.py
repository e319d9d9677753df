"""Step 7 on the device, first half: F_i(I) of the kept candidates."""

from __future__ import annotations

import torch
from torch import Tensor

from fra_live.labels import LabelSet
from fra_live.stages.device.assign import Owners, nearest_windows, positions
from fra_live.stages.device.candidates import Regions
from fra_live.stages.device.evidence import FLOOR, Said, log_odds
from fra_live.stages.device.windows import Windows


class Describer:
    """`recognizer.describe` and `stages.features.feature_matrix` for maps of one size."""

    def __init__(
        self,
        labels: LabelSet,
        shapes: tuple[tuple[int, int], tuple[int, int]],
        device: torch.device,
    ):
        """Prepare the constants; (h', w') of P_fine and (h, w) of P_coarse in px."""
        fine, coarse = shapes
        self._objects = torch.tensor(labels.object_channels, device=device)
        self._x = torch.arange(fine[1], device=device).double()
        self._y = torch.arange(fine[0], device=device).double()
        self._widths = torch.tensor([fine[1], coarse[1]], device=device)
        # Px of P_fine in a px of the map that a candidate was found in: P_fine, P_coarse.
        ratio = [[1.0, 1.0], [fine[1] / coarse[1], fine[0] / coarse[0]]]
        self._ratio = torch.tensor(ratio, dtype=torch.float64, device=device)

    def __call__(
        self, kept: Regions, overlaps: Tensor, masks: Tensor, own: Owners, windows: Windows,
        said: Said, fine: Tensor,
    ) -> Tensor:  # fmt: skip
        """Describe the candidates.

        Args:
            kept: q regions.
            overlaps: (q,) float32, their predicted overlap.
            masks: (q, max(n, n')) bool, each in px of its own map, the rest false.
            own: their faces.
            windows: Net_fine's windows.
            said: what the networks said.
            fine: (|L|, h', w') float32, P_fine.

        Returns:
            (q, D) float32; in an empty slot what there is to say without a candidate.
        """
        boxes = torch.where(kept.valid[:, None], kept.boxes, 0.0).float()
        places = torch.where(own.seen, own.faces, boxes)
        face = said.windows.index_select(0, nearest_windows(places, windows))
        image = torch.cat([said.whole, said.coarse, said.fine]).expand(len(boxes), -1)
        objects = self._objects_of(kept, overlaps, masks, positions(boxes, own), fine)
        return torch.cat([image, face, objects], dim=1)

    def _objects_of(
        self, kept: Regions, overlaps: Tensor, masks: Tensor, position: Tensor, fine: Tensor
    ) -> Tensor:
        """F_obj: (q, 7·|Obj| + 2·|L|) float32, nought for slots without a candidate."""
        count, maps = len(kept.valid), fine.flatten(1)
        inside, masked = self._areas(kept, masks)
        weights = torch.cat([masked, inside]).float()
        means = (weights @ maps.T) / weights.sum(dim=1, keepdim=True).clamp(min=1)
        label = maps.index_select(0, kept.channel)
        peak = torch.where(inside, label, 0.0).amax(dim=1, keepdim=True)
        seen = log_odds(torch.cat([means[:count], means[count:], peak], 1)) - FLOOR
        strength = seen.gather(1, kept.channel[:, None])
        values = torch.cat([strength, seen[:, -1:], overlaps[:, None], position], 1)
        slot = kept.channel[:, None] == self._objects
        slots = torch.where(slot[:, :, None], values[:, None, :], 0.0).flatten(1)
        return torch.where(kept.valid[:, None], torch.cat([slots, seen[:, :-1]], 1), 0.0)

    def _areas(self, kept: Regions, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Each candidate's box and its mask, both (q, n') bool in px of P_fine."""
        ratio = self._ratio.index_select(0, kept.map)
        start = (kept.cells[:, :2] * ratio).floor()
        end = torch.maximum((kept.cells[:, 2:] * ratio).round(), start + 1)
        columns = (self._x >= start[:, :1]) & (self._x < end[:, :1])
        rows = (self._y >= start[:, 1:]) & (self._y < end[:, 1:])
        inside = (rows[:, :, None] & columns[:, None, :]).flatten(1)
        # The px of the candidate's own map that lies under each px of the box.
        last = kept.cells[:, 2:] - kept.cells[:, :2] - 1
        across = ((self._x - start[:, :1] + 0.5) / ratio[:, :1]).long()
        down = ((self._y - start[:, 1:] + 0.5) / ratio[:, 1:]).long()
        across = across.clamp(min=0).minimum(last[:, :1]) + kept.cells[:, :1]
        down = down.clamp(min=0).minimum(last[:, 1:]) + kept.cells[:, 1:2]
        width = self._widths.index_select(0, kept.map)[:, None, None]
        under = (down[:, :, None] * width + across[:, None, :]).flatten(1)
        masked = inside & masks.gather(1, under.clamp(0, masks.shape[1] - 1))
        return inside, torch.where(masked.any(dim=1, keepdim=True), masked, inside)
