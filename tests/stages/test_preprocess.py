"""Sizes at which the networks look at a frame."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.stages.preprocess import Pyramid, coarse_shape, resize


@pytest.mark.parametrize(
    ("frame", "size", "expected"),
    [
        ((480, 640), 288, (256, 320)),  # 249 x 333 to multiples of 32
        ((640, 480), 288, (320, 256)),
        ((288, 288), 288, (288, 288)),
        ((1080, 1920), 288, (224, 384)),  # 216 x 384
        ((1, 1), 288, (288, 288)),
        ((1, 4000), 288, (160, 512)),  # squeezed to 1:3 (166 x 499)
        ((4000, 1), 288, (512, 160)),
        ((480, 640), 8, (32, 32)),  # no side vanishes
    ],
)
def test_coarse_shape(frame: tuple[int, int], size: int, expected: tuple[int, int]) -> None:
    assert coarse_shape(frame, size) == expected


def test_other_multiples() -> None:
    assert coarse_shape((480, 640), 192, multiple=8) == (168, 224)  # 166 x 222


@pytest.mark.parametrize("shape", [(32, 64), (64, 32), (7, 3)])
def test_resize_to_height_and_width(shape: tuple[int, int]) -> None:
    image = np.full((50, 40, 3), 90, np.uint8)
    small = resize(image, shape)
    assert small.shape == (*shape, 3)
    assert small.dtype == np.uint8
    assert np.all(small == 90)


def test_shrinking_averages_areas() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, ::2] = 200
    assert np.all(resize(image, (32, 32)) == 100)


def test_no_change_at_the_same_size() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    assert np.array_equal(resize(image, (32, 64)), image)


def test_levels_of_the_pyramid_halve_exactly() -> None:
    image = np.arange(9 * 6 * 3, dtype=np.uint8).reshape(9, 6, 3)
    pyramid = Pyramid(image)
    assert pyramid.level(1.6)[0] is image
    half, smaller = pyramid.level(2.4)
    assert smaller == 2
    assert half.shape == (4, 3, 3)  # the odd row is left out: half a px is half a px
    assert half[1, 1, 0] == (int(image[2:4, 2:4, 0].sum()) + 2) // 4
    assert pyramid.level(2.0)[0] is half
    assert pyramid.level(3.5)[1] == 4
    assert pyramid.level(1000.0)[1] == 4  # no side vanishes


def test_large_frames_do_not_alias() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 200
    for side in (64, 80, 100, 250):
        assert np.ptp(resize(stripes, (side, side)).astype(int)) <= 2
