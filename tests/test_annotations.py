"""Annotation sets: what is read, and one sentence for each thing that can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live.annotations import (
    IGNORE,
    find_annotation_files,
    read_annotations,
    read_training_sets,
)
from fra_live.errors import DataError
from fra_live.labels import LabelSet

SQUARE = [2.0, 2.0, 6.0, 2.0, 6.0, 5.0, 2.0, 5.0]
Change = Callable[[dict[str, Any]], Any]


def data() -> dict[str, Any]:
    """One image of somebody drinking, one of nothing."""
    return {
        "categories": [
            {"id": 1, "name": "face"},
            {"id": 2, "name": "drink"},
            {"id": 3, "name": "phone"},
        ],
        "images": [
            {"id": 7, "file_name": "a.png", "width": 20, "height": 10, "action": "drinking",
             "action_object": "drink", "labels_annotated": ["face", "drink"]},
            {"id": 8, "file_name": "b.png", "width": 20, "height": 10, "action": "none"},
        ],
        "annotations": [
            {"id": 70, "image_id": 7, "category_id": 2, "segmentation": [list(SQUARE)]},
            {"id": 71, "image_id": 7, "category_id": 1, "bbox": [0, 0, 4, 4]},
        ],
    }  # fmt: skip


def write(folder: Path, values: Any, name: str = "set.json") -> Path:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for image in ("a.png", "b.png"):  # only looked for, not decoded
        (folder / "images" / image).touch()
    path = folder / name
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return path


def test_what_a_set_says(tmp_path: Path) -> None:
    annotated = read_annotations(write(tmp_path, data()))
    labels = annotated.labels
    assert labels.names == ("background", "face", "drink", "phone")
    assert labels.body_parts == ("face",)
    assert labels.actions == {"drinking": "drink"}
    first, second = annotated.samples
    assert first.path == tmp_path / "images" / "a.png"
    assert (first.height, first.width, first.action) == (10, 20, "drinking")
    assert first.annotated == {"face", "drink"}
    assert first.boxes("drink") == [(2.0, 2.0, 6.0, 5.0)]
    assert first.boxes("face") == [(0.0, 0.0, 4.0, 4.0)]  # a box is an outline too
    assert second.action == "none"
    assert second.annotated == {"face", "drink", "phone"}  # all of the file's, where none is named
    assert second.regions == ()


def test_images_beside_the_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    path = tmp_path / "set.json"
    path.write_text(json.dumps(data()))
    assert read_annotations(path).samples[0].path == tmp_path / "a.png"


def test_other_body_parts_by_their_supercategory(tmp_path: Path) -> None:
    values = data()
    values["categories"].append({"id": 4, "name": "foot", "supercategory": "body"})
    labels = read_annotations(write(tmp_path, values)).labels
    assert labels.body_parts == ("face", "foot")
    assert labels.objects == ("drink", "phone")


def entry(kind: str, **values: Any) -> Change:
    """Change the first image or annotation; None removes a key."""

    def change(everything: dict[str, Any]) -> None:
        for key, value in values.items():
            if value is None:
                everything[kind][0].pop(key, None)
            else:
                everything[kind][0][key] = value

    return change


def whole(**values: Any) -> Change:
    """Change the file's own keys; None removes one."""

    def change(everything: dict[str, Any]) -> None:
        for key, value in values.items():
            if value is None:
                del everything[key]
            else:
                everything[key] = value

    return change


IMAGE, ANNOTATION = r"set\.json: image 7 \(a\.png\)", r"set\.json: annotation 70 of a\.png"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # the file
        (whole(images=None), r"set\.json is no COCO annotation file: 'images' is missing"),
        (whole(annotations=None), r"set\.json is no COCO annotation file: 'annotations' is mis"),
        (whole(categories=None), r"set\.json is no COCO annotation file: 'categories' is miss"),
        (whole(categories=5), r"set\.json is no COCO annotation file: "),
        (whole(images=["a.png"]), r"set\.json is no COCO annotation file: "),
        (whole(images=[], annotations=[]), r"set\.json lists no images"),
        (whole(categories=[{"id": i, "name": "drink"} for i in (1, 2)]), "set.json: .*twice"),
        # images
        (entry("images", id=None), r"set\.json is no COCO annotation file: 'id' is missing"),
        (entry("images", id=8), r"set\.json: 1 images have the id of another"),
        (entry("images", file_name="c.png"), r"image 7 \(c\.png\) is missing; it was looked for"),
        (entry("images", file_name=None), r"set\.json: image 7 \(None\) is wrong: 'file_name' is"),
        (entry("images", width=None), IMAGE + " is wrong: 'width' is missing"),
        (entry("images", height="tall"), IMAGE + " is wrong: invalid literal"),
        (entry("images", width=0), IMAGE + " has the size 0x10"),
        (entry("images", action="eating", action_object=None), IMAGE + " has the unknown action"),
        (entry("images", action_object="cup"), r"set\.json: image 7 names the action object 'cup'"),
        (entry("images", labels_annotated=["cup"]), IMAGE + " has the unknown label 'cup'"),
        (entry("images", labels_annotated="face"), IMAGE + " is wrong: 'labels_annotated' is no"),
        # annotations
        (entry("annotations", image_id=9), r"set\.json: an annotation names image 9, which is"),
        (entry("annotations", image_id=None), r"set\.json is no COCO .* 'image_id' is missing"),
        (entry("annotations", category_id=9), ANNOTATION + " has the unknown category 9"),
        (entry("annotations", category_id=None), ANNOTATION + " has the unknown category None"),
        (entry("annotations", category_id="cup"), ANNOTATION + " is wrong: invalid literal"),
        (entry("annotations", segmentation=None), ANNOTATION + " is wrong: 'bbox' is missing"),
        (entry("annotations", segmentation={"counts": "x"}), ANNOTATION + " is run-length encoded"),
        (entry("annotations", segmentation=[[1, 2, 3, 4]]), ANNOTATION + " .* polygon of 4 numb"),
        (entry("annotations", segmentation=[SQUARE[:7]]), ANNOTATION + " has a polygon of 7 num"),
        (entry("annotations", segmentation=[["a"] * 6]), ANNOTATION + " is wrong: could not conv"),
        (entry("annotations", segmentation=[[float("nan")] * 6]), ANNOTATION + ".* not finite"),
        (
            entry("annotations", segmentation=[[30, 2, 36, 2, 36, 5]]),
            ANNOTATION + r" lies outside the image \(20x10\)",
        ),
        (entry("annotations", segmentation=[[1, -9, 6, -9, 6, -1]]), ANNOTATION + " lies outside"),
    ],
)
def test_bad_input_is_told_in_one_sentence(tmp_path: Path, change: Change, message: str) -> None:
    values = data()
    change(values)
    path = write(tmp_path, values)
    with pytest.raises(DataError, match=message) as caught:
        read_annotations(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert not text.endswith("..")


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", r"set\.json is no JSON: "), ("", "is no JSON"), ("[1, 2]", "is no COCO annotation")],
)
def test_other_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_annotations(write(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json cannot be read"):
        read_annotations(tmp_path / "none.json")
    path = tmp_path / "binary.json"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError, match=r"binary\.json cannot be read"):
        read_annotations(path)


def test_polygons_that_reach_out_of_the_image_are_cut(tmp_path: Path) -> None:
    values = data()
    entry("annotations", segmentation=[[-5, -5, 30, -5, 30, 30, -5, 30]])(values)
    sample = read_annotations(write(tmp_path, values)).samples[0]
    assert sample.boxes("drink") == [(0.0, 0.0, 20.0, 10.0)]


@pytest.mark.parametrize(
    "change",
    [
        entry("annotations", ignore=1),
        entry("annotations", iscrowd=1),
        entry("annotations", ignore=1, category_id=0),  # of no label at all
        # COCO's crowds are run-length encoded: their box is left out
        entry("annotations", iscrowd=1, segmentation={"counts": "x"}, bbox=[2, 2, 4, 3]),
    ],
)
def test_ignored_regions(tmp_path: Path, change: Change) -> None:
    values = data()
    change(values)
    annotated = read_annotations(write(tmp_path, values))
    sample = annotated.samples[0]
    assert sample.boxes("drink") == []
    canvas = sample.label_map(annotated.labels, 10, 20)
    assert canvas[3, 5] == IGNORE
    assert canvas[8, 15] == 0


def test_label_map_objects_win(tmp_path: Path) -> None:
    annotated = read_annotations(write(tmp_path, data()))
    canvas = annotated.samples[0].label_map(annotated.labels, 10, 20)
    assert canvas.dtype == np.uint8
    # the drink spans 2..6 x 2..5, the face 0..4 x 0..4 under it, though it is drawn later
    assert np.all(canvas[2:5, 2:6] == 2)
    assert np.all(canvas[0:2, 0:4] == 1)
    assert np.all(canvas[7:] == 0)


@pytest.mark.parametrize("scale", [0.5, 1, 2])
def test_label_map_at_another_size(tmp_path: Path, scale: float) -> None:
    values = data()
    entry("annotations", segmentation=[[4, 2, 16, 2, 16, 8, 4, 8]])(values)
    annotated = read_annotations(write(tmp_path, values))
    height, width = round(10 * scale), round(20 * scale)
    canvas = annotated.samples[0].label_map(annotated.labels, height, width)
    assert canvas.shape == (height, width)
    rows, columns = np.nonzero(canvas == 2)
    assert abs(columns.min() / scale - 4) <= 1
    assert abs((columns.max() + 1) / scale - 16) <= 2
    assert abs((rows.max() + 1) / scale - 8) <= 2


MODEL = LabelSet(("background", "face", "drink"), ("face",), {"drinking": "drink"})


def test_labels_of_a_model(tmp_path: Path) -> None:
    values = data()
    annotated = read_annotations(write(tmp_path, values), MODEL)
    assert annotated.labels is MODEL
    assert annotated.samples[1].annotated == {"face", "drink"}  # the phone is none of its labels
    entry("annotations", category_id=3)(values)
    with pytest.raises(DataError, match=r"annotation 70 of a\.png has the unknown category 3"):
        read_annotations(write(tmp_path, values), MODEL)


def test_an_action_that_the_model_does_not_know(tmp_path: Path) -> None:
    values = data()
    entry("images", action="phoning", action_object="phone")(values)
    with pytest.raises(DataError, match="has the unknown action 'phoning'"):
        read_annotations(write(tmp_path, values), MODEL)


def partial() -> dict[str, Any]:
    """A set in which only one label, of another number, is annotated."""
    return {
        "categories": [{"id": 44, "name": "phone"}, {"id": 2, "name": "cigarette"}],
        "images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 10}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 44, "segmentation": [list(SQUARE)]}
        ],
    }


def test_sets_are_united_by_the_names_of_their_labels(tmp_path: Path) -> None:
    first = write(tmp_path / "one", data())
    second = write(tmp_path / "two", partial())
    united = read_training_sets([second, first])  # the order does not matter
    assert united.labels.names == ("background", "face", "drink", "phone", "cigarette")
    assert united.labels.actions == {"drinking": "drink"}
    assert len(united.samples) == 3
    last = united.samples[-1]
    assert last.annotated == {"phone", "cigarette"}  # a face there may be undrawn
    assert last.action is None
    assert last.boxes("phone") == [(2.0, 2.0, 6.0, 5.0)]


def test_no_set_names_an_action(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No image of .*set\.json names an action"):
        read_training_sets([write(tmp_path, partial())])


def test_training_sets_of_a_folder(tmp_path: Path) -> None:
    for name in ("train.json", "extra.json", "test.json", "val2017.json"):
        write(tmp_path / "fra", data(), name)
    write(tmp_path / "fra", {"times": []}, "clip.json")  # no annotation file
    write(tmp_path / "fra", "{", "broken.json")
    found = find_annotation_files([tmp_path])
    assert [p.name for p in found] == ["extra.json", "train.json"]
    given = tmp_path / "fra" / "test.json"
    assert find_annotation_files([given]) == [given]  # asked for by name


def test_no_training_sets(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No COCO annotation file was found in"):
        find_annotation_files([tmp_path])
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        find_annotation_files([tmp_path / "nowhere"])
