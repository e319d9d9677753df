"""Crops and pasting, exact where nothing has to be interpolated."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.stages.refine import crop_windows, paste_windows
from fra_live.stages.windows import Window
from tests.stages.maps import random_maps


@pytest.fixture
def image() -> np.ndarray:
    """(8, 8, 3) uint8, every px different."""
    return np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


@pytest.mark.parametrize(
    ("window", "rows", "columns"),
    [
        (Window(4, 4, 4), [2, 3, 4, 5], [2, 3, 4, 5]),  # inside
        (Window(1, 4, 4), [2, 3, 4, 5], [1, 0, 1, 2]),  # over the left border: mirrored
        (Window(4, 7, 4), [5, 6, 7, 6], [2, 3, 4, 5]),  # over the bottom
        (Window(7, 1, 4), [1, 0, 1, 2], [5, 6, 7, 6]),  # over a corner
    ],
)
def test_crops_of_the_same_size_are_exact(
    image: np.ndarray, window: Window, rows: list[int], columns: list[int]
) -> None:
    crops = crop_windows(image, [window], 4)
    assert crops.dtype == np.uint8
    assert np.array_equal(crops[0], image[np.ix_(rows, columns)])


def test_crops_are_enlarged(image: np.ndarray) -> None:
    crop = crop_windows(image, [Window(4, 4, 2)], 8)[0]
    assert crop.shape == (8, 8, 3)
    for corner, at in (((0, 0), (3, 3)), ((7, 7), (4, 4)), ((0, 7), (3, 4))):
        assert np.array_equal(crop[corner], image[at])
    # halfway between two px: their mean, by linear interpolation
    assert abs(int(crop[0, 3, 0]) + int(crop[0, 4, 0]) - int(image[3, 3, 0]) - image[3, 4, 0]) <= 1


def test_crops_that_shrink_average_areas() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[::2] = 200  # stripes that plain sampling would keep
    assert np.all(crop_windows(image, [Window(4, 4, 8)], 2) == 100)


def test_a_window_wholly_outside_is_grey(image: np.ndarray) -> None:
    assert np.all(crop_windows(image, [Window(-20, 4, 4)], 4) == 127)


def test_a_frame_of_one_pixel() -> None:
    image = np.full((1, 1, 3), 77, np.uint8)
    assert np.all(crop_windows(image, [Window(0.5, 0.5, 9.0)], 16) == 77)


def test_no_windows_no_crops(image: np.ndarray) -> None:
    assert crop_windows(image, [], 4).shape == (0, 4, 4, 3)


COARSE = random_maps((8, 8), seed=1)
FINE = np.stack([random_maps((4, 4), seed=s) for s in (2, 3, 4)])


def test_a_window_replaces_the_coarse_map_exactly() -> None:
    merged = paste_windows(COARSE, FINE[:1], [Window(4, 4, 4)], (8, 8), (8, 8))
    inside = np.zeros((8, 8), bool)
    inside[2:6, 2:6] = True
    assert np.array_equal(merged[:, 2:6, 2:6], FINE[0])
    assert np.array_equal(merged[:, ~inside], COARSE[:, ~inside])


def test_overlapping_windows_are_averaged() -> None:
    windows = [Window(2, 2, 4), Window(4, 4, 4), Window(3, 3, 4)]
    merged = paste_windows(COARSE, FINE, windows, (8, 8), (8, 8))
    total, count = np.zeros_like(COARSE), np.zeros((8, 8))
    for fine, start in zip(FINE, (0, 2, 1), strict=True):
        total[:, start : start + 4, start : start + 4] += fine
        count[start : start + 4, start : start + 4] += 1
    expected = np.where(count > 0, total / np.maximum(count, 1), COARSE)
    np.testing.assert_allclose(merged, expected, atol=1e-6)
    assert count.max() == 3


@pytest.mark.parametrize(
    ("window", "target", "source"),
    [
        (Window(0, 4, 4), np.s_[:, 2:6, 0:2], np.s_[:, :, 2:4]),  # left
        (Window(8, 8, 4), np.s_[:, 6:8, 6:8], np.s_[:, 0:2, 0:2]),  # corner
    ],
)
def test_only_the_part_inside_is_pasted(
    window: Window, target: tuple[slice, ...], source: tuple[slice, ...]
) -> None:
    merged = paste_windows(COARSE, FINE[:1], [window], (8, 8), (8, 8))
    expected = COARSE.copy()
    expected[target] = FINE[0][source]
    assert np.array_equal(merged, expected)


def test_a_window_wholly_outside_changes_nothing() -> None:
    merged = paste_windows(COARSE, FINE[:1], [Window(-9, 4, 4)], (8, 8), (8, 8))
    assert np.array_equal(merged, COARSE)


def test_frame_and_map_of_different_scale() -> None:
    # the frame is 16 x 24, the map 8 x 8: the window spans 12 x 8 px of it, 4 x 4 of the map
    flat = np.zeros((1, 5, 4, 4), np.float32)
    flat[:, 2] = 1.0
    merged = paste_windows(COARSE, flat, [Window(12, 8, 8)], (16, 24), (8, 8))
    inside = merged[2] == 1.0
    assert np.argwhere(inside).min(axis=0).tolist() == [2, 3]  # y 4..12 → 2..6, x 8..16 → 3..5
    assert np.argwhere(inside).max(axis=0).tolist() == [5, 4]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_sums_to_one(count: int) -> None:
    windows = [Window(30, 20, 22), Window(50, 40, 31), Window(77, 3, 40)][:count]
    fine = np.stack([random_maps((16, 16), seed=s) for s in range(3)])[:count]
    merged = paste_windows(random_maps((9, 12)), fine, windows, (60, 80), (24, 32))
    assert merged.shape == (5, 24, 32)
    assert merged.dtype == np.float32
    np.testing.assert_allclose(merged.sum(axis=0), 1.0, atol=1e-5)
