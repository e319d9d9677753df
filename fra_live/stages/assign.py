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
    if len(faces) == 0 or len(boxes) == 0:
        return np.zeros(max(1, len(boxes)), np.intp)
    centres = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    # To the face's box, not to its centre: a phone at the ear of a large face is at distance 0.
    outside = np.maximum(faces[None, :, :2] - centres, centres - faces[None, :, 2:]).clip(0)
    side = np.maximum((faces[:, 2:] - faces[:, :2]).max(axis=1), 1.0)
    distance = np.hypot(outside[..., 0], outside[..., 1]) / side[None]
    to_centre = np.abs(centres - (faces[None, :, :2] + faces[None, :, 2:]) / 2).sum(-1) / side
    return np.asarray((distance + 1e-3 * to_centre).argmin(axis=1))


def nearest_windows(boxes: np.ndarray, windows: Sequence[Window]) -> np.ndarray:
    """Index of the window whose centre is nearest to each box's; (N, 4) → (N,) int."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    places = np.array([(w.x, w.y) for w in windows], np.float32).reshape(-1, 2)
    return np.asarray(np.linalg.norm(centres[:, None] - places[None], axis=2).argmin(axis=1))
