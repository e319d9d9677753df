"""Objects and windows assigned to the nearest face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fra_live.stages.windows import Window


def nearest_faces(boxes: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The face that each object belongs to: the nearest, in sides of that face.

    Args:
        boxes: (N, 4) objects, x0, y0, x1, y1 in frame px.
        faces: (M, 4) faces.

    Returns:
        (max(N, 1),) int indices into `faces`; 0 where there are no faces or no objects.
    """
    if len(faces) < 2 or len(boxes) == 0:
        return np.zeros(max(1, len(boxes)), np.intp)
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
    return np.asarray(_distances(x[None], y[None], faces[:, :, None]).argmin(axis=0))


def nearest_faces_of_grid(x: np.ndarray, y: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The face that each crossing of a grid belongs to, as `nearest_faces` of points.

    Args:
        x: (w,) float32, px of the columns.
        y: (h,) float32, px of the rows.
        faces: (M, 4) faces, one or more.

    Returns:
        (h, w) int indices into `faces`.
    """
    distances = _distances(x[None, None], y[None, :, None], faces[:, :, None, None])
    return np.asarray(distances.argmin(axis=0))


def _distances(x: np.ndarray, y: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Distance of points from each face in sides of it; faces (M, 4, …) give an axis of M."""
    x0, y0, x1, y1 = faces.swapaxes(0, 1)
    # To the face's box, not to its centre: a phone at the ear of a large face is at distance 0.
    across = np.maximum(np.maximum(x0 - x, x - x1), 0)
    down = np.maximum(np.maximum(y0 - y, y - y1), 0)
    side = np.maximum(np.maximum(x1 - x0, y1 - y0), 1.0)
    to_centre = np.abs(x - (x0 + x1) / 2) + np.abs(y - (y0 + y1) / 2)
    return np.asarray(np.hypot(across, down) / side + 1e-3 * (to_centre / side))


def nearest_windows(boxes: np.ndarray, windows: Sequence[Window]) -> np.ndarray:
    """Index of the window whose centre is nearest to each box's; (N, 4) → (N,) int."""
    if len(windows) < 2:
        return np.zeros(len(boxes), np.intp)
    places = np.array([(w.x, w.y) for w in windows], np.float32)
    x, y = (boxes[:, :2] + boxes[:, 2:]).T[:, :, None] / 2 - places.T[:, None]
    return np.asarray((x * x + y * y).argmin(axis=1))
