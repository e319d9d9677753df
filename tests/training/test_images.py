"""Training images: what is known of them, and what they weigh."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live.annotations import Region, Sample
from fra_live.errors import DataError
from fra_live.training.images import (
    ASSUMED_ABSENT_WEIGHT,
    LONGEST_SIDE,
    UNDRAWN_NONE_RATE,
    UNKNOWN_ACTION_RATE,
    action_index,
    load_images,
)
from tests.tiny import LABELS

BOX = np.array([[10, 10], [30, 10], [30, 20], [10, 20]], np.float32)
ALL = frozenset(LABELS.names[1:])


def sample(
    folder: Path,
    *,
    size: tuple[int, int] = (40, 60),
    action: str | None = "drinking",
    annotated: frozenset[str] = ALL,
) -> Sample:
    """A grey image of (H, W) px with a cup."""
    path = folder / "photo.png"
    cv2.imwrite(str(path), np.full((*size, 3), 90, np.uint8))
    cup = Region("drink", (BOX,), (10.0, 10.0, 30.0, 20.0))
    return Sample(path, size[0], size[1], action, annotated, (cup,))


def test_what_is_known(tmp_path: Path) -> None:
    image = load_images([sample(tmp_path)], LABELS)[0]
    assert image.image.shape == (40, 60, 3)
    assert np.all(image.label_map[11:19, 11:29] == LABELS.index("drink"))
    assert not image.unannotated.any()
    assert (image.action, image.weight, image.rate, image.scale) == (0, 1.0, 1.0, 1.0)
    assert image.boxes("drink").tolist() == [[10, 10, 30, 20]]
    assert image.boxes("phone").shape == (0, 4)


@pytest.mark.parametrize(
    ("action", "annotated", "hidden", "weight", "rate"),
    [
        # objects and faces were not looked for: they may be there, but the background is known
        ("drinking", {"drink"}, ["face", "hand", "phone"], 1.0, 1.0),
        # photos of no action, not drawn: objects are taken to be absent, at less weight
        ("none", set(), ["face", "hand"], ASSUMED_ABSENT_WEIGHT, UNDRAWN_NONE_RATE),
        ("none", ALL, [], 1.0, 1.0),
        (None, {"drink", "phone"}, ["face", "hand"], 1.0, UNKNOWN_ACTION_RATE),
    ],
)
def test_partial_annotation(
    tmp_path: Path,
    action: str | None,
    annotated: set[str],
    hidden: list[str],
    weight: float,
    rate: float,
) -> None:
    given = sample(tmp_path, action=action, annotated=frozenset(annotated))
    image = load_images([given], LABELS)[0]
    assert [n for n, h in zip(LABELS.names, image.unannotated, strict=True) if h] == hidden
    assert (image.weight, image.rate) == (weight, rate)


@pytest.mark.parametrize(
    ("action", "index"), [("drinking", 0), ("phoning", 1), ("none", 2), (None, -1)]
)
def test_actions_as_numbers(action: str | None, index: int) -> None:
    assert action_index(action, LABELS) == index


def test_large_images_are_kept_small(tmp_path: Path) -> None:
    given = sample(tmp_path, size=(300, 2 * LONGEST_SIDE))
    image = load_images([given], LABELS)[0]
    assert image.image.shape == (150, LONGEST_SIDE, 3)
    assert image.label_map.shape == (150, LONGEST_SIDE)
    assert image.scale == 0.5
    assert image.boxes("drink").tolist() == [[5, 5, 15, 10]]


def test_a_file_that_is_no_image(tmp_path: Path) -> None:
    given = sample(tmp_path)
    given.path.write_text("no image")
    with pytest.raises(DataError, match=r"photo\.png cannot be decoded as an image"):
        load_images([given], LABELS)


def test_an_image_of_other_proportions_than_its_annotation(tmp_path: Path) -> None:
    given = sample(tmp_path, size=(40, 60))
    cv2.imwrite(str(given.path), np.zeros((60, 40, 3), np.uint8))
    with pytest.raises(DataError, match=r"photo\.png has 40x60 px, but its annotation says 60x40"):
        load_images([given], LABELS)


def test_an_image_of_another_size_but_the_same_proportions(tmp_path: Path) -> None:
    given = sample(tmp_path, size=(40, 60))
    cv2.imwrite(str(given.path), np.zeros((80, 120, 3), np.uint8))
    image = load_images([given], LABELS)[0]
    assert image.scale == 2.0
    assert image.boxes("drink").tolist() == [[20, 20, 60, 40]]
    assert np.all(image.label_map[22:38, 22:58] == LABELS.index("drink"))
