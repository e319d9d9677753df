"""The published outlines: complete, well formed, and of no photo's pixels."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ACTIONS = {
    "drinking": "drink",
    "smoking": "cigarette",
    "blowing_bubbles": "bubble_wand",
    "brushing_teeth": "toothbrush",
    "phoning": "phone",
}
LABELS = ["face", "hand", "drink", "cigarette", "bubble_wand", "toothbrush", "phone"]
FOLDER = Path(__file__).parents[2] / "annotations" / "fra"
SHARED = FOLDER.parents[2] / "shared" / "data" / "fra"
SETS = ("train", "test", "extra")


@cache
def published(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return data


@pytest.mark.parametrize(
    ("name", "images", "annotations", "actions"),
    [
        ("train", 972, 2854, dict.fromkeys(ACTIONS, 100) | {"none": 472}),
        (
            "test", 639, 1921,
            {"drinking": 78, "smoking": 71, "blowing_bubbles": 80, "brushing_teeth": 50,
             "phoning": 80, "none": 280},
        ),
        ("extra", 217, 920, {"smoking": 147, "none": 70}),
    ],
)  # fmt: skip
def test_nothing_is_lost(name: str, images: int, annotations: int, actions: dict[str, int]) -> None:
    data = published(name)
    assert len(data["images"]) == images
    assert len(data["annotations"]) == annotations
    assert Counter(image["action"] for image in data["images"]) == actions
    assert "CC BY 4.0" in data["info"]["licence"]


@pytest.mark.parametrize("name", SETS)
def test_images(name: str) -> None:
    data = published(name)
    assert [c["name"] for c in data["categories"]] == LABELS
    assert [c["id"] for c in data["categories"]] == list(range(1, 8))
    names = [image["file_name"] for image in data["images"]]
    assert len(set(names)) == len(names)
    assert len({image["id"] for image in data["images"]}) == len(names)
    for image in data["images"]:
        assert Path(image["file_name"]).name == image["file_name"]
        assert image["file_name"].endswith(".jpg")
        assert image["action"] == "none" or ACTIONS[image["action"]] == image["action_object"]
        assert set(image["labels_annotated"]) in (set(), set(LABELS))
        if image["action"] != "none":
            assert image["labels_annotated"]


@pytest.mark.parametrize("name", SETS)
def test_outlines(name: str) -> None:
    data = published(name)
    images = {image["id"]: image for image in data["images"]}
    assert len({a["id"] for a in data["annotations"]}) == len(data["annotations"])
    for annotation in data["annotations"]:
        image = images[annotation["image_id"]]
        assert annotation["category_id"] in (range(1) if annotation.get("ignore") else range(1, 8))
        assert annotation["segmentation"]
        xs = [x for polygon in annotation["segmentation"] for x in polygon[::2]]
        ys = [y for polygon in annotation["segmentation"] for y in polygon[1::2]]
        for polygon in annotation["segmentation"]:
            assert len(polygon) >= 6
            assert len(polygon) % 2 == 0
            assert all(v == round(v, 1) for v in polygon)
        assert 0 <= min(xs) < max(xs) <= image["width"]
        assert 0 <= min(ys) < max(ys) <= image["height"]
        x, y, w, h = annotation["bbox"]
        assert x == pytest.approx(min(xs), abs=0.11)
        assert y == pytest.approx(min(ys), abs=0.11)
        assert x + w == pytest.approx(max(xs), abs=0.11)
        assert y + h == pytest.approx(max(ys), abs=0.11)
        assert annotation["area"] > 0


def test_no_photo_is_in_two_roles() -> None:
    train, test, extra = ({i["file_name"] for i in published(n)["images"]} for n in SETS)
    assert not test & (train | extra)


def test_only_outlines_are_published() -> None:
    kinds = {path.suffix for path in FOLDER.parent.rglob("*") if path.is_file()}
    assert kinds == {".json", ".md"}


@pytest.mark.parametrize("name", SETS)
def test_they_are_the_outlines_that_were_drawn(name: str) -> None:
    source = SHARED / f"{name}.json"
    if not source.is_file():
        pytest.skip("the data set from which these were published is not beside this checkout")
    drawn = json.loads(source.read_text(encoding="utf-8"))
    assert published(name)["images"] == drawn["images"]
    mine = {a["id"]: a for a in published(name)["annotations"]}
    assert mine == {a["id"]: a for a in drawn["annotations"]}
