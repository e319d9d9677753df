"""All of a frame on the host, for explanations, measurements and trainings; not for live frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from fra_live.stages.candidates import Proposal
from fra_live.stages.device.method import Frame, Method, region_masks
from fra_live.stages.device.packing import region_of
from fra_live.stages.windows import Window


@dataclass(frozen=True)
class Whole:
    """A `Frame` in the types of the NumPy stages, empty slots left out.

    Attributes:
        coarse: (|L|, h, w) float32, P_coarse.
        fine: (|L|, h', w') float32, P_fine.
        global_logits: (A + 1,) float32.
        windows: of Net_fine, and `window_logits` (N, A + 1) float32.
        proposals: R, the most probable first.
        context: (M, 2·25·|L|) float32, a row a proposal; (M, 0) where it was left behind.
        overlaps: (M,) float32, predicted overlaps.
    """

    coarse: np.ndarray
    fine: np.ndarray
    global_logits: np.ndarray
    windows: list[Window]
    window_logits: np.ndarray
    proposals: list[Proposal]
    context: np.ndarray
    overlaps: np.ndarray


# (M, 4) boxes in frame px and (M,) overlaps → int indices of the candidates whose masks are wanted
Wanted = Callable[[np.ndarray, np.ndarray], np.ndarray]


def download(frame: Frame, method: Method, wanted: Wanted | None = None) -> Whole:
    """Copy a frame to the host.

    Args:
        frame: as the runner gave it, before its next frame.
        method: that it went through.
        wanted: to bring down no more than sharing out among people takes: no context, and of the
            masks those that this asks for; the others are empty. None brings down everything.
    """
    evidence, regions = frame.evidence, frame.candidates
    rows, places, window_logits, logits = _numbers(frame)
    slots = np.flatnonzero(rows[:, 0])
    rows, overlaps = rows[slots], rows[slots, -1].astype(np.float32)
    shapes = (method.fine_shape, method.coarse_shape)
    empty = np.zeros(max(h * w for h, w in shapes), bool)

    def region(row: np.ndarray, mask: np.ndarray) -> Proposal:
        shape = shapes[int(row[1])]
        plane = mask[: shape[0] * shape[1]].reshape(shape)
        return region_of(row[3:7], plane, 1, int(row[2]), method.frame, float(row[7]))

    proposals = [region(row, empty) for row in rows]
    chosen = np.arange(len(slots))
    if wanted is not None:
        boxes = np.array([p.box for p in proposals], np.float32).reshape(-1, 4)
        chosen = np.unique(wanted(boxes, overlaps))
    order = torch.from_numpy(slots[chosen]).to(regions.root.device)
    picked = regions.pick(order, torch.ones_like(order, dtype=torch.bool))
    masks = region_masks(picked, frame.components).cpu().numpy()
    for index, mask in zip(chosen.tolist(), masks, strict=True):
        proposals[index] = region(rows[index], mask)
    context = np.zeros((len(slots), 0), np.float32)
    if wanted is None:
        context = frame.context.cpu().numpy()[slots]
    return Whole(
        coarse=evidence.coarse.cpu().numpy().copy(),
        fine=evidence.fine.cpu().numpy().copy(),
        global_logits=logits.astype(np.float32),
        windows=[Window(*map(float, place[1:])) for place in places if place[0]],
        window_logits=window_logits[places[:, 0] > 0].astype(np.float32),
        proposals=proposals,
        context=context,
        overlaps=overlaps,
    )


def _numbers(frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All numbers in one copy: candidates, windows, their logits, the whole frame's; float64."""
    regions, windows, evidence = frame.candidates, frame.windows, frame.evidence
    tables = [
        torch.cat([
            torch.stack([regions.valid, regions.map, regions.channel], 1), regions.cells,
            torch.stack([regions.probability, frame.overlaps], 1),
        ], dim=1),
        torch.cat([windows.valid[:, None], windows.places], dim=1),
        evidence.window_logits,
        evidence.global_logits,
    ]  # fmt: skip
    numbers = torch.cat([table.double().flatten() for table in tables]).cpu().numpy()
    parts = np.split(numbers, np.cumsum([table.numel() for table in tables])[:-1])
    first, second, third, last = (
        part.reshape(tuple(table.shape)) for part, table in zip(parts, tables, strict=True)
    )
    return first, second, third, last
