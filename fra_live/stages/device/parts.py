"""Faces and hands on the device: the largest components where a body part wins."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fra_live.labels import LabelSet
from fra_live.stages.device.candidates import MapComponents
from fra_live.stages.device.grid import Grid
from fra_live.stages.device.regions import strongest
from fra_live.stages.regions import _MIN_AREA

_SLOTS = 64  # the reference has no limit: of more parts than these the smallest are missing


@dataclass(frozen=True)
class Parts:
    """S slots for body parts, largest first.

    Attributes:
        number: (S,) int64, which of the label set's body parts.
        cells: (S, 4) int64, x0, y0, x1, y1 in px of P_fine, half open.
        boxes: (S, 4) float32, the same in frame px.
        probability: (S,) float64, mean over the region.
        valid: (S,) bool.
        map: (n,) uint8, 1 + slot of the part that a px of P_fine belongs to, else 0.
        faces: (S,) bool, whether it is a face.
    """

    number: Tensor
    cells: Tensor
    boxes: Tensor
    probability: Tensor
    valid: Tensor
    map: Tensor
    faces: Tensor


class PartFinder:
    """`stages.regions.body_parts` for maps of one size.

    Of two parts of one label and equal area the one that begins higher up comes first; the
    reference may begin with the other where both begin within two rows.
    """

    def __init__(
        self, labels: LabelSet, frame: tuple[int, int], shape: tuple[int, int], device: torch.device
    ):
        """Prepare the constants; `frame` (H, W) and `shape` (h, w) of P_fine in px."""
        self._grid = Grid.of(shape, device)
        scale = [frame[1] / shape[1], frame[0] / shape[0]] * 2
        self._scale = torch.tensor(scale, dtype=torch.float64, device=device)
        is_face = [name == "face" for name in labels.body_parts] or [False]
        self._is_face = torch.tensor(is_face, device=device)
        count = len(labels.body_parts)
        self._slots = torch.arange(min(_SLOTS, max(1, count * self._grid.size)), device=device)

    def __call__(self, found: MapComponents) -> Parts:
        """Choose among the components of P_fine."""
        size, slots = self._grid.size, self._slots
        roots, masks = found.components.roots[found.parts], found.components.masks[found.parts]
        if not len(roots):
            return self._none()
        area = found.table.area[found.parts]
        first = found.components.firsts(self._grid)[found.parts] & (area >= _MIN_AREA * size)
        key, place = strongest(torch.where(first, area, -1).flatten(), len(slots))
        number, valid = place // size, key >= 0
        _, mean, cells = found.table.at(number + found.parts.start, place % size)
        # One place more than there are, for the slots that hold nothing.
        slot_of = place.new_zeros(roots.numel() + 1)
        slot_of = slot_of.scatter(0, torch.where(valid, place, roots.numel()), slots + 1)
        of_px = slot_of[:-1].view_as(roots).gather(1, roots)
        part_map = torch.where(masks, of_px, 0).amax(dim=0).to(torch.uint8)
        boxes = (cells * self._scale).float()
        faces = self._is_face[number] & valid
        return Parts(number, cells, boxes, mean, valid, part_map, faces)

    def _none(self) -> Parts:
        """For label sets without body parts."""
        nought = torch.zeros_like(self._slots)
        cells, never = nought[:, None].expand(-1, 4), nought > 0
        part_map = torch.zeros_like(self._grid.index, dtype=torch.uint8)
        return Parts(nought, cells, cells.float(), nought.double(), never, part_map, never)
