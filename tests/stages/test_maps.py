"""What several steps read of a probability map, against the plain ways to work it out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fra_live.stages.maps import ProbabilityMap, as_map, bounds, components, region_mean, winners
from tests.stages.maps import random_maps


def test_winners_and_components_equal_those_of_the_whole_map() -> None:
    maps = random_maps((23, 31), seed=3)
    maps[2, 5], maps[3, 5] = maps[3, 5], maps[3, 5].copy()  # ties: the lower channel wins
    winner = winners(maps)
    assert np.array_equal(winner, maps.argmax(axis=0))
    for channel in range(len(maps)):
        binary = (winner == channel).astype(np.uint8)
        binary[:4], binary[:, :3] = 0, 0  # an odd offset of the part that is not empty
        regions, stats, x, y = components(binary)
        count, whole, expected, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
        assert np.array_equal(whole[y : y + regions.shape[0], x : x + regions.shape[1]], regions)
        assert len(stats) == count
        assert np.array_equal(stats[1:] + np.array([x, y, 0, 0, 0]), expected[1:])


def test_components_of_an_empty_map() -> None:
    regions, stats, _, _ = components(np.zeros((6, 7), np.uint8))
    assert regions.size == 0
    assert len(stats) == 1


def test_more_channels_than_a_byte_counts() -> None:
    maps = np.zeros((300, 2, 2), np.float32)
    maps[299, 0, 0] = maps[255, 1, 1] = maps[256, 0, 1] = 1
    assert winners(maps).tolist() == [[299, 256], [0, 255]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([(3, 5)], (4, 2, 6, 4)),  # row and column of a px; the part begins at even ones
        ([(2, 4)], (4, 2, 5, 3)),
        ([(0, 0), (7, 9)], (0, 0, 10, 8)),
        ([], (0, 0, 0, 0)),
    ],
)
def test_bounds(cells: list[tuple[int, int]], expected: tuple[int, ...]) -> None:
    mask = np.zeros((8, 10), bool)
    for row, column in cells:
        mask[row, column] = True
    assert bounds(mask) == expected


def test_a_map_is_asked_once() -> None:
    planes = random_maps((9, 12), seed=1)
    whole = as_map(planes)
    assert as_map(whole) is whole
    assert whole.shape == (9, 12)
    assert whole.winner is whole.winner
    assert np.array_equal(whole.winner, planes.argmax(axis=0))
    assert whole.maxima.tolist() == planes.max(axis=(1, 2)).tolist()
    assert isinstance(whole, ProbabilityMap)


def test_region_mean() -> None:
    plane = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    assert region_mean(plane, plane > 3) == pytest.approx(5)
