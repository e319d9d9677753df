"""Augmentation that fits webcams: geometry of the view, light, sensor and compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.annotations import IGNORE


@dataclass(frozen=True)
class View:
    """A square view onto an image: what the network is shown.

    Attributes:
        centre_xy: centre in image px.
        side: side of the square in image px.
    """

    centre_xy: tuple[float, float]
    side: float


def cut(
    image: np.ndarray,
    label_map: np.ndarray,
    view: View,
    size: int,
    rng: np.random.Generator | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a view out of an image, with random rotation, aspect, flip and photometry.

    Args:
        image: (H, W, 3) uint8 BGR.
        label_map: (H, W) uint8.
        view: the square to show; it may reach over the borders.
        size: side of the result in px.
        rng: None cuts plainly.

    Returns:
        (size, size, 3) uint8 BGR and (size, size) uint8 labels, `IGNORE` outside the image.
    """
    zoom = size / view.side
    linear = np.array([[zoom, 0.0], [0.0, zoom]])
    if rng is not None:
        angle = np.deg2rad(rng.uniform(-18, 18)) * (rng.random() < 0.7)
        aspect = np.exp(rng.uniform(-0.12, 0.12))
        cos, sin = np.cos(angle), np.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([zoom * aspect, zoom / aspect])
        if rng.random() < 0.5:
            linear[0] *= -1
    # OpenCV counts from the centres of px, views and boxes from their corners.
    offset = size / 2 - 0.5 - linear @ (np.array(view.centre_xy) - 0.5)
    matrix = np.column_stack([linear, offset])
    # Shrinking by much more than two needs a blur first, or thin objects alias away.
    interpolation = cv2.INTER_LINEAR if zoom > 0.6 else cv2.INTER_AREA
    if zoom < 0.6:
        small = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        half = 0.5 / zoom - 0.5
        enlarge = np.array([[1 / zoom, 0, half], [0, 1 / zoom, half], [0, 0, 1]])
        matrix_small = matrix @ enlarge
        out = cv2.warpAffine(small, matrix_small, (size, size), flags=cv2.INTER_LINEAR,
                             borderMode=cv2.BORDER_REFLECT_101)  # fmt: skip
    else:
        out = cv2.warpAffine(image, matrix, (size, size), flags=interpolation,
                             borderMode=cv2.BORDER_REFLECT_101)  # fmt: skip
    labels = cv2.warpAffine(label_map, matrix, (size, size), flags=cv2.INTER_NEAREST,
                            borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORE)  # fmt: skip
    if rng is not None:
        out = photometric(out, rng)
    return out, labels


def photometric(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random colour, low light with noise, blur and JPEG artefacts; uint8 in, uint8 out."""
    if rng.random() < 0.8:
        gain = rng.uniform(0.65, 1.35) * rng.uniform(0.88, 1.12, size=3)
        bias = rng.uniform(-25, 25)
        table = np.arange(256)[:, None] * gain + bias
        if rng.random() < 0.3:  # gamma: backlight and dusk
            table = 255 * (np.clip(table, 0, 255) / 255) ** rng.uniform(0.6, 1.8)
        image = cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8)[None].transpose(1, 0, 2))
    if rng.random() < 0.3:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        keep = rng.uniform(0.0, 1.3)
        image = cv2.addWeighted(image, keep, grey, 1 - keep, 0)
    if rng.random() < 0.2:
        noise = rng.normal(0, rng.uniform(3, 14), (*image.shape[:2], 1))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        image = _blur(image, rng)
    if rng.random() < 0.3:
        quality = int(rng.integers(25, 85))
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if ok:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return image


def _blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
    length = int(rng.integers(3, 9))  # motion: a line kernel
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    half = (length - 1) / 2
    dx, dy = half * np.cos(angle), half * np.sin(angle)
    ends = [(round(half + s * dx), round(half + s * dy)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())
