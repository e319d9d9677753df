"""Probability maps with regions of all sizes, and tensors of them."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from fra_live.stages.device.windows import Windows
from fra_live.stages.windows import Window
from tests.stages.maps import LABELS

CPU = torch.device("cpu")


def smooth_maps(shape: tuple[int, int], seed: int, sure: float = 4.0) -> np.ndarray:
    """(|L|, h, w) float32 of blobs; sums to 1.

    Args:
        shape: (h, w).
        seed: of the random numbers.
        sure: 1 gives soft blobs, 10 nearly binary ones.
    """
    rng = np.random.default_rng(seed)
    logits = []
    for scale in (9, 5, 4, 4, 3):
        rough = rng.normal(size=(shape[0] // scale + 2, shape[1] // scale + 2))
        logits.append(cv2.resize(rough, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))
    assert len(logits) == len(LABELS.names)
    exp = np.exp(sure * np.stack(logits))
    return np.asarray(exp / exp.sum(axis=0), np.float32)


def tensor_windows(windows: list[Window], slots: int = 5) -> Windows:
    """Windows as the device holds them, the last slots empty."""
    places = np.zeros((slots, 3))
    for place, window in zip(places, windows, strict=False):
        place[:] = window.x, window.y, window.side
    valid = torch.arange(slots) < len(windows)
    return Windows(torch.from_numpy(places), valid, torch.tensor(True))


def random_windows(frame: tuple[int, int], count: int, seed: int) -> list[Window]:
    """Windows with their centre in a frame of (H, W) px, many of them over its borders."""
    rng = np.random.default_rng(seed)
    side = float(np.sqrt(frame[0] * frame[1]))
    return [
        Window(rng.uniform(0, frame[1]), rng.uniform(0, frame[0]), side * rng.uniform(0.15, 1.1))
        for _ in range(count)
    ]
