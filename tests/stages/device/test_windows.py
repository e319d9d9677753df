"""Maxima, thresholds and the choice of windows against the NumPy stages."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fra_live.stages.device.components import propagate  # noqa: E402
from fra_live.stages.device.grid import Grid  # noqa: E402
from fra_live.stages.device.otsu import over_otsu  # noqa: E402
from fra_live.stages.device.peaks import highest_px, top_maxima  # noqa: E402
from fra_live.stages.device.windows import WindowChoice  # noqa: E402
from fra_live.stages.windows import WindowParameters, local_maxima, select_windows  # noqa: E402
from tests.stages.device.scenes import CPU, smooth_maps  # noqa: E402
from tests.stages.maps import LABELS, Rectangles, random_maps, rectangles  # noqa: E402

SHAPE = (24, 32)


def plateaus(seed: int) -> np.ndarray:
    """Soft maps in steps of .1: many px are equally high."""
    return np.asarray(np.round(smooth_maps(SHAPE, seed, 2.0), 1), np.float32)


@pytest.mark.parametrize("radius", [0.5, 1.0, 2.6, 5.0])
@pytest.mark.parametrize(
    "maps", [smooth_maps(SHAPE, 0), random_maps(SHAPE, 1), plateaus(2), plateaus(5)]
)
def test_local_maxima(maps: np.ndarray, radius: float) -> None:
    grid = Grid.of(SHAPE, CPU)
    planes = torch.from_numpy(maps.reshape(len(maps), -1))
    found = propagate(highest_px(planes, radius, grid), grid, 8)
    places, valid = top_maxima(planes, found, radius, 0.1, 4, grid)
    for plane, px, there in zip(maps, places.numpy(), valid.numpy(), strict=True):
        expected = local_maxima(plane, radius, 0.1, 4)
        assert there.tolist() == [True] * len(expected) + [False] * (4 - len(expected))
        chosen = np.column_stack([px % SHAPE[1], px // SHAPE[1]])[there]
        assert np.array_equal(chosen, expected[:, :2])


def test_otsu() -> None:
    maps = [smooth_maps(SHAPE, 4, 1.0), smooth_maps(SHAPE, 5), random_maps(SHAPE, 6)]
    few = rectangles(SHAPE, {"drink": [(2, 3, 9, 9, 0.8)], "phone": [(12, 3, 19, 9, 0.01)]})
    planes = np.concatenate([*maps, few, np.full((1, *SHAPE), 0.25, np.float32)])
    over = over_otsu(torch.from_numpy(planes.reshape(len(planes), -1)), Grid.of(SHAPE, CPU).index)
    for plane, mask in zip(planes, over.numpy().reshape(planes.shape), strict=True):
        if not plane.any():
            assert not mask.any()
            continue
        grey = cv2.convertScaleAbs(plane, alpha=255 / float(plane.max()))
        _, expected = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        assert np.array_equal(mask, expected > 0)


def same_windows(maps: np.ndarray, frame: tuple[int, int], parameters: WindowParameters) -> int:
    """Choose both ways and compare; returns how many windows there are."""
    choose = WindowChoice(LABELS, parameters, frame, (maps.shape[1], maps.shape[2]), CPU)
    windows = choose(torch.from_numpy(maps))
    expected = select_windows(maps, LABELS, frame, parameters)
    assert bool(windows.settled)
    assert len(windows.places) == parameters.max_windows
    count = int(windows.valid.sum())
    assert windows.valid.tolist() == [i < count for i in range(len(windows.valid))]
    places = windows.places.numpy()[:count]
    np.testing.assert_allclose(places, [(w.x, w.y, w.side) for w in expected], rtol=1e-12)
    return count


PARAMETERS = WindowParameters()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "parameters",
    [
        PARAMETERS,
        replace(PARAMETERS, max_faces=0, covered=0.0),  # the paper's own choice
        replace(PARAMETERS, max_faces=7, min_score=0.5, covered=0.3),
        replace(PARAMETERS, max_windows=1),
    ],
)
def test_windows_of_blobs(seed: int, parameters: WindowParameters) -> None:
    frame = [(480, 640), (97, 131), (333, 500)][seed % 3]
    assert same_windows(smooth_maps(SHAPE, seed), frame, parameters) >= 1


@pytest.mark.parametrize(
    ("things", "count"),
    [
        ({}, 1),  # nothing at all: the highest px is looked at
        ({"face": [(4, 4, 12, 14, 0.9)]}, 1),
        ({"face": [(4, 4, 6, 6, 0.9)], "drink": [(20, 3, 23, 6, 0.05)]}, 1),  # all too little
        ({"face": [(4, 4, 12, 14, 0.9), (20, 4, 28, 14, 0.9)]}, 2),  # of equal area
        ({"face": [(4, 4, 12, 14, 0.9)], "drink": [(8, 10, 10, 12, 0.1)]}, 1),  # covered
        ({"face": [(1, 1, 5, 5, 0.9)], "phone": [(28, 18, 31, 23, 0.8)]}, 2),
        ({"drink": [(x, y, x + 2, y + 2, 0.5) for x in (1, 15, 28) for y in (1, 20)]}, 5),
    ],
)
def test_windows_of_rectangles(things: Rectangles, count: int) -> None:
    assert same_windows(rectangles(SHAPE, things), (240, 320), PARAMETERS) == count
