"""Context features: ramps and single px, whose means are known in every cell."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.stages.context import (
    ContextParameters,
    IntegralMap,
    context_features,
    long_context,
    short_context,
)
from tests.stages.maps import random_maps

PARAMETERS = ContextParameters()


def ramps(height: int, width: int) -> np.ndarray:
    """(2, h, w): the column and the row of every px; a cell's mean is its centre less a half."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([columns, rows])


def grids(maps: np.ndarray, *boxes: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(N, 5, 5, |L|) of the short and of the long range."""
    features = context_features(IntegralMap(maps), np.array(boxes, np.float32), PARAMETERS)
    assert features.dtype == np.float32
    assert features.shape == (len(boxes), 2 * 25 * len(maps))
    both = features.reshape(len(boxes), 2, 5, 5, len(maps))
    return both[:, 0], both[:, 1]


def test_five_by_five_by_hand() -> None:
    # 5 px a side, scaled by 3: the short range spans 5..20 in cells of 3 px.
    # a third of 45 x 30 round (12.5, 12.5): 5..20 across, 7.5..17.5 down, cells of 3 x 2.
    short, far = grids(ramps(30, 45), (10, 10, 15, 15))
    centres = np.array([6.5, 9.5, 12.5, 15.5, 18.5]) - 0.5
    np.testing.assert_allclose(short[0, :, :, 0], np.tile(centres, (5, 1)), rtol=1e-5)
    np.testing.assert_allclose(short[0, :, :, 1], np.tile(centres[:, None], (1, 5)), rtol=1e-5)
    down = np.array([8.5, 10.5, 12.5, 14.5, 16.5]) - 0.5
    np.testing.assert_allclose(far[0, :, :, 0], np.tile(centres, (5, 1)), rtol=1e-5)
    np.testing.assert_allclose(far[0, :, :, 1], np.tile(down[:, None], (1, 5)), rtol=1e-5)


def test_a_single_pixel_lies_in_one_cell() -> None:
    maps = np.zeros((3, 30, 45), np.float32)
    maps[2, 18, 6] = 1.0  # row 4 (17..20), column 0 (5..8) of the short range
    short, _ = grids(maps, (10, 10, 15, 15))
    expected = np.zeros((5, 5, 3))
    expected[4, 0, 2] = 1 / 9
    np.testing.assert_allclose(short[0], expected, atol=1e-6)


def test_fractional_cells_share_a_pixel() -> None:
    maps = np.zeros((1, 12, 12), np.float32)
    maps[0, 5, 5] = 1.0
    # 4..8 less a half: the cells of (3.5, 3.5, 8.5, 8.5) are 1 px, cut at halves
    means = IntegralMap(maps).grid_means(np.array([[3.5, 3.5, 8.5, 8.5]], np.float32), 5)
    expected = np.zeros((5, 5))
    expected[1:3, 1:3] = 0.25
    np.testing.assert_allclose(means[0, :, :, 0], expected, atol=1e-6)


def test_clipped_at_the_borders() -> None:
    # 3 px in the corner, scaled by 3: -3..6, cells of 1.8 px: the first lies wholly outside,
    # the second has only .6 px inside
    short, _ = grids(ramps(30, 30) + 1, (0, 0, 3, 3))
    assert np.all(short[0, 0] == 0)
    assert np.all(short[0, :, 0] == 0)
    assert short[0, 1, 1] == pytest.approx([1.0, 1.0], rel=1e-5)  # px 0 alone
    # the next is 0.6..2.4: (.4 * 1 + 1 * 2 + .4 * 3) / 1.8
    assert short[0, 2, 2] == pytest.approx([2.0, 2.0], rel=1e-5)


def test_a_constant_map_has_constant_means() -> None:
    short, far = grids(np.full((2, 20, 30), 0.3, np.float32), (12, 8, 17, 12), (0, 0, 30, 20))
    for grid in (short[0], far[0], far[1]):
        np.testing.assert_allclose(grid, 0.3, rtol=1e-4)


def test_no_boxes() -> None:
    boxes = np.zeros((0, 4), np.float32)
    features = context_features(IntegralMap(np.ones((3, 8, 8), np.float32)), boxes, PARAMETERS)
    assert features.shape == (0, 150)


def test_a_box_on_the_far_border() -> None:
    short, _ = grids(ramps(10, 12), (11, 9, 12, 10))
    assert np.isfinite(short).all()
    assert short[0, 2, 2, 0] == pytest.approx(11.0)
    assert np.all(short[0, 4] == 0)


def test_thin_regions_of_a_large_map_are_precise() -> None:
    # a cigarette of 3 x 2 px on the real map size: sums of 40,000 px may not blur its cells
    maps = random_maps((192, 192), seed=5)
    short, _ = grids(maps, (180.0, 185.0, 183.0, 187.0))
    exact = IntegralMap(maps[:, 180:, 174:]).grid_means(
        np.array([[180 - 174 - 3, 185 - 180 - 2, 180 - 174 + 6, 185 - 180 + 4]], np.float32), 5
    )
    np.testing.assert_allclose(short, exact, atol=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_each_range_by_itself_is_half_of_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    maps = random_maps((31, 44), seed)
    low = rng.uniform((0, 0), (43, 30), (6, 2))
    high = np.minimum(low + rng.uniform(0.5, 9, (6, 2)), (44, 31))
    boxes = np.hstack([low, high]).astype(np.float32)[: 6 - seed]  # the last of one box alone
    both = context_features(IntegralMap(maps), boxes, PARAMETERS)
    halves = [f(maps, boxes, PARAMETERS) for f in (short_context, long_context)]
    np.testing.assert_allclose(np.concatenate(halves, axis=1), both, atol=1e-6)


def test_no_range_of_no_boxes() -> None:
    maps, boxes = random_maps((8, 8)), np.zeros((0, 4), np.float32)
    assert short_context(maps, boxes, PARAMETERS).shape == (0, 25 * len(maps))
    assert long_context(maps, boxes, PARAMETERS).shape == (0, 25 * len(maps))
