"""All of a frame on the host, for explanations, measurements and trainings; not for live frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
        context: (M, 2·25·|L|) float32, a row a proposal.
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


def download(frame: Frame, method: Method) -> Whole:
    """Copy a frame to the host.

    Args:
        frame: as the runner gave it, before its next frame.
        method: that it went through.
    """
    evidence, regions = frame.evidence, frame.candidates
    windows = frame.windows.valid.cpu().numpy()
    places = frame.windows.places.cpu().numpy()[windows]
    valid = regions.valid.cpu().numpy()
    masks = region_masks(regions, frame.components).cpu().numpy()[valid]
    maps, channels = regions.map.cpu().numpy()[valid], regions.channel.cpu().numpy()[valid]
    cells, means = regions.cells.cpu().numpy()[valid], regions.probability.cpu().numpy()[valid]
    shapes = (method.fine_shape, method.coarse_shape)
    proposals = []
    for number, channel, cell, mean, mask in zip(maps, channels, cells, means, masks, strict=True):
        shape = shapes[int(number)]
        plane = mask[: shape[0] * shape[1]].reshape(shape)
        proposals.append(region_of(cell, plane, 1, int(channel), method.frame, float(mean)))
    return Whole(
        coarse=evidence.coarse.cpu().numpy().copy(),
        fine=evidence.fine.cpu().numpy().copy(),
        global_logits=evidence.global_logits.cpu().numpy().copy(),
        windows=[Window(*map(float, place)) for place in places],
        window_logits=evidence.window_logits.cpu().numpy()[windows],
        proposals=proposals,
        context=frame.context.cpu().numpy()[valid],
        overlaps=frame.overlaps.cpu().numpy()[valid],
    )
