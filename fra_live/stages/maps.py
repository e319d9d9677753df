"""Probability maps: what several steps read of one, each worked out once; connected components."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np


def winners(probabilities: np.ndarray) -> np.ndarray:
    """Channel that wins each cell, the lower one where two are equal.

    Args:
        probabilities: (|L|, h, w) float32.

    Returns:
        (h, w) uint8, uint16 for more than 255 channels: NumPy's argmax over the first axis, ten
        times as fast.
    """
    best = probabilities[0].copy()
    winner = np.zeros(best.shape, np.uint8 if len(probabilities) < 256 else np.uint16)
    higher, number = np.empty(best.shape, bool), np.empty_like(winner)
    for channel, plane in enumerate(probabilities[1:], 1):
        np.greater(plane, best, out=higher)
        # The largest number of those that were higher than all before them is the winner's.
        np.multiply(higher, winner.dtype.type(channel), out=number)
        np.maximum(winner, number, out=winner)
        np.maximum(best, plane, out=best)
    return winner


class ProbabilityMap:
    """A map over the frame, and what more than one step asks of it.

    Attributes:
        planes: (|L|, h, w) float32 in 0..1.
    """

    def __init__(self, planes: np.ndarray) -> None:
        """Take a map; it must not change from now on."""
        self.planes = planes

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the map in px."""
        return self.planes.shape[1], self.planes.shape[2]

    @cached_property
    def winner(self) -> np.ndarray:
        """(h, w) uint8 or uint16, see `winners`."""
        return winners(self.planes)

    @cached_property
    def maxima(self) -> np.ndarray:
        """(|L|,) float32, the highest probability of every channel."""
        return np.asarray(self.planes.reshape(len(self.planes), -1).max(axis=1))


def as_map(probabilities: np.ndarray | ProbabilityMap) -> ProbabilityMap:
    """The map of an array (|L|, h, w) float32; a map stays what it is."""
    if isinstance(probabilities, ProbabilityMap):
        return probabilities
    return ProbabilityMap(probabilities)


def bounds(binary: np.ndarray) -> tuple[int, int, int, int]:
    """The part of a mask that is not empty, from even rows and columns on.

    Components are numbered by blocks of 2 x 2 px: so those of a part keep the whole map's order.

    Args:
        binary: (h, w) bool, or uint8 of 0 and 1.

    Returns:
        x0, y0, x1, y1 in px, half open; all 0 where the mask is empty.
    """
    x, y, w, h = cv2.boundingRect(binary.view(np.uint8))
    return x - x % 2, y - y % 2, x + w, y + h


def components(binary: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Connected components (8 neighbours) of the part of a binary map that is not empty.

    Args:
        binary: (h, w) bool, or uint8 of 0 and 1.

    Returns:
        (h', w') int32 labels of that part; (N + 1, 5) int32 x, y, width, height and area of each
        label in px of the part, label 0 being what is left over; and the part's x and y.
    """
    x0, y0, x1, y1 = bounds(binary)
    if x1 == 0:
        return np.zeros((0, 0), np.int32), np.zeros((1, 5), np.int32), 0, 0
    part = binary[y0:y1, x0:x1].view(np.uint8)
    _, regions, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    return regions, stats, x0, y0


def region_mean(plane: np.ndarray, mask: np.ndarray) -> float:
    """Mean of a float32 map where a bool mask of the same size is true."""
    return cv2.mean(plane, mask.view(np.uint8))[0]
