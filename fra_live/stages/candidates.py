"""Step 4, candidates: R = R_pred ∪ R_m from a probability map (section 3.2, eqs. 3 and 4).

Addition, measured: R_m is cut not at Otsu's threshold alone but at several shares of the
channel's maximum besides. A network that is unsure gives a blurred hill, and only one height of it
has the object's size. Held out, a region with IoU ≥ .5 was there for 71 % of the objects instead
of 65 %, and the ranking turned half of that into better first regions. `levels=0` is the paper's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
        distinct_iou: of two candidates whose boxes overlap more than this only the better one is
            among the q that are kept. At .5 the object was, held out, among the three a little
            more often (.50 of the photos instead of .47), but more places mean more chances of
            a false alarm (recall at 5 % of them .57 instead of .60): 1, the paper's, keeps all.
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


def winners(probabilities: np.ndarray) -> np.ndarray:
    """Channel that wins each cell, the lower one where two are equal.

    Args:
        probabilities: (|L|, h, w) float32.

    Returns:
        (h, w) uint16; NumPy's argmax over the first axis, six times as fast.
    """
    best = probabilities[0]
    winner = np.zeros(best.shape, np.uint16)
    for channel in range(1, len(probabilities)):
        plane = probabilities[channel]
        winner[plane > best] = channel
        best = np.maximum(best, plane)
    return winner


def components(binary: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Connected components (8 neighbours) of the part of a binary map that is not empty.

    Args:
        binary: (h, w) uint8 of 0 and 1.

    Returns:
        (h', w') int32 labels of that part; (N + 1, 5) int32 x, y, width, height and area of each
        label in px of the part, label 0 being what is left over; and the part's x and y.
    """
    x, y, w, h = cv2.boundingRect(binary)
    if w == 0:
        return np.zeros((0, 0), np.int32), np.zeros((1, 5), np.int32), 0, 0
    # The labels' order follows 2 x 2 blocks: even offsets keep that of the whole map.
    w, x, h, y = w + x % 2, x - x % 2, h + y % 2, y - y % 2
    part = binary[y : y + h, x : x + w]
    _, regions, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    return regions, stats, x, y


def region_mean(plane: np.ndarray, mask: np.ndarray) -> float:
    """Mean of a float32 map where a bool mask of the same size is true."""
    return cv2.mean(plane, mask.view(np.uint8))[0]


Region = tuple[int, int, np.ndarray]  # x and y in px of the map, mask of the region's box


def _every_region(binary: np.ndarray, least: float) -> Iterator[Region]:
    """Connected components of a map of 0 and 1 with at least so many px."""
    regions, stats, left, top = components(binary)
    for i in range(1, len(stats)):
        x, y, w, h, area = stats[i].tolist()
        if least <= area < binary.size:
            yield x + left, y + top, regions[y : y + h, x : x + w] == i


def _regions_with(peaks: np.ndarray, binary: np.ndarray, least: float) -> Iterator[Region]:
    """Those components that hold a peak; filled from there, since most of the map is not asked."""
    height, width = binary.shape
    filled = np.zeros((height + 2, width + 2), np.uint8)
    for k, (px, py, _) in enumerate(peaks.tolist()):
        x, y, number = int(px), int(py), 1 + k % 255
        if not binary[y, x] or filled[y + 1, x + 1]:
            continue
        flags = 8 | cv2.FLOODFILL_MASK_ONLY | number << 8
        area, _, _, (x, y, w, h) = cv2.floodFill(binary, filled, (x, y), 1, 0, 0, flags)
        if least <= area < binary.size:
            yield x, y, filled[y + 1 : y + 1 + h, x + 1 : x + 1 + w] == number


def _proposal(region: Region, channel: int, plane: np.ndarray, frame: tuple[int, int]) -> Proposal:
    x, y, mask = region
    h, w = mask.shape
    sy, sx = frame[0] / plane.shape[0], frame[1] / plane.shape[1]
    box = (x * sx, y * sy, (x + w) * sx, (y + h) * sy)
    mean = region_mean(plane[y : y + h, x : x + w], mask)
    map_shape = (plane.shape[0], plane.shape[1])
    return Proposal(channel, box, (x, y, x + w, y + h), mask, map_shape, mean)


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
        regions of each object channel over its Otsu threshold that hold one of its maxima, then
        those over each of the levels, the lowest first.
    """
    found: list[Proposal] = []
    winner = winners(probabilities)
    highest_of = probabilities.reshape(len(probabilities), -1).max(axis=1)
    radius = parameters.min_distance * float(np.sqrt(winner.size))
    least = parameters.min_area * winner.size
    for channel in labels.object_channels:
        plane = probabilities[channel]
        highest = float(highest_of[channel])
        if highest < parameters.min_peak:
            continue
        wins = (winner == channel).view(np.uint8)
        regions = list(_every_region(wins, least))
        peaks = local_maxima(plane, radius, parameters.min_peak, parameters.maxima)
        grey = cv2.convertScaleAbs(plane, alpha=255 / highest)
        _, over = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        regions += _regions_with(peaks, over, least)
        for level in range(1, parameters.levels + 1):
            height = highest * level / (parameters.levels + 1)
            regions += _regions_with(peaks, (plane >= height).view(np.uint8), least)
        found += (_proposal(region, channel, plane, frame) for region in regions)
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
    sides = np.maximum(high - low, 0)
    overlap = sides[..., 0] * sides[..., 1]
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
    kept: list[int] = []
    for i in range(len(every)):
        if not same[i, kept].any():
            kept.append(i)
    best = sorted((every[i] for i in kept), key=lambda p: -p.probability)
    return best[: parameters.max_candidates]
