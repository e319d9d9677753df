"""Windows: maxima by hand, faces first, and how many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fra_live.labels import LabelSet
from fra_live.stages.windows import (
    Window,
    WindowParameters,
    _middle_of_few,
    _middle_px,
    face_boxes,
    local_maxima,
    select_windows,
)
from tests.stages.maps import LABELS, peaks, rectangles

PAPER = WindowParameters(max_faces=0, covered=0.0, min_score=0.0)
FRAME = (100, 100)  # the maps are 50 x 50: 2 px of the frame a px of the map


@pytest.mark.parametrize(
    ("points", "radius", "min_score", "expected"),
    [
        ([(3, 4, 0.5)], 2.0, 0.1, [(3, 4)]),  # one peak
        ([(3, 4, 0.5), (9, 4, 0.8)], 2.0, 0.1, [(9, 4), (3, 4)]),  # strongest first
        ([(3, 4, 0.5), (5, 4, 0.8)], 2.5, 0.1, [(5, 4)]),  # too near: the weaker goes
        ([(3, 4, 0.5), (6, 4, 0.8)], 2.5, 0.1, [(6, 4), (3, 4)]),  # just far enough
        ([(3, 4, 0.5), (9, 4, 0.05)], 2.0, 0.1, [(3, 4)]),  # below the least score
        ([(0, 0, 0.5), (11, 9, 0.4)], 2.0, 0.1, [(0, 0), (11, 9)]),  # in the corners
        ([], 2.0, 0.1, []),  # nothing at all
    ],
)
def test_local_maxima(
    points: list[tuple[int, int, float]],
    radius: float,
    min_score: float,
    expected: list[tuple[int, int]],
) -> None:
    channel = np.zeros((10, 12), np.float32)
    for x, y, value in points:
        channel[y, x] = value
    found = local_maxima(channel, radius, min_score)
    assert found.shape == (len(expected), 3)
    assert [(int(x), int(y)) for x, y, _ in found] == expected
    for x, y, value in found:
        assert value == channel[int(y), int(x)]


def test_a_plateau_is_one_maximum_in_its_middle() -> None:
    channel = np.zeros((20, 30), np.float32)  # what a sure network in bfloat16 gives
    channel[3:8, 4:19] = 1.0
    channel[15, 20] = 0.4
    assert local_maxima(channel, 2.0, 0.1).tolist() == [[11, 5, 1.0], [20, 15, pytest.approx(0.4)]]


def test_maxima_of_noise_are_far_enough_apart() -> None:
    channel = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    found = local_maxima(channel, 6.0, 0.1)
    assert len(found) > 10
    distance = np.linalg.norm(found[:, None, :2] - found[None, :, :2], axis=2)
    assert distance[~np.eye(len(found), dtype=bool)].min() >= 6.0
    assert np.all(np.diff(found[:, 2]) <= 0)
    assert found[0, 2] == channel.max()


def test_top_m_in_falling_order() -> None:
    points = [(5 + 8 * i, 5 + 8 * j, 0.2 + 0.1 * i + 0.03 * j) for i in range(5) for j in range(2)]
    maps = peaks((50, 50), points)
    windows = select_windows(maps, LABELS, FRAME, replace(PAPER, max_windows=5))
    best = sorted(points, key=lambda p: -p[2])[:5]
    # the centre of map px (x, y) lies at ((x + .5) * 2, (y + .5) * 2) of the frame
    assert [(w.x, w.y) for w in windows] == [(2 * x + 1.0, 2 * y + 1.0) for x, y, _ in best]
    assert {w.side for w in windows} == {50.0}  # default_side .5 of sqrt(100 * 100)


@pytest.mark.parametrize(
    ("gap", "count"),
    [
        (4, 1),  # 4 px of the map are nearer than p = .1 of 50 px
        (6, 2),
    ],
)
def test_p_apart(gap: int, count: int) -> None:
    maps = peaks((50, 50), [(10, 10, 0.9), (10 + gap, 10, 0.8)])
    parameters = replace(PAPER, min_distance=0.1, min_score=0.1)
    assert len(select_windows(maps, LABELS, FRAME, parameters)) == count


def test_the_strongest_object_counts_whatever_its_label() -> None:
    maps = rectangles((50, 50), {"drink": [(5, 5, 6, 6, 0.3)], "phone": [(40, 40, 41, 41, 0.6)]})
    windows = select_windows(maps, LABELS, FRAME, replace(PAPER, min_score=0.1))
    assert [(w.x, w.y) for w in windows] == [(81.0, 81.0), (11.0, 11.0)]


def test_body_parts_are_no_object_maxima() -> None:
    maps = rectangles((50, 50), {"hand": [(5, 5, 9, 9, 0.9)], "drink": [(40, 40, 41, 41, 0.2)]})
    windows = select_windows(maps, LABELS, FRAME, replace(PAPER, min_score=0.1))
    assert [(w.x, w.y) for w in windows] == [(81.0, 81.0)]


def test_faces_come_first_scaled_by_the_face() -> None:
    maps = rectangles((50, 50), {"face": [(20, 10, 28, 20, 0.9)], "drink": [(45, 45, 46, 46, 0.9)]})
    windows = select_windows(maps, LABELS, FRAME, WindowParameters(face_scale=2.5))
    # the face is 16 x 20 px of the frame round (48, 30)
    assert windows[0] == Window(48.0, 30.0, 50.0)
    assert (windows[1].x, windows[1].y) == (91.0, 91.0)
    assert windows[1].side == 50.0  # an object's window has the size of the face's


@pytest.mark.parametrize(
    ("face", "side"),
    [
        ((20, 20, 23, 23), 15.0),  # 6 px * 2.5 = 15: min_side .15
        ((20, 20, 22, 25), 25.0),  # the longer side counts
        ((1, 1, 49, 49), 110.0),  # 96 px * 2.5: max_side 1.1
    ],
)
def test_limits_of_the_side(face: tuple[int, int, int, int], side: float) -> None:
    maps = rectangles((50, 50), {"face": [(*face, 0.9)]})
    windows = select_windows(maps, LABELS, FRAME, WindowParameters())
    assert windows[0].side == pytest.approx(side)


@pytest.mark.parametrize(
    ("x", "windows"),
    [
        (24, 1),  # in the middle of the face's window
        (33, 1),  # 67 of the frame: 19 from the centre, within .8 * 25
        (34, 2),  # 69: 21 from the centre
    ],
)
def test_a_covered_maximum_gets_no_window(x: int, windows: int) -> None:
    things = {"face": [(20, 20, 28, 30, 0.9)], "drink": [(x, 24, x + 1, 25, 0.09)]}
    maps = rectangles((50, 50), things)
    maps[3, 24, x], maps[1, 24, x], maps[0, 24, x] = 0.9, 0.1, 0.0
    chosen = select_windows(maps, LABELS, FRAME, WindowParameters(covered=0.8))
    assert chosen[0].side == 50.0
    assert len(chosen) == windows


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, []),
        (1, [(16, 16)]),  # the largest
        (2, [(16, 16), (36, 36)]),
        (5, [(16, 16), (36, 36), (5, 43)]),
    ],
)
def test_largest_faces_first(most: int, expected: list[tuple[int, int]]) -> None:
    faces = [(34, 34, 38, 38, 0.8), (11, 11, 21, 21, 0.9), (4, 42, 6, 45, 0.7), (48, 1, 50, 3, 0.9)]
    maps = rectangles((50, 50), {"face": list(faces)})  # the last has only 4 px: noise
    boxes = face_boxes(maps, LABELS, (50, 50), most)
    centres = [((x0 + x1) // 2, (y0 + y1) // 2) for x0, y0, x1, y1, _ in boxes]
    assert centres == expected
    if most == 5:
        assert boxes[:, 4] == pytest.approx([0.9, 0.8, 0.7])  # mean probability inside


def test_m_limits_faces_too() -> None:
    faces = [(2, 2, 10, 10, 0.9), (30, 30, 36, 36, 0.9)]
    maps = rectangles((50, 50), {"face": list(faces), "drink": [(45, 5, 46, 6, 0.9)]})
    assert len(select_windows(maps, LABELS, FRAME, WindowParameters(max_windows=1))) == 1


def test_a_label_set_without_faces() -> None:
    labels = LabelSet(("background", "cup"), (), {"drinking": "cup"})
    maps = np.zeros((2, 20, 20), np.float32)
    maps[1, 4, 6] = 0.8
    assert select_windows(maps, labels, (20, 20), WindowParameters()) == [Window(6.5, 4.5, 10.0)]


@pytest.mark.parametrize("value", [0.0, 0.01, 1.0])
def test_there_is_always_a_window(value: float) -> None:
    maps = np.zeros((5, 50, 50), np.float32)
    maps[3] = value
    windows = select_windows(maps, LABELS, FRAME, WindowParameters())
    assert 1 <= len(windows) <= 5
    if value < 0.1:  # below min_score one is enough
        assert len(windows) == 1


def test_weak_maxima_get_none_beside_a_face() -> None:
    things = {"face": [(2, 2, 10, 10, 0.9)], "drink": [(45, 45, 46, 46, 0.09)]}
    maps = rectangles((50, 50), things)
    assert len(select_windows(maps, LABELS, FRAME, WindowParameters(min_score=0.1))) == 1


def test_box_of_a_window() -> None:
    assert Window(10.0, 20.0, 8.0).box_xyxy == (6.0, 16.0, 14.0, 24.0)


@pytest.mark.parametrize("seed", range(40))
def test_few_px_and_many_are_thinned_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 14, 2)) < rng.uniform(0.02, 0.35)
    ys, xs = (places.tolist() for places in np.nonzero(mask))
    few = _middle_of_few(dict.fromkeys(zip(ys, xs, strict=True)))
    many = _middle_px(mask, *np.nonzero(mask))
    assert few == list(zip(*(places.tolist() for places in many), strict=True))


def test_many_equal_px_that_do_not_touch_are_all_maxima() -> None:
    channel = np.zeros((60, 60), np.float32)
    channel[::8, ::8] = 0.7
    found = local_maxima(channel, 3.0, 0.1)
    assert len(found) == 64
    assert found[:3].tolist() == [[0, 0, pytest.approx(0.7)], [8, 0, pytest.approx(0.7)],
                                  [16, 0, pytest.approx(0.7)]]  # fmt: skip
    channel[30:40, 30:40] = 0.8  # a plateau of more px than are looked at one by one
    assert local_maxima(channel, 3.0, 0.1, 1).tolist() == [[34, 34, pytest.approx(0.8)]]
