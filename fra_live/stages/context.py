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

    def __init__(
        self, probabilities: np.ndarray, within: tuple[int, int, int, int] | None = None
    ) -> None:
        """Sum up a map.

        Args:
            probabilities: (|L|, h, w) float32.
            within: x0, y0, x1, y1 in whole px of the map, half open, of the part in which all
                boxes lie once they are clipped at the map's borders; None for all of it.
        """
        self.channels, self.height, self.width = probabilities.shape
        x0, y0, x1, y1 = within or (0, 0, self.width, self.height)
        self._corner = np.array([x0, y0], np.float32)[:, None, None]
        self._limit = np.array([self.width, self.height], np.float32)[:, None, None]
        # In double precision: a difference of sums over 40,000 px has to tell a cell of one px.
        self._sums = np.empty((self.channels, y1 - y0 + 1, x1 - x0 + 1))
        for plane, sums in zip(probabilities[:, y0:y1, x0:x1], self._sums, strict=True):
            cv2.integral(plane, sums, sdepth=cv2.CV_64F)

    def _at(self, places: np.ndarray) -> np.ndarray:
        """Summed map at fractional px of the part; (2, N, n) x and y → (|L|, N, n, n) float64."""
        _, rows, below = self._sums.shape
        last = np.array([below - 2, rows - 2])[:, None, None]
        whole = np.minimum(places.astype(np.intp), last)
        (right, down), (x, y) = places - whole, whole
        first = (y * below)[:, :, None] + x[:, None, :]
        corners = np.stack([first, first + 1, first + below, first + (below + 1)])
        up, left = (1 - down)[:, :, None], (1 - right)[:, None, :]
        down, right = down[:, :, None], right[:, None, :]
        shares = np.stack([up * left, up * right, down * left, down * right])
        values = self._sums.reshape(self.channels, -1).take(corners, axis=1)
        values *= shares
        sums: np.ndarray = values.sum(axis=1)
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
        low, high = boxes[:, :2].T[:, :, None], boxes[:, 2:].T[:, :, None]
        places = np.clip(low + (high - low) * steps, 0, self._limit)
        corners = self._at(places - self._corner)
        strips = corners[..., 1:, :] - corners[..., :-1, :]
        sums = strips[..., 1:] - strips[..., :-1]
        across, down = places[..., 1:] - places[..., :-1]
        area = down[:, :, None] * across[:, None, :]
        inside = area > 1e-6
        sums /= np.where(inside, area, np.inf)
        return np.ascontiguousarray(sums.transpose(1, 2, 3, 0), np.float32)


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
    shape = integral.width, integral.height
    ranges = np.concatenate([_near(boxes, parameters), _far(boxes, parameters, shape)])
    means = integral.grid_means(ranges, parameters.grid)
    length = parameters.grid**2 * integral.channels
    return np.concatenate(list(means.reshape(2, len(boxes), length)), axis=1)


def short_context(
    probabilities: np.ndarray, boxes: np.ndarray, parameters: ContextParameters
) -> np.ndarray:
    """The first half of `context_features`, from no more of the map than it needs.

    Args:
        probabilities: (|L|, h, w) float32, P over the whole frame.
        boxes: (N, 4) float, boxes B(R_i) in px of the map.
        parameters: see `ContextParameters`.

    Returns:
        (N, grid² · |L|) float32.
    """
    length = parameters.grid**2 * len(probabilities)
    if not len(boxes):
        return np.zeros((0, length), np.float32)
    near = _near(boxes, parameters)
    sides = np.array(probabilities.shape[:0:-1], np.float32)
    x0, y0 = np.clip(np.floor(near[:, :2].min(axis=0)), 0, sides - 1).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(near[:, 2:].max(axis=0)), 1, sides).astype(int).tolist()
    integral = IntegralMap(probabilities, (x0, y0, x1, y1))
    return integral.grid_means(near, parameters.grid).reshape(len(boxes), length)


def long_context(
    probabilities: np.ndarray, boxes: np.ndarray, parameters: ContextParameters
) -> np.ndarray:
    """The second half of `context_features`; arguments and shape as `short_context`'s."""
    integral = IntegralMap(probabilities)
    far = _far(boxes, parameters, (integral.width, integral.height))
    length = parameters.grid**2 * integral.channels
    return integral.grid_means(far, parameters.grid).reshape(len(boxes), length)


def _near(boxes: np.ndarray, parameters: ContextParameters) -> np.ndarray:
    """The short range of each box; (N, 4)."""
    return _around(boxes, (boxes[:, 2:] - boxes[:, :2]) * (parameters.short_scale / 2))


def _far(boxes: np.ndarray, parameters: ContextParameters, shape: tuple[int, int]) -> np.ndarray:
    """The long range of each box in a map of (w, h) px; (N, 4)."""
    return _around(boxes, np.array(shape, np.float32) * (parameters.long_share / 2))


def _around(boxes: np.ndarray, halves: np.ndarray) -> np.ndarray:
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.hstack([centres - halves, centres + halves])
