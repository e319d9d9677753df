"""Step 4, candidates: R = R_pred ∪ R_m from a probability map (section 3.2, eqs. 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.windows import local_maxima


@dataclass(frozen=True)
class CandidateParameters:
    """Parameters of the candidate regions.

    Attributes:
        maxima: l of section 3.2, local maxima of each object channel.
        min_distance: of two maxima, as a share of sqrt(h·w) of the map (the paper's p).
        min_peak: channels whose highest probability is below this give no region; without a
            limit Otsu's method splits pure noise.
        min_area: least area of a region as a share of the map's.
        same_iou: of two regions of one label whose boxes overlap this much one is kept.
        max_candidates: the most probable so many are kept.
    """

    maxima: int = 3
    min_distance: float = 0.05
    min_peak: float = 0.03
    min_area: float = 0.00008
    same_iou: float = 0.85
    max_candidates: int = 30


@dataclass(frozen=True)
class Proposal:
    """One candidate region R_i in the map it was found in.

    Attributes:
        channel: channel of its label.
        box: x0, y0, x1, y1 in frame px.
        cells: x0, y0, x1, y1 in whole px of the map; half open.
        mask: (y1 - y0, x1 - x0) bool in px of the map.
        map_shape: (h, w) of the map.
        probability: mean probability of `channel` over the region.
    """

    channel: int
    box: tuple[float, float, float, float]
    cells: tuple[int, int, int, int]
    mask: np.ndarray
    map_shape: tuple[int, int]
    probability: float


def _regions(
    binary: np.ndarray,
    channel: int,
    probabilities: np.ndarray,
    frame: tuple[int, int],
    min_area: float,
    peaks: np.ndarray | None,
) -> Iterable[Proposal]:
    """Connected components of a binary map as proposals; with `peaks`, those that hold one."""
    height, width = binary.shape
    count, regions, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    kept = range(1, count)
    if peaks is not None:
        holding = {int(regions[int(y), int(x)]) for x, y, _ in peaks}
        kept = [i for i in kept if i in holding]  # type: ignore[assignment]
    sx, sy = frame[1] / width, frame[0] / height
    for i in kept:
        x, y, w, h, area = (int(v) for v in stats[i])
        if area < min_area * height * width or area == height * width:
            continue
        mask = regions[y : y + h, x : x + w] == i
        mean = float(probabilities[channel, y : y + h, x : x + w][mask].mean())
        box = (x * sx, y * sy, (x + w) * sx, (y + h) * sy)
        yield Proposal(channel, box, (x, y, x + w, y + h), mask, (height, width), mean)


def propose(
    probabilities: np.ndarray,
    labels: LabelSet,
    frame: tuple[int, int],
    parameters: CandidateParameters,
) -> list[Proposal]:
    """R_pred ∪ R_m of one net's map.

    Args:
        probabilities: (|L|, h, w) float32, P over the whole frame.
        labels: names of the channels.
        frame: (H, W) of the frame in px.
        parameters: see `CandidateParameters`.

    Returns:
        R_pred, the connected components of the prediction where an object wins, then R_m, the
        regions of each object channel over its Otsu threshold that hold one of its maxima.
    """
    found: list[Proposal] = []
    winner = probabilities.argmax(axis=0)
    radius = parameters.min_distance * float(np.sqrt(winner.size))
    for channel in labels.object_channels:
        plane = probabilities[channel]
        highest = float(plane.max())
        if highest < parameters.min_peak:
            continue
        wins = (winner == channel).astype(np.uint8)
        if wins.any():
            found += _regions(wins, channel, probabilities, frame, parameters.min_area, None)
        peaks = local_maxima(plane, radius, parameters.min_peak)[: parameters.maxima]
        grey = cv2.convertScaleAbs(plane, alpha=255 / highest)
        _, over = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        found += _regions(over, channel, probabilities, frame, parameters.min_area, peaks)
    return found


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes.

    Args:
        a: (N, 4) x0, y0, x1, y1.
        b: (M, 4).

    Returns:
        (N, M) in 0..1.
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a = np.prod(a[:, 2:] - a[:, :2], axis=1)
    area_b = np.prod(b[:, 2:] - b[:, :2], axis=1)
    union = area_a[:, None] + area_b[None] - overlap
    return np.asarray(overlap / np.maximum(union, 1e-9))


def unite(
    groups: Iterable[Iterable[Proposal]], parameters: CandidateParameters
) -> list[Proposal]:
    """R over both nets: near-duplicates dropped, the earlier group wins, then the probability.

    Args:
        groups: proposals of each map, the finest map first.
    """
    kept: list[Proposal] = []
    for group in groups:
        for proposal in sorted(group, key=lambda p: -p.probability):
            same = [k.box for k in kept if k.channel == proposal.channel]
            if same:
                overlap = box_iou(np.array([proposal.box]), np.array(same))
                if overlap.max() >= parameters.same_iou:
                    continue
            kept.append(proposal)
    kept.sort(key=lambda p: -p.probability)
    return kept[: parameters.max_candidates]
