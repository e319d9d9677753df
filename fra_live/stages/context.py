"""Step 5, context features of candidate regions (section 3.2, eq. 5)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class ContextParameters:
    """Parameters of the context features.

    Attributes:
        grid: cells a side (5).
        short_scale: the short range is the region's box scaled by this (3).
        long_share: the long range is this share of the image's sides (1/3).
    """

    grid: int = 5
    short_scale: float = 3.0
    long_share: float = 1 / 3


class IntegralMap:
    """Sums of a map over any boxes, whatever their number: each costs four look-ups.

    Between whole pixels the summed map is linear in x and y, so that boxes with fractional
    borders get exact sums of the piecewise constant map.
    """

    def __init__(self, probabilities: np.ndarray) -> None:
        self.channels, self.height, self.width = probabilities.shape
        # In double precision: a difference of sums over 40,000 px has to tell a cell of one px.
        self._planes = [cv2.integral(p, sdepth=cv2.CV_64F) for p in probabilities]

    def _at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Summed map at fractional positions; x (N, 1, n), y (N, m, 1) → (|L|, N, m, n)."""
        x0 = np.minimum(x.astype(np.intp), self.width - 1)
        y0 = np.minimum(y.astype(np.intp), self.height - 1)
        fx, fy = x - x0, y - y0
        below = self.width + 1
        first = y0 * below + x0
        corners = np.stack([first, first + 1, first + below, first + below + 1])
        top, left = 1 - fy, 1 - fx
        shares = np.stack([top * left, top * fx, fy * left, fy * fx])
        values = np.stack([plane.take(corners) for plane in self._planes])
        sums: np.ndarray = np.einsum("ckbmn,kbmn->cbmn", values, shares)
        return sums

    def grid_means(self, boxes: np.ndarray, grid: int) -> np.ndarray:
        """Mean of every channel in each cell of a grid over each box, clipped at the borders.

        Args:
            boxes: (N, 4) float, x0, y0, x1, y1 in px of the map.
            grid: cells a side.

        Returns:
            (N, grid, grid, |L|) float32: rows, columns, channels; cells wholly outside are 0.
        """
        steps = np.linspace(0.0, 1.0, grid + 1, dtype=np.float32)
        x = boxes[:, 0, None] + (boxes[:, 2] - boxes[:, 0])[:, None] * steps
        y = boxes[:, 1, None] + (boxes[:, 3] - boxes[:, 1])[:, None] * steps
        x, y = np.clip(x, 0, self.width), np.clip(y, 0, self.height)
        corners = self._at(x[:, None, :], y[:, :, None])
        strips = corners[..., 1:, :] - corners[..., :-1, :]
        sums = strips[..., 1:] - strips[..., :-1]
        area = (y[:, 1:] - y[:, :-1])[:, :, None] * (x[:, 1:] - x[:, :-1])[:, None, :]
        inside = area > 1e-6
        means = np.where(inside, sums / np.where(inside, area, 1.0), 0.0)
        return np.ascontiguousarray(means.transpose(1, 2, 3, 0), np.float32)


def context_features(
    integral: IntegralMap, boxes: np.ndarray, parameters: ContextParameters
) -> np.ndarray:
    """Short- and long-range context of each region.

    Args:
        integral: of P, over the whole frame.
        boxes: (N, 4) float, boxes B(R_i) in px of the map.
        parameters: see `ContextParameters`.

    Returns:
        (N, 2 · grid² · |L|) float32: the short range, then the long range; within each, rows,
        columns, channels.
    """
    length = parameters.grid**2 * integral.channels
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    short = (boxes[:, 2:] - boxes[:, :2]) * (parameters.short_scale / 2)
    sides = np.array([integral.width, integral.height], np.float32)
    far = np.broadcast_to(sides * (parameters.long_share / 2), centre.shape)
    halves, centres = np.concatenate([short, far]), np.concatenate([centre, centre])
    both = np.hstack([centres - halves, centres + halves])
    means = integral.grid_means(both, parameters.grid).reshape(2, len(boxes), length)
    return np.concatenate(list(means), axis=1)
