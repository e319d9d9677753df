"""Step 4, candidates: R = R_pred ∪ R_m from a probability map (section 3.2, eqs. 3 and 4).

Addition, measured: R_m is cut not at Otsu's threshold alone but at several shares of the
channel's maximum besides. A network that is unsure gives a blurred hill, and only one height of it
has the object's size. Held out, a region with IoU ≥ .5 was there for 71 % of the objects instead
of 65 %, and the ranking turned half of that into better first regions. `levels=0` is the paper's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.maps import ProbabilityMap, as_map, bounds, components, region_mean
from fra_live.stages.windows import local_maxima

_Px = tuple[int, int]  # x and y


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
        distinct_iou: of two candidates whose boxes overlap more than this only the better one is
            among the q that are kept. At .5 the object was, held out, among the three a little
            more often (.50 of the photos instead of .47), but more places mean more chances of
            a false alarm (recall at 5 % of them .57 instead of .60): 1, the paper's, keeps all.
        consensus: how sharply predicted overlaps are told apart when the q are chosen together,
            each for what it adds to the overlap to be expected, see `stages.rank.best_distinct`;
            0, the paper's, takes the highest predictions.
        levels: heights at which R_m is cut besides Otsu's, evenly between nought and the
            channel's maximum: 4 are at .2, .4, .6 and .8 of it.
    """

    maxima: int = 3
    min_distance: float = 0.05
    min_peak: float = 0.03
    min_area: float = 0.00008
    same_iou: float = 0.85
    max_candidates: int = 60
    distinct_iou: float = 1.0
    consensus: float = 10.0
    levels: int = 4


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


Region = tuple[int, int, int, np.ndarray]  # area, x and y in px of the map, mask of the box


def _components(binary: np.ndarray) -> list[Region]:
    """Every connected component of a mask."""
    regions, stats, left, top = components(binary)
    return [
        (area, x + left, y + top, regions[y : y + h, x : x + w] == i)
        for i, (x, y, w, h, area) in enumerate(stats[1:].tolist(), 1)
    ]


def _filled(binary: np.ndarray, seeds: Iterable[_Px], corner: _Px) -> list[Region]:
    """Those components that hold a seed; filled from there, since most of the map is not asked.

    Args:
        binary: (h, w) bool, part of a map.
        seeds: x, y of px of the part.
        corner: x, y of the part in the map.
    """
    height, width = binary.shape
    over, filled = binary.view(np.uint8), np.zeros((height + 2, width + 2), np.uint8)
    found = []
    for k, (x, y) in enumerate(seeds):
        if not over[y, x] or filled[y + 1, x + 1]:
            continue
        number = 1 + k % 255
        flags = 8 | cv2.FLOODFILL_MASK_ONLY | number << 8
        area, _, _, (x, y, w, h) = cv2.floodFill(over, filled, (x, y), 1, 0, 0, flags)
        mask = filled[y + 1 : y + 1 + h, x + 1 : x + 1 + w] == number
        found.append((area, x + corner[0], y + corner[1], mask))
    return found


def _regions(
    plane: np.ndarray, wins: np.ndarray, highest: float, parameters: CandidateParameters
) -> list[Region]:
    """R_pred and R_m of one channel.

    Args:
        plane: (h, w) float32, the channel.
        wins: (h, w) bool, where it is the prediction.
        highest: its maximum.
        parameters: see `CandidateParameters`.
    """
    heights = [highest * n / (parameters.levels + 1) for n in range(1, parameters.levels + 1)]
    x0, y0, x1, y1 = bounds(plane >= min([parameters.min_peak, *heights]))
    part = plane[y0:y1, x0:x1]
    radius = parameters.min_distance * float(np.sqrt(plane.size))
    peaks = local_maxima(part, radius, parameters.min_peak, parameters.maxima)
    seeds = [(int(x), int(y)) for x, y, _ in peaks.tolist()]
    grey = cv2.convertScaleAbs(plane, alpha=255 / highest)
    _, over = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    found = _components(wins) + _filled(over, [(x + x0, y + y0) for x, y in seeds], (0, 0))
    for height in heights:
        found += _filled(part >= height, seeds, (x0, y0))
    return found


def _proposal(region: Region, channel: int, plane: np.ndarray, frame: tuple[int, int]) -> Proposal:
    _, x, y, mask = region
    h, w = mask.shape
    sy, sx = frame[0] / plane.shape[0], frame[1] / plane.shape[1]
    box = (x * sx, y * sy, (x + w) * sx, (y + h) * sy)
    mean = region_mean(plane[y : y + h, x : x + w], mask)
    return Proposal(channel, box, (x, y, x + w, y + h), mask, plane.shape, mean)


def propose(
    probabilities: np.ndarray | ProbabilityMap,
    labels: LabelSet,
    frame: tuple[int, int],
    parameters: CandidateParameters,
) -> list[Proposal]:
    """R_pred ∪ R_m of one net's map.

    Args:
        probabilities: (|L|, h, w) float32, P over the whole frame, or its map.
        labels: names of the channels.
        frame: (H, W) of the frame in px.
        parameters: see `CandidateParameters`.

    Returns:
        R_pred, the connected components of the prediction where an object wins, then R_m, the
        regions of each object channel over its Otsu threshold that hold one of its maxima, then
        those over each of the levels, the lowest first.
    """
    whole = as_map(probabilities)
    found: list[Proposal] = []
    for channel in labels.object_channels:
        plane, highest = whole.planes[channel], float(whole.maxima[channel])
        if highest < parameters.min_peak:
            continue
        least = parameters.min_area * plane.size
        for region in _regions(plane, whole.winner == channel, highest, parameters):
            if least <= region[0] < plane.size:
                found.append(_proposal(region, channel, plane, frame))
    return found


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes.

    Args:
        a: (N, 4) x0, y0, x1, y1.
        b: (M, 4).

    Returns:
        (N, M) in 0..1.
    """
    width = np.minimum.outer(a[:, 2], b[:, 2]) - np.maximum.outer(a[:, 0], b[:, 0])
    height = np.minimum.outer(a[:, 3], b[:, 3]) - np.maximum.outer(a[:, 1], b[:, 1])
    overlap = np.maximum(width, 0) * np.maximum(height, 0)
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    union = area_a[:, None] + area_b[None] - overlap
    return np.asarray(overlap / np.maximum(union, 1e-9))


def unite(groups: Iterable[Iterable[Proposal]], parameters: CandidateParameters) -> list[Proposal]:
    """R over both nets: near-duplicates dropped, the earlier group wins, then the probability.

    Args:
        groups: proposals of each map, the finest map first.
    """
    every = [p for group in groups for p in sorted(group, key=lambda p: -p.probability)]
    if not every:
        return []
    boxes, channels = np.array([p.box for p in every]), np.array([p.channel for p in every])
    same = (box_iou(boxes, boxes) >= parameters.same_iou) & (channels[:, None] == channels)
    dropped: set[int] = set()
    for i, j in np.argwhere(same).tolist():  # by rising i: whether i is dropped is known by then
        if i < j and i not in dropped:
            dropped.add(j)
    kept = (p for i, p in enumerate(every) if i not in dropped)
    best = sorted(kept, key=lambda p: -p.probability)
    return best[: parameters.max_candidates]
