"""What the networks are shown in training: whole images and sub-windows (section 3.4).

Net_fine sees ground-truth faces scaled as at run time, windows round objects, and the windows
that Net_coarse's own maxima ask for: those are its hard negatives, and the only windows that
photos of "none", which have no outlines, can give.
"""

from __future__ import annotations

import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.windows import Window, WindowParameters
from fra_live.training.augment import View
from fra_live.training.images import TrainingImage


def coarse_view(image: TrainingImage, rng: np.random.Generator) -> View:
    """The whole image at about its run-time scale, zoomed and shifted at random."""
    height, width = image.image.shape[:2]
    side = float(np.sqrt(height * width)) * float(np.exp(rng.uniform(-0.45, 0.3)))
    # Keep to the image where the view is smaller than it; else show all of it.
    reach_x, reach_y = max(0.0, width - side) / 2, max(0.0, height - side) / 2
    wobble = 0.08 * side
    x = width / 2 + rng.uniform(-reach_x - wobble, reach_x + wobble)
    y = height / 2 + rng.uniform(-reach_y - wobble, reach_y + wobble)
    return View((x, y), side)


def fine_views(
    image: TrainingImage,
    labels: LabelSet,
    parameters: WindowParameters,
    predicted: list[Window],
) -> list[tuple[View, float]]:
    """All windows that one image offers Net_fine, each with its sampling weight.

    Args:
        image: the image.
        labels: the label set.
        parameters: the run-time choice of windows (scale of the face, limits of the side).
        predicted: windows of Net_coarse's maxima in px of the image.
    """
    size = float(np.sqrt(image.image.shape[0] * image.image.shape[1]))
    low, high = parameters.min_side * size, parameters.max_side * size
    faces = image.boxes("face") if "face" in labels.names else np.zeros((0, 4), np.float32)
    views: list[tuple[View, float]] = []
    face_sides = []
    for x0, y0, x1, y1 in faces:
        side = float(np.clip(parameters.face_scale * max(x1 - x0, y1 - y0), low, high))
        face_sides.append(side)
        views.append((View((float(x0 + x1) / 2, float(y0 + y1) / 2), side), 1.0))
    for name in labels.objects:
        for x0, y0, x1, y1 in image.boxes(name):
            centre = (float(x0 + x1) / 2, float(y0 + y1) / 2)
            longest = float(max(x1 - x0, y1 - y0))
            if face_sides:
                side = max(max(face_sides), 1.2 * longest)
                if any(_inside(centre, view) for view, _ in views):
                    views.append((View(centre, side), 0.25))
                    continue
            else:
                side = float(np.clip(3.0 * longest, low, high))
            views.append((View(centre, side), 0.7))
    for window in predicted:
        views.append((View((window.x, window.y), window.side), 0.5 if faces.size else 1.0))
    if not views:
        height, width = image.image.shape[:2]
        views.append((View((width / 2, height / 2), parameters.default_side * size), 1.0))
    return views


def _inside(point: tuple[float, float], view: View, share: float = 0.8) -> bool:
    reach = share * view.side / 2
    return abs(point[0] - view.centre_xy[0]) < reach and abs(point[1] - view.centre_xy[1]) < reach


def jitter(view: View, rng: np.random.Generator) -> View:
    """Shift by up to a sixth and zoom by up to 1.45 either way."""
    side = view.side * float(np.exp(rng.uniform(-0.37, 0.37)))
    reach = view.side / 6
    x, y = view.centre_xy
    return View((x + rng.uniform(-reach, reach), y + rng.uniform(-reach, reach)), side)


def action_in_view(image: TrainingImage, view: View, labels: LabelSet) -> int:
    """The action that a window shows: the image's, where its object lies inside; else "none".

    Where the object of the image's action is nowhere visible, any window with a face shows it.

    Returns:
        Index of the action, the number of actions for "none", -1 where unknown.
    """
    if image.action < 0 or image.action == len(labels.actions):
        return image.action
    name = labels.actions[labels.action_names[image.action]]
    boxes = image.boxes(name)
    if boxes.size == 0:
        boxes = image.boxes("face") if "face" in labels.names else boxes
    if boxes.size == 0:
        return -1
    half = view.side / 2
    x, y = view.centre_xy
    inside_w = np.minimum(boxes[:, 2], x + half) - np.maximum(boxes[:, 0], x - half)
    inside_h = np.minimum(boxes[:, 3], y + half) - np.maximum(boxes[:, 1], y - half)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    share = np.maximum(inside_w, 0) * np.maximum(inside_h, 0) / np.maximum(area, 1e-6)
    if share.max() >= 0.5:
        return image.action
    return len(labels.actions) if share.max() < 0.1 else -1
