"""Batches: the same for the same seed, and images by their rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fra_live.annotations import read_training_sets
from fra_live.stages.windows import Window, WindowParameters
from fra_live.training.batches import BatchMaker, class_weights
from fra_live.training.images import TrainingImage, load_images
from fra_live.training.recipes import NetworkRecipe, Stage
from tests.tiny import LABELS, draw_set

RECIPE = NetworkRecipe("decoder_mobilenet_v1", size=32, epochs=1, batch=4)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingImage]:
    """Nine drawn images."""
    data = draw_set(tmp_path_factory.mktemp("batches") / "set", count=9)
    return load_images(read_training_sets([data]).samples, LABELS)


def maker(images: list[TrainingImage], stage: Stage = "coarse", seed: int = 0) -> BatchMaker:
    predicted = [[Window(40.0, 40.0, 30.0)] for _ in images]
    return BatchMaker(stage, images, LABELS, RECIPE, WindowParameters(), predicted, seed)


@pytest.mark.parametrize("stage", ["coarse", "fine"])
def test_shapes_and_types(images: list[TrainingImage], stage: Stage) -> None:
    batches = list(maker(images, stage).epoch(0))
    assert len(batches) == 2  # nine images in fours; the ninth waits for another epoch
    for pixels, maps, unannotated, weight, action in batches:
        assert (pixels.shape, pixels.dtype) == ((4, 32, 32, 3), np.uint8)
        assert (maps.shape, maps.dtype) == ((4, 32, 32), np.uint8)
        assert (unannotated.shape, unannotated.dtype) == ((4, 5), np.bool_)
        assert (weight.shape, weight.dtype) == ((4,), np.float32)
        assert (action.shape, action.dtype) == ((4,), np.int64)
        assert set(action.tolist()) <= {-1, 0, 1, 2}


@pytest.mark.parametrize("stage", ["coarse", "fine"])
def test_seeds_reproduce(images: list[TrainingImage], stage: Stage) -> None:
    first, again = maker(images, stage).epoch(3), maker(images, stage).epoch(3)
    for a, b in zip(first, again, strict=True):
        for x, y in zip(a, b, strict=True):
            assert np.array_equal(x, y)
    for other in (maker(images, stage).epoch(4), maker(images, stage, seed=1).epoch(3)):
        assert not np.array_equal(next(other)[0], next(maker(images, stage).epoch(3))[0])


def test_images_come_as_often_as_their_rates_say(images: list[TrainingImage]) -> None:
    rare = [replace(i, rate=0.25) for i in images[:8]]
    some = maker([replace(images[0], rate=1.0), images[1], images[2], images[3], *rare])
    assert len(some) == 1  # 4 + 8 / 4 = 6 images an epoch, in batches of 4
    assert len(maker(images[:2])) == 1
    assert next(iter(maker(images[:2]).epoch(0)))[0].shape[0] == 2  # a batch of what there is


def test_pixels_are_rgb(images: list[TrainingImage]) -> None:
    blue = replace(images[0], image=np.full((40, 40, 3), (200, 0, 0), np.uint8))
    pixels = next(iter(maker([blue]).epoch(0)))[0]
    assert pixels[..., 2].mean() > 100
    assert pixels[..., 0].mean() < 60


def test_rare_labels_weigh_more(images: list[TrainingImage]) -> None:
    label_map = np.zeros((10, 10), np.uint8)
    label_map[:2] = 1  # a fifth face; half a hundredth drink, nothing else
    label_map[9, 9] = 3
    shown = [replace(images[0], label_map=label_map)]
    weights = class_weights(shown, LABELS)
    # (.79 / .2)^.3 and (.79 / .01)^.3; never more than 6
    assert weights == pytest.approx([1.0, 3.95**0.3, 6.0, 79**0.3, 6.0])
