"""The frames that are timed: photos of the user, the demo's scenes, or drawings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fra_live.errors import MissingExtraError, SourceError
from fra_live.video.address import IMAGE_SUFFIXES, natural_key
from fra_live.video.images import read_image

COUNT = 24  # enough kinds of frames, few enough to stay warm in a short run


@dataclass(frozen=True)
class FrameSet:
    """Frames of one size.

    Attributes:
        images: (H, W, 3) uint8 BGR each.
        origin: a clause that says what they are.
    """

    images: tuple[np.ndarray, ...]
    origin: str


def gather_frames(shape: tuple[int, int], folder: Path | None = None) -> FrameSet:
    """Frames to time with: how many windows and candidates there are depends on what they show.

    Args:
        shape: (H, W) of every frame in px.
        folder: photos to take; None takes the demo's scenes or, without scikit-image, drawings.

    Raises:
        SourceError: the folder cannot be read or holds no image.
    """
    if folder is not None:
        return _photos(shape, folder)
    try:
        return _demo_scenes(shape)
    except MissingExtraError:
        drawn = tuple(fit(_drawing(seed), shape) for seed in range(COUNT))
        return FrameSet(drawn, f"{COUNT} drawings, since scikit-image is not installed")


def fit(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The middle of an image in another shape and size; (H, W, 3) uint8 BGR."""
    height, width = image.shape[:2]
    scale = max(shape[0] / height, shape[1] / width)
    h, w = min(height, round(shape[0] / scale)), min(width, round(shape[1] / scale))
    top, left = (height - h) // 2, (width - w) // 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = image[top : top + max(h, 1), left : left + max(w, 1)]
    return np.ascontiguousarray(cv2.resize(part, (shape[1], shape[0]), interpolation=method))


def _photos(shape: tuple[int, int], folder: Path) -> FrameSet:
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder; give one that holds photos.")
    paths = (p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    every = sorted(paths, key=natural_key)
    if not every:
        raise SourceError(f"{folder} holds no images; give a folder that does.")
    places = np.linspace(0, len(every) - 1, min(COUNT, len(every))).round().astype(int)
    images, failures = [], []
    for place in places:
        try:
            images.append(fit(read_image(every[place]), shape))
        except SourceError as error:
            failures.append(str(error))
    if not images:
        raise SourceError(failures[0])
    return FrameSet(tuple(images), f"{len(images)} photos of {folder}")


def _demo_scenes(shape: tuple[int, int]) -> FrameSet:
    from fra_live.demo.scene import DURATION_S, RATE, Scene

    scene = Scene()
    indices = np.linspace(0, DURATION_S * RATE - 1, COUNT).round().astype(int)
    images = tuple(fit(scene.frame(int(index)), shape) for index in indices)
    return FrameSet(images, f"{COUNT} frames of the demo clip: objects drawn over a real portrait")


def _drawing(seed: int) -> np.ndarray:
    """A head and shoulders, a hand, and something bright in it; (480, 640, 3) uint8 BGR."""
    rng = np.random.default_rng(seed)
    image = np.full((480, 640, 3), rng.integers(60, 190, 3), np.uint8)
    noise = cv2.resize(rng.normal(0, 18, (30, 40, 3)), (640, 480), interpolation=cv2.INTER_CUBIC)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    x, y = int(rng.integers(260, 380)), int(rng.integers(180, 240))
    radius = int(rng.integers(55, 85))
    skin = (int(rng.integers(90, 150)), int(rng.integers(130, 180)), int(rng.integers(170, 230)))
    cloth, hair = (tuple(int(v) for v in rng.integers(0, high, 3)) for high in (255, 70))
    cv2.ellipse(image, (x, y + 4 * radius), (3 * radius, 2 * radius), 0, 0, 360, cloth, -1)
    cv2.ellipse(image, (x, y - radius // 3), (radius, int(1.2 * radius)), 0, 0, 360, hair, -1)
    cv2.ellipse(image, (x, y), (int(0.8 * radius), int(1.1 * radius)), 0, 0, 360, skin, -1)
    for side in (-1, 1):
        cv2.circle(image, (x + side * radius // 3, y - radius // 5), radius // 10, hair, -1)
    cv2.ellipse(
        image, (x, y + radius // 2), (radius // 3, radius // 9), 0, 0, 360, (80, 70, 170), -1
    )
    hand = (x + int(rng.integers(-radius, radius)), y + int(0.9 * radius))
    cv2.line(image, hand, (hand[0] + 2 * radius, 480), skin, radius // 2)
    cv2.circle(image, hand, radius // 3, skin, -1)
    angle, length = rng.uniform(0, np.pi), radius * rng.uniform(0.5, 1.2)
    tip = (int(hand[0] - length * np.cos(angle)), int(hand[1] - length * np.sin(angle)))
    thing = tuple(int(v) for v in rng.integers(120, 255, 3))
    cv2.line(image, hand, tip, thing, int(rng.integers(4, radius // 2)))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2))
