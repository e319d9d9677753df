"""Outlines of candidates, and the body parts of a probability map."""

from __future__ import annotations

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.results import BodyPart
from fra_live.stages.candidates import Proposal
from fra_live.stages.maps import ProbabilityMap, as_map, components, region_mean

_MIN_AREA = 0.0004  # of the map: smaller faces and hands are noise


def _contours(mask: np.ndarray, x0: int, y0: int, sx: float, sy: float) -> tuple[np.ndarray, ...]:
    """Outer contours of a mask in frame px, through a twice enlarged and smoothed mask."""
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    np.multiply(mask, np.uint8(255), out=padded[1:-1, 1:-1])
    big = cv2.resize(padded, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR)
    _, big = cv2.threshold(big, 127, 255, cv2.THRESH_BINARY)
    found, _ = cv2.findContours(big, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    scale = np.array([sx, sy], np.float32)
    origin = np.array([x0 - 1, y0 - 1], np.float32)
    polygons = tuple(
        ((c.reshape(-1, 2) + 0.5) / 3 + origin).astype(np.float32) * scale
        for c in found
        if len(c) > 2
    )
    if polygons:
        return polygons
    height, width = mask.shape  # smoothing leaves nothing of one or two px: their box
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    return ((np.array(corners, np.float32) + np.array([x0, y0], np.float32)) * scale,)


def outline(proposal: Proposal) -> tuple[np.ndarray, ...]:
    """Outer contours of a candidate: (N, 2) float32 polygons of x, y in frame px."""
    x0, y0, x1, y1 = proposal.cells
    sx = (proposal.box[2] - proposal.box[0]) / (x1 - x0)
    sy = (proposal.box[3] - proposal.box[1]) / (y1 - y0)
    return _contours(proposal.mask, x0, y0, sx, sy)


def body_parts(
    probabilities: np.ndarray | ProbabilityMap, labels: LabelSet, frame: tuple[int, int]
) -> list[BodyPart]:
    """Faces, hands …: the connected components where a body part wins, largest first.

    Args:
        probabilities: (|L|, h, w) float32 over the frame, or its map.
        labels: names of the channels.
        frame: (H, W) of the frame in px.
    """
    whole = as_map(probabilities)
    height, width = whole.shape
    sx, sy = frame[1] / width, frame[0] / height
    found: list[tuple[int, BodyPart]] = []
    for name in labels.body_parts:
        channel = labels.index(name)
        regions, stats, left, top = components(whole.winner == channel)
        for i, (x, y, w, h, area) in enumerate(stats[1:].tolist(), 1):
            if area < _MIN_AREA * height * width:
                continue
            mask = regions[y : y + h, x : x + w] == i
            x, y = x + left, y + top
            mean = region_mean(whole.planes[channel, y : y + h, x : x + w], mask)
            box = (x * sx, y * sy, (x + w) * sx, (y + h) * sy)
            found.append((area, BodyPart(name, box, _contours(mask, x, y, sx, sy), mean)))
    found.sort(key=lambda pair: -pair[0])
    return [part for _, part in found]
