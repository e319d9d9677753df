"""Small probability maps whose every value is known."""

from __future__ import annotations

import numpy as np

from fra_live.labels import LabelSet

LABELS = LabelSet(
    ("background", "face", "hand", "drink", "phone"),
    ("face", "hand"),
    {"drinking": "drink", "phoning": "phone"},
)

# label → (x0, y0, x1, y1, probability) of rectangles in px of the map
Rectangles = dict[str, list[tuple[int, int, int, int, float]]]


def rectangles(shape: tuple[int, int], things: Rectangles) -> np.ndarray:
    """(|L|, h, w) float32: rectangles of given probability, background elsewhere; sums to 1."""
    maps = np.zeros((len(LABELS.names), *shape), np.float32)
    for name, boxes in things.items():
        for x0, y0, x1, y1, value in boxes:
            maps[LABELS.index(name), y0:y1, x0:x1] = value
    maps[0] = 1 - maps[1:].sum(axis=0)
    return maps


def peaks(
    shape: tuple[int, int], points: list[tuple[int, int, float]], name: str = "drink"
) -> np.ndarray:
    """(|L|, h, w) float32: single px of one label."""
    return rectangles(shape, {name: [(x, y, x + 1, y + 1, v) for x, y, v in points]})


def random_maps(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """(|L|, h, w) float32 of random probabilities; sums to 1."""
    exp = np.exp(2 * np.random.default_rng(seed).normal(size=(len(LABELS.names), *shape)))
    return np.asarray(exp / exp.sum(axis=0), np.float32)
