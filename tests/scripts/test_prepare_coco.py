"""A made-up COCO file with a case of each kind."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live.annotations import IGNORE, read_annotations
from fra_live.labels import LabelSet

NAMES = {1: "person", 44: "bottle", 46: "wine glass", 47: "cup", 77: "cell phone",
         90: "toothbrush", 62: "chair"}  # fmt: skip
PERSON = [50, 20, 40, 70]  # x, y, width, height


def rectangle(box: list[float]) -> list[list[float]]:
    x, y, w, h = box
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def crowd(left: int, top: int, right: int, bottom: int) -> dict[str, Any]:
    """COCO's run-length mask of a rectangle in a 120x100 (width x height) photo."""
    mask = np.zeros((100, 120), np.uint8)
    mask[top:bottom, left:right] = 1
    runs, value, count = [], 0, 0
    for pixel in mask.T.reshape(-1).tolist():
        if pixel != value:
            runs.append(count)
            value, count = pixel, 0
        count += 1
    return {"counts": [*runs, count], "size": [100, 120]}


# image id → its annotations: category, box, and what differs from a plain polygon
CASES: dict[int, list[tuple[int, list[float], dict[str, Any]]]] = {
    1: [(1, PERSON, {}), (47, [60, 40, 14, 14], {})],  # a cup at a person: taken
    2: [(47, [60, 40, 14, 14], {})],  # a cup without a person
    3: [(1, PERSON, {}), (77, [2, 2, 14, 14], {})],  # a phone far from the person
    4: [(1, PERSON, {}), (90, [60, 40, 8, 8], {})],  # too small a toothbrush
    5: [  # a bottle at a person, a far glass and a crowd of bottles come along
        (1, PERSON, {}),
        (44, [88, 40, 10, 20], {}),  # its centre just outside the box, within reach
        (46, [4, 4, 10, 10], {}),
        (44, [20, 60, 20, 30], {"iscrowd": 1, "segmentation": crowd(20, 60, 40, 90)}),
        (62, [0, 0, 30, 30], {}),
    ],
    6: [(1, PERSON, {"iscrowd": 1}), (77, [60, 40, 14, 14], {})],  # only a crowd of people
    7: [  # compressed run lengths: only the box is known, and its pixels are ignored
        (1, PERSON, {}),
        (77, [60, 40, 14, 14], {}),
        (44, [10, 10, 20, 20], {"iscrowd": 1, "segmentation": {"counts": "ab", "size": [9, 9]}}),
    ],
}


@pytest.fixture
def official(tmp_path: Path, jpeg: Any) -> Path:
    """A folder with annotations.zip and photos/ of all cases."""
    folder = tmp_path / "coco_download"
    (folder / "photos").mkdir(parents=True)
    annotations = []
    for image, entries in CASES.items():
        (folder / "photos" / f"{image:012d}.jpg").write_bytes(jpeg(120, 100))
        for category, box, other in entries:
            plain = {"segmentation": rectangle(box), "iscrowd": 0, "area": box[2] * box[3]}
            entry = {"image_id": image, "category_id": category, "bbox": box}
            annotations.append({"id": len(annotations), **entry, **plain, **other})
    images = [
        {"id": i, "file_name": f"{i:012d}.jpg", "width": 120, "height": 100, "license": 4}
        for i in CASES
    ]
    data = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": n} for i, n in NAMES.items()],
        "licenses": [{"id": 4, "name": "Attribution", "url": "https://creativecommons.org"}],
    }
    with zipfile.ZipFile(folder / "annotations.zip", "w") as archive:
        archive.writestr("annotations/instances_train2017.json", json.dumps(data))
        archive.writestr("annotations/captions_train2017.json", "{}")
    return folder


def test_chosen_photos_and_partial_labels(official: Path, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    done = run(
        "prepare_coco.py", "--instances", official / "annotations.zip",
        "--images", official / "photos", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    labels = LabelSet(
        ("background", "face", "hand", "drink", "cigarette", "bubble_wand", "toothbrush", "phone"),
        ("face", "hand"),
        {"drinking": "drink"},
    )
    samples = {int(s.path.stem): s for s in read_annotations(out / "coco.json", labels).samples}
    assert sorted(samples) == [1, 5, 7]
    assert sorted(p.stem for p in (out / "images").iterdir()) == [f"{i:012d}" for i in (1, 5, 7)]
    for sample in samples.values():
        assert sample.annotated == {"drink", "phone", "toothbrush"}
        assert sample.action is None
    assert [r.label for r in samples[1].regions] == ["drink"]
    assert samples[5].boxes("drink") == [(88, 40, 98, 60), (4, 4, 14, 14)]

    drawn = samples[5].label_map(labels, 100, 120)
    expected = np.zeros((100, 120), bool)
    expected[60:90, 20:40] = True
    np.testing.assert_array_equal(drawn == IGNORE, expected)  # the crowd's very pixels
    assert samples[7].label_map(labels, 100, 120)[20, 20] == IGNORE

    data = json.loads((out / "coco.json").read_text())
    assert data["licenses"][0]["id"] == data["images"][0]["license"] == 4
    assert data["annotations"][0]["coco_class"] == "cup"


def test_a_limit_draws_the_same_photos_each_time(official: Path, tmp_path: Path, run: Any) -> None:
    chosen = []
    for name in ("a", "b"):
        arguments = ("--instances", official / "annotations.zip", "--images", official / "photos")
        run("prepare_coco.py", *arguments, "--out", tmp_path / name, "--limit", 2)
        data = json.loads((tmp_path / name / "coco.json").read_text())
        chosen.append([image["id"] for image in data["images"]])
        assert {a["image_id"] for a in data["annotations"]} == set(chosen[-1])
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 2


def test_missing_photos_are_named_and_left_out(official: Path, tmp_path: Path, run: Any) -> None:
    (official / "photos" / "000000000005.jpg").unlink()
    (official / "photos" / "000000000007.jpg").write_text("<html>not found</html>")
    out = tmp_path / "out"
    done = run(
        "prepare_coco.py", "--instances", official / "annotations.zip",
        "--images", official / "photos", "--out", out,
    )  # fmt: skip
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0] == "000000000005.jpg was not found in what was given."
    assert "000000000007.jpg cannot be decoded as an image" in lines[1]
    assert [s.path.stem for s in read_annotations(out / "coco.json").samples] == ["000000000001"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no readable COCO instances file"),
        ("[]", "is no readable COCO instances file"),
        ('{"images": [], "annotations": [], "categories": []}', "has no photo of an object"),
        ('{"images": [{}], "annotations": [], "categories": []}', "has a wrong entry ('id'"),
    ],
)
def test_a_wrong_instances_file(content: str, message: str, tmp_path: Path, run: Any) -> None:
    path = tmp_path / "instances_train2017.json"
    path.write_text(content)
    done = run("prepare_coco.py", "--instances", path, "--images", tmp_path, "--out", tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr or message.replace("('id'", "(KeyError('id')") in done.stderr


def test_a_zip_without_the_split(official: Path, tmp_path: Path, run: Any) -> None:
    done = run(
        "prepare_coco.py", "--instances", official / "annotations.zip", "--split", "val2017",
        "--images", official / "photos", "--out", tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "holds no instances_val2017.json" in done.stderr
