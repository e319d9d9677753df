"""Step 2, windows: where Net_fine looks (section 3.1, "m top local maxima … p pixels apart").

Departure, measured: windows are first laid round the faces that Net_coarse finds, scaled by the
face (the regions Net_fine is trained on, section 3.4), then round the strongest object maxima
that no window shows yet. With `max_faces=0`, `covered=0` the choice is the paper's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.maps import region_mean

_FEW = 32  # px of a mask that are looked at sooner one by one than with all others
_Px = tuple[int, int]  # row and column


@dataclass(frozen=True)
class WindowParameters:
    """Parameters of the choice of windows; lengths are shares of sqrt(H·W) of the frame.

    Attributes:
        max_windows: m of section 3.1.
        min_distance: p of section 3.1 (20 px at about 400 px images).
        max_faces: how many windows may be laid round faces.
        face_scale: side of a window in sides of its face's box (section 3.4 has 2).
        default_side: side of a window where no face is found.
        min_side, max_side: limits of the side.
        min_score: object maxima below this probability get no window.
        covered: a maximum in the middle of a chosen window, up to this share of its side,
            gets none of its own.
    """

    max_windows: int = 5
    min_distance: float = 0.05
    max_faces: int = 2
    face_scale: float = 2.5
    default_side: float = 0.5
    min_side: float = 0.15
    max_side: float = 1.1
    min_score: float = 0.1
    covered: float = 0.8


@dataclass(frozen=True)
class Window:
    """A square of the frame, possibly reaching over its borders.

    Attributes:
        x, y: centre in frame px.
        side: in frame px.
    """

    x: float
    y: float
    side: float

    @property
    def box_xyxy(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in frame px."""
        half = self.side / 2
        return self.x - half, self.y - half, self.x + half, self.y + half


def local_maxima(
    channel: np.ndarray, radius: float, min_score: float, most: int | None = None
) -> np.ndarray:
    """Local maxima of a map, strongest first, at least `radius` apart.

    Args:
        channel: (h, w) float32.
        radius: least distance of two maxima in px of the map.
        min_score: weaker maxima are left out.
        most: the strongest so many are enough; None for all.

    Returns:
        (N, 3) float32 of x, y (px of the map, integers) and value.
    """
    reach = max(1, int(radius))
    # Only the part of the map that reaches min_score can hold or hide a maximum.
    high = channel >= min_score
    x0, y0, w, h = cv2.boundingRect(high.view(np.uint8))
    part = channel[y0 : y0 + h, x0 : x0 + w]
    if part.size == 0 or most == 0:
        return np.zeros((0, 3), np.float32)
    highest = part >= cv2.dilate(part, _square(2 * reach + 1))
    highest &= high[y0 : y0 + h, x0 : x0 + w]
    found = [(px, part.item(px)) for px in _single_px(highest)]
    found.sort(key=lambda pair: -pair[1])
    chosen: list[tuple[int, int, float]] = []
    for (y, x), value in found:
        if all((x + x0 - i) ** 2 + (y + y0 - j) ** 2 >= radius**2 for i, j, _ in chosen):
            chosen.append((x + x0, y + y0, value))
            if len(chosen) == most:
                break
    return np.array(chosen, np.float32)


@cache
def _square(side: int) -> np.ndarray:
    return np.ones((side, side), np.uint8)


def _single_px(highest: np.ndarray) -> list[_Px]:
    """Rows and columns of a mask's px; of px side by side only the middle one.

    Networks in bfloat16 say 1.0 all over an object they are sure of: that is one maximum.
    """
    width, places = highest.shape[1], np.flatnonzero(highest)  # ten times np.nonzero's speed
    if len(places) > _FEW:
        touching = (highest[1:] & highest[:-1]).any() or (highest[:, 1:] & highest[:, :-1]).any()
        rows, columns = np.divmod(places, width)
        if touching:
            rows, columns = _middle_px(highest, rows, columns)
        return list(zip(rows.tolist(), columns.tolist(), strict=True))
    px = dict.fromkeys(divmod(place, width) for place in places.tolist())
    if any((y + 1, x) in px or (y, x + 1) in px for y, x in px):
        return _middle_of_few(px)
    return list(px)


def _middle_px(mask: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a mask's px nearest to the centres of its connected components."""
    _, regions, _, centres = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    region = regions[ys, xs]
    distance = ((np.column_stack([xs, ys]) - centres[region]) ** 2).sum(axis=1)
    order = np.lexsort((distance, region))
    _, first = np.unique(region[order], return_index=True)
    return ys[order[first]], xs[order[first]]


def _middle_of_few(px: dict[_Px, None]) -> list[_Px]:
    """What `_middle_px` gives, in its order, for px (row, column) that are looked at one by one.

    A map has thousands of px round the three or four that are asked about.
    """
    left, middles = dict(px), []
    while left:
        group = [left.popitem()[0]]
        for y, x in group:  # grows meanwhile
            around = [(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
            group += [near for near in around if left.pop(near, 0) is None]
        cy, cx = (sum(places) / len(group) for places in zip(*group, strict=True))
        middle = min((((x - cx) ** 2 + (y - cy) ** 2), y, x) for y, x in group)
        # Components are numbered in the order of the blocks of 2 x 2 px in which they begin.
        middles.append((min((y // 2, x // 2) for y, x in group), middle[1:]))
    return [middle for _, middle in sorted(middles)]


def face_boxes(
    probabilities: np.ndarray, labels: LabelSet, frame: tuple[int, int], max_faces: int
) -> np.ndarray:
    """Faces as connected components of the face channel, largest first.

    Args:
        probabilities: (|L|, h, w) float32 in 0..1, spanning the frame.
        frame: (H, W) of the frame in px.
        max_faces: at most this many.

    Returns:
        (N, 5) float32: x0, y0, x1, y1 in frame px and the mean probability inside.
    """
    if max_faces < 1 or "face" not in labels.names:
        return np.zeros((0, 5), np.float32)
    channel = probabilities[labels.index("face")]
    binary = (channel > 0.5).astype(np.uint8)
    count, regions, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=4)
    sx, sy = frame[1] / channel.shape[1], frame[0] / channel.shape[0]
    boxes = []
    for i in range(1, count):
        x, y, w, h, area = stats[i]
        if area < 6:
            continue
        inside = regions[y : y + h, x : x + w] == i
        score = region_mean(channel[y : y + h, x : x + w], inside)
        boxes.append((x * sx, y * sy, (x + w) * sx, (y + h) * sy, score, area))
    boxes.sort(key=lambda b: -b[5])
    return np.array([b[:5] for b in boxes[:max_faces]], np.float32).reshape(-1, 5)


def select_windows(
    probabilities: np.ndarray,
    labels: LabelSet,
    frame: tuple[int, int],
    parameters: WindowParameters,
) -> list[Window]:
    """Choose the windows for Net_fine.

    Args:
        probabilities: (|L|, h, w) float32, P_coarse over the whole frame.
        labels: names of the channels.
        frame: (H, W) of the frame in px.
        parameters: see `WindowParameters`.

    Returns:
        One to `max_windows` windows, faces' first, then maxima by falling strength.
    """
    size = float(np.sqrt(frame[0] * frame[1]))
    smallest, largest = parameters.min_side * size, parameters.max_side * size
    faces = face_boxes(probabilities, labels, frame, parameters.max_faces)
    windows: list[Window] = []
    for x0, y0, x1, y1, _ in faces[: parameters.max_windows]:
        side = parameters.face_scale * max(x1 - x0, y1 - y0)
        side = float(min(max(side, np.float32(smallest)), np.float32(largest)))
        windows.append(Window(float(x0 + x1) / 2, float(y0 + y1) / 2, side))
    side = windows[0].side if windows else parameters.default_side * size

    height, width = probabilities.shape[1:]
    strongest = probabilities[list(labels.object_channels)].max(axis=0)
    radius = parameters.min_distance * float(np.sqrt(height * width))
    sx, sy = frame[1] / width, frame[0] / height
    maxima = local_maxima(strongest, radius, parameters.min_score)
    if not windows and not len(maxima):
        maxima = local_maxima(strongest, radius, 0.0)[:1]
    for x, y, _ in maxima:
        if len(windows) >= parameters.max_windows:
            break
        fx, fy = (float(x) + 0.5) * sx, (float(y) + 0.5) * sy
        half = [parameters.covered * w.side / 2 for w in windows]
        if any(
            abs(fx - w.x) < reach and abs(fy - w.y) < reach
            for w, reach in zip(windows, half, strict=True)
        ):
            continue
        windows.append(Window(fx, fy, side))
    return windows
