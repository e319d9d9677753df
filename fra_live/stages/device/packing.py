"""One small array for what a frame gave: packed on the device, read on the host."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fra_live.stages.candidates import Proposal
from fra_live.stages.device.method import Frame, Method


def pack(frame: Frame) -> Tensor:
    """Everything that a result needs, in one (K,) uint8 tensor on the device.

    Numbers first, as float32 (whole numbers up to 2²⁴ stay exact), then a mask a byte for each
    kept candidate, then the map of the body parts.
    """
    kept, parts = frame.kept, frame.parts
    candidates = torch.cat([
        torch.stack([kept.valid, kept.map, kept.channel], 1), kept.cells,
        torch.stack([kept.probability, frame.overlaps[frame.order]], 1),
        torch.stack([frame.order, frame.person], 1),
    ], dim=1)  # fmt: skip
    bodies = torch.cat([
        torch.stack([parts.valid, parts.number], 1), parts.cells, parts.probability[:, None],
    ], dim=1)  # fmt: skip
    numbers = torch.cat([
        torch.stack([frame.settled, frame.windows.valid.sum()]).float(), frame.total,
        candidates.float().flatten(), bodies.float().flatten(),
    ])  # fmt: skip
    masks = torch.cat([frame.masks.flatten().to(torch.uint8), parts.map])
    return torch.cat([numbers.view(torch.uint8), masks])


_CANDIDATE, _PART = 11, 7  # numbers about each


@dataclass(frozen=True)
class FoundPart:
    """A face or a hand.

    Attributes:
        slot: its number among the slots; `FoundCandidate.person` says which face is meant by it.
        region: where it is; a `Proposal` for its box, its mask and its mean probability.
    """

    slot: int
    region: Proposal


@dataclass(frozen=True)
class FoundCandidate:
    """A kept candidate.

    Attributes:
        region: where it is.
        overlap: predicted overlap.
        index: its number among all candidates, see `Whole.proposals`.
        person: slot of its face.
    """

    region: Proposal
    overlap: float
    index: int
    person: int


@dataclass(frozen=True)
class Found:
    """What `pack` packed.

    Attributes:
        settled: whether the frame is to be trusted; see `Frame.settled`.
        windows: how many windows there were.
        total: (A,) float32, S(I) before calibration.
        candidates: best first.
        parts: largest first.
    """

    settled: bool
    windows: int
    total: np.ndarray
    candidates: list[FoundCandidate]
    parts: list[FoundPart]


def unpack(packed: np.ndarray, method: Method, slots: tuple[int, int]) -> Found:
    """Read what `pack` wrote.

    Args:
        packed: (K,) uint8.
        method: that the frame went through.
        slots: q and S, the numbers of slots for kept candidates and for body parts.
    """
    labels, (kept, bodies) = method.labels, slots
    actions = len(labels.actions)
    shapes = (method.fine_shape, method.coarse_shape)
    longest = max(h * w for h, w in shapes)
    ends = np.cumsum([2, actions, kept * _CANDIDATE, bodies * _PART])
    numbers = packed[: 4 * ends[-1]].view(np.float32)
    masks = packed[4 * ends[-1] :]
    head, total, rows, lines = np.split(numbers, ends[:-1])
    candidates = []
    planes = masks[: kept * longest].reshape(kept, longest)
    for row, mask in zip(rows.reshape(kept, _CANDIDATE), planes, strict=True):
        if row[0]:
            number, channel = int(row[1]), int(row[2])
            plane = mask[: shapes[number][0] * shapes[number][1]].reshape(shapes[number])
            region = region_of(row[3:7], plane, 1, channel, method.frame, float(row[7]))
            candidates.append(FoundCandidate(region, float(row[8]), int(row[9]), int(row[10])))
    part_map = masks[kept * longest :].reshape(method.fine_shape)
    parts = []
    for slot, line in enumerate(lines.reshape(bodies, _PART)):
        if line[0]:
            channel = labels.index(labels.body_parts[int(line[1])])
            region = region_of(line[2:6], part_map, slot + 1, channel, method.frame, float(line[6]))
            parts.append(FoundPart(slot, region))
    return Found(bool(head[0]), int(head[1]), total.copy(), candidates, parts)


def region_of(
    cells: np.ndarray,
    plane: np.ndarray,
    value: int,
    channel: int,
    frame: tuple[int, int],
    probability: float,
) -> Proposal:
    """A region whose px have a value in a map.

    Args:
        cells: (4,) x0, y0, x1, y1 in px of the map.
        plane: (h, w) of whole numbers.
        value: of the region's px.
        channel: of its label.
        frame: (H, W) in px.
        probability: its mean.
    """
    x0, y0, x1, y1 = (int(v) for v in cells)
    height, width = plane.shape
    sy, sx = frame[0] / height, frame[1] / width
    box = (x0 * sx, y0 * sy, x1 * sx, y1 * sy)
    mask = plane[y0:y1, x0:x1] == value
    return Proposal(channel, box, (x0, y0, x1, y1), mask, (height, width), probability)
