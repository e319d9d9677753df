"""Whose things are, and where they lie from their face, on the device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fra_live.stages.device.parts import Parts
from fra_live.stages.device.windows import Windows

_LIMIT = 3.0  # sides of the face: positions beyond are all alike


@dataclass(frozen=True)
class Owners:
    """The face of each of N boxes.

    Attributes:
        slot: (N,) int64, slot of the nearest face; of the largest one, or 0, without any box.
        faces: (N, 4) float32, its box in frame px.
        seen: () bool, whether there is a face at all; without one the boxes mean nothing.
    """

    slot: Tensor
    faces: Tensor
    seen: Tensor


def owners(boxes: Tensor, valid: Tensor, parts: Parts) -> Owners:
    """The nearest faces, as `stages.assign.nearest_faces` has them.

    Args:
        boxes: (N, 4) float32, x0, y0, x1, y1 in frame px.
        valid: (N,) bool.
        parts: among which the faces are.
    """
    faces = parts.boxes
    centres = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    outside = torch.maximum(faces[:, :2] - centres, centres - faces[:, 2:]).clamp(min=0)
    side = (faces[:, 2:] - faces[:, :2]).amax(dim=1).clamp(min=1)
    distance = torch.hypot(outside[..., 0], outside[..., 1]) / side
    to_centre = (centres - (faces[:, :2] + faces[:, 2:]) / 2).abs().sum(dim=-1) / side
    far = torch.where(parts.faces, distance + 1e-3 * to_centre, math.inf)
    seen = parts.faces.any()
    slot = torch.where(valid.any() & seen, far.argmin(dim=1), parts.faces.int().argmax())
    return Owners(slot, faces.index_select(0, slot), seen)


def nearest_windows(boxes: Tensor, windows: Windows) -> Tensor:
    """`stages.assign.nearest_windows` among the valid ones; (N, 4) float32 → (N,) int64."""
    apart = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2 - windows.places[:, :2].float()
    distance = (apart * apart).sum(dim=2)
    return torch.where(windows.valid, distance, math.inf).argmin(dim=1)


def positions(boxes: Tensor, own: Owners) -> Tensor:
    """`stages.features.places`: (N, 4) float32 boxes → (N, 4) float32, nought without a face."""
    faces = own.faces
    side = (faces[:, 2:] - faces[:, :2]).amax(dim=1, keepdim=True).clamp(min=1)
    apart = (boxes[:, 2:] + boxes[:, :2] - faces[:, 2:] - faces[:, :2]) / 2 / side
    across, down = apart[:, :1].abs(), apart[:, 1:]
    longer = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True).clamp(min=1)
    near = torch.cat([across, down, torch.hypot(across, down), (longer / side).log()], 1)
    return torch.where(own.seen, near.clamp(-_LIMIT, _LIMIT), 0.0)
