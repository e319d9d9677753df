"""Objects to faces and windows to boxes."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.stages.assign import nearest_faces, nearest_faces_of_grid, nearest_windows
from fra_live.stages.windows import Window

SMALL, LARGE = (0, 0, 10, 10), (100, 0, 200, 100)


@pytest.mark.parametrize(
    ("box", "face"),
    [
        ((12, 0, 16, 4), 0),  # beside the small face
        ((120, 90, 140, 110), 1),  # on the large face
        ((88, 40, 92, 44), 1),  # at 10 px of the large one: a tenth of its side
        # 28 px from the small face (2.8 sides), 62 px from the large one (.62 sides)
        ((34, 2, 42, 6), 1),
        ((11, 2, 13, 6), 0),
    ],
)
def test_nearest_face_in_sides_of_the_face(box: tuple[int, ...], face: int) -> None:
    faces = np.array([SMALL, LARGE], np.float32)
    assert nearest_faces(np.array([box], np.float32), faces).tolist() == [face]


def test_inside_both_the_nearer_centre_decides() -> None:
    faces = np.array([(0, 0, 100, 100), (40, 0, 140, 100)], np.float32)
    boxes = np.array([(45, 48, 49, 52), (90, 48, 94, 52)], np.float32)
    assert nearest_faces(boxes, faces).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("boxes", "faces", "rows"),
    [
        (0, 0, 1),  # one row stands for the image without a candidate
        (0, 2, 1),
        (3, 0, 3),
    ],
)
def test_without_objects_or_faces(boxes: int, faces: int, rows: int) -> None:
    result = nearest_faces(np.ones((boxes, 4), np.float32), np.ones((faces, 4), np.float32))
    assert result.tolist() == [0] * rows


def test_a_grid_is_points() -> None:
    faces = np.array([SMALL, LARGE, (30, 60, 50, 90)], np.float32)
    x, y = np.linspace(-20, 220, 25, dtype=np.float32), np.linspace(-20, 120, 15, dtype=np.float32)
    points = np.array([(u, v, u, v) for v in y for u in x], np.float32)
    expected = nearest_faces(points, faces).reshape(15, 25)
    assert set(expected.ravel()) == {0, 1, 2}
    assert np.array_equal(nearest_faces_of_grid(x, y, faces), expected)


def test_nearest_windows() -> None:
    windows = [Window(10, 10, 5), Window(50, 10, 500), Window(10, 50, 5)]
    boxes = np.array([(8, 8, 14, 14), (40, 0, 56, 18), (0, 30, 10, 90)], np.float32)
    assert nearest_windows(boxes, windows).tolist() == [0, 1, 2]
