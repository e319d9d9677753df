"""Cutting views out of images: exact without augmentation, aligned with it."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.annotations import IGNORE
from fra_live.training.augment import View, cut, photometric


def square(size: int, box: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A white rectangle and its label map."""
    x0, y0, x1, y1 = box
    label_map = np.zeros((size, size), np.uint8)
    label_map[y0:y1, x0:x1] = 3
    return np.where(label_map[..., None] == 3, np.uint8(255), np.uint8(0)).repeat(3, 2), label_map


def test_the_whole_image_at_its_own_size() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    label_map = np.arange(64, dtype=np.uint8).reshape(8, 8)
    pixels, labels = cut(image, label_map, View((4.0, 4.0), 8.0), 8, None)
    assert np.array_equal(pixels, image)
    assert np.array_equal(labels, label_map)


def test_outside_the_image_nothing_is_known() -> None:
    image, label_map = square(8, (0, 0, 8, 8))
    pixels, labels = cut(image, label_map, View((0.0, 4.0), 8.0), 8, None)
    assert np.all(labels[:, :4] == IGNORE)
    assert np.all(labels[:, 4:] == 3)
    assert np.all(pixels == 255)  # mirrored, not black


@pytest.mark.parametrize("size", [20, 32, 64, 128, 200])  # .2 to 2 px a px
def test_image_and_labels_stay_aligned(size: int) -> None:
    image, label_map = square(100, (30, 40, 62, 80))
    pixels, labels = cut(image, label_map, View((50.0, 50.0), 100.0), size, None)
    grey = pixels[..., 0].astype(float) / 255
    zoom = size / 100
    for axis, centre in ((0, 46.0), (1, 60.0)):  # x, y
        at = np.arange(size) + 0.5
        seen = (grey.sum(axis=axis) * at).sum() / grey.sum()
        told = ((labels == 3).sum(axis=axis) * at).sum() / (labels == 3).sum()
        assert abs(seen - centre * zoom) < 0.15  # px of what the network sees
        assert abs(told - centre * zoom) <= 0.51  # labels go by whole px


@pytest.mark.parametrize("seed", range(5))
def test_augmented_image_and_labels_stay_aligned(seed: int) -> None:
    image, label_map = square(100, (30, 40, 70, 80))
    rng = np.random.default_rng(seed)
    pixels, labels = cut(image, label_map, View((50.0, 55.0), 90.0), 64, rng)
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {0, 3, IGNORE}
    inside = labels == 3
    assert 0.1 < inside.mean() < 0.4
    assert pixels[inside].mean() > pixels[labels == 0].mean() + 50


def test_the_same_seed_gives_the_same_view() -> None:
    image, label_map = square(100, (30, 40, 70, 80))
    views = [
        cut(image, label_map, View((50.0, 55.0), 90.0), 64, np.random.default_rng(s))
        for s in (4, 4, 5)
    ]
    assert np.array_equal(views[0][0], views[1][0])
    assert np.array_equal(views[0][1], views[1][1])
    assert not np.array_equal(views[0][0], views[2][0])


@pytest.mark.parametrize("seed", range(12))
def test_light_blur_and_compression_keep_shape_and_type(seed: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    before = image.copy()
    changed = photometric(image, np.random.default_rng(seed))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(image, before)
