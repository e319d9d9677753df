"""Laying out a made-up download: complete, incomplete, damaged, and hostile."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fra_live.annotations import find_annotation_files, read_annotations

PHOTOS = {"drinking_001.jpg": (40, 30), "smoking_002.jpg": (32, 48), "cooking_003.jpg": (36, 36)}
SMOKER = "xsmoke_000.jpg"


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """A folder of three small annotation files like the published ones."""
    folder = tmp_path / "outlines"
    folder.mkdir()
    categories = [{"id": 1, "name": "face"}, {"id": 2, "name": "drink"}]

    def write(name: str, photos: dict[str, tuple[int, int]]) -> None:
        images = [
            {
                "id": i,
                "file_name": photo,
                "width": size[0],
                "height": size[1],
                "action": "drinking" if photo.startswith("drinking") else "none",
                "action_object": "drink" if photo.startswith("drinking") else None,
                "labels_annotated": ["face", "drink"],
                "source": "smoker photos" if photo == SMOKER else "stanford40",
            }
            for i, (photo, size) in enumerate(photos.items(), start=1)
        ]
        annotations = [
            {
                "id": image["id"],
                "image_id": image["id"],
                "category_id": 2,
                "iscrowd": 0,
                "bbox": [5, 5, 10, 10],
                "area": 50,
                "segmentation": [[5, 5, 15, 5, 15, 15]],
            }
            for image in images
        ]
        data = {"images": images, "annotations": annotations, "categories": categories}
        (folder / name).write_text(json.dumps(data))

    write("train.json", {k: PHOTOS[k] for k in ("drinking_001.jpg", "cooking_003.jpg")})
    write("test.json", {"smoking_002.jpg": PHOTOS["smoking_002.jpg"]})
    write("extra.json", {"cooking_003.jpg": PHOTOS["cooking_003.jpg"], SMOKER: (20, 20)})
    return folder


@pytest.fixture
def download(tmp_path: Path, jpeg: Any) -> Path:
    """The photos as the official zip holds them."""
    path = tmp_path / "given" / "Stanford40_JPEGImages.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, size in PHOTOS.items():
            archive.writestr(f"JPEGImages/{name}", jpeg(*size))
        archive.writestr("__MACOSX/JPEGImages/._drinking_001.jpg", b"resource fork")
    return path


@pytest.mark.parametrize("how", ["zip", "folder with the zip", "unpacked folder"])
def test_a_complete_download(
    how: str, download: Path, outlines: Path, tmp_path: Path, run: Any
) -> None:
    given = download
    if how != "zip":
        given = download.parent
    if how == "unpacked folder":
        with zipfile.ZipFile(download) as archive:
            archive.extractall(given)
        download.unlink()
    out = tmp_path / "out"
    done = run("prepare_stanford40.py", given, "--out", out, "--annotations", outlines)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "1 photos are not from Stanford-40" in done.stdout
    assert sorted(p.name for p in (out / "images").iterdir()) == sorted(PHOTOS)
    # what was written is what the library reads and trains on
    assert len(read_annotations(out / "train.json").samples) == 2
    extra = read_annotations(out / "extra.json")
    assert [s.path.name for s in extra.samples] == ["cooking_003.jpg"]
    assert len(extra.samples[0].regions) == 1
    assert [p.name for p in find_annotation_files([out])] == ["extra.json", "train.json"]


def test_every_problem_is_one_sentence(
    download: Path, outlines: Path, tmp_path: Path, run: Any, jpeg: Any
) -> None:
    with zipfile.ZipFile(download, "w") as archive:
        archive.writestr("JPEGImages/drinking_001.jpg", jpeg(41, 30))  # another size
        archive.writestr("JPEGImages/cooking_003.jpg", jpeg(36, 36)[:-40])  # cut short
    out = tmp_path / "out"
    done = run("prepare_stanford40.py", download, "--out", out, "--annotations", outlines)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 4  # cooking_003.jpg is in two sets
    assert "is 41x30 px where 40x30 were annotated" in lines[0]
    assert "cooking_003.jpg is cut short" in lines[1]
    assert lines[2] == "smoking_002.jpg was not found in what was given."
    assert not list(out.rglob("*"))


def test_partial_sets_only_when_asked_for(
    download: Path, outlines: Path, tmp_path: Path, run: Any, jpeg: Any
) -> None:
    with zipfile.ZipFile(download, "w") as archive:
        archive.writestr("JPEGImages/drinking_001.jpg", jpeg(40, 30))
    out = tmp_path / "out"
    arguments = ("prepare_stanford40.py", download, "--out", out, "--annotations", outlines)
    done = run(*arguments)
    assert done.returncode == 1
    assert "train.json is not written" in done.stdout
    assert not (out / "train.json").exists()
    assert run(*arguments, "--partial").returncode == 1
    samples = read_annotations(out / "train.json").samples
    assert [s.path.name for s in samples] == ["drinking_001.jpg"]


def test_a_right_copy_is_taken_where_another_is_wrong(
    download: Path, outlines: Path, tmp_path: Path, run: Any, jpeg: Any
) -> None:
    thumbnails = tmp_path / "given" / "a_thumbnails"
    thumbnails.mkdir()
    for name in PHOTOS:
        (thumbnails / name).write_bytes(jpeg(8, 8))
    out = tmp_path / "out"
    done = run("prepare_stanford40.py", download.parent, "--out", out, "--annotations", outlines)
    assert done.returncode == 0, done.stderr


def test_nothing_is_written_outside_the_target(
    outlines: Path, tmp_path: Path, run: Any, jpeg: Any
) -> None:
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        for name, size in PHOTOS.items():
            archive.writestr(f"../../{name}", jpeg(*size))
        archive.writestr("../../evil.sh", "rm")
    out = tmp_path / "deep" / "out"
    run("prepare_stanford40.py", hostile, "--out", out, "--annotations", outlines)
    assert not (tmp_path / "evil.sh").exists()
    assert not list(tmp_path.glob("*.jpg"))
    assert not list((tmp_path / "deep").glob("*.jpg"))
    assert sorted(p.name for p in (out / "images").iterdir()) == sorted(PHOTOS)


def test_names_in_the_annotations_stay_in_the_target(
    download: Path, outlines: Path, tmp_path: Path, run: Any
) -> None:
    path = outlines / "train.json"
    path.write_text(path.read_text().replace("drinking_001.jpg", "../drinking_001.jpg"))
    done = run("prepare_stanford40.py", download, "--out", tmp_path, "--annotations", outlines)
    assert done.returncode == 1
    assert "is no plain file name" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist"), (b"no zip", "is no readable zip"), (b"", "is no readable zip")],
)
def test_what_is_given_cannot_be_read(
    content: bytes | None, message: str, outlines: Path, tmp_path: Path, run: Any
) -> None:
    given = tmp_path / "photos.zip"
    if content is not None:
        given.write_bytes(content)
    done = run("prepare_stanford40.py", given, "--out", tmp_path, "--annotations", outlines)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_a_damaged_member_is_told_apart(
    download: Path, outlines: Path, tmp_path: Path, run: Any
) -> None:
    data = bytearray(download.read_bytes())
    at = data.find(b"JPEGImages/smoking_002.jpg") + 200  # inside its stored bytes
    data[at] ^= 0xFF
    download.write_bytes(bytes(data))
    out = tmp_path / "out"
    done = run("prepare_stanford40.py", download, "--out", out, "--annotations", outlines)
    assert done.returncode == 1
    assert "smoking_002.jpg is damaged in its zip" in done.stderr
    assert (out / "train.json").is_file()
    assert not (out / "test.json").exists()


def test_it_runs_as_a_command_without_this_package(tmp_path: Path, root: Path) -> None:
    script = root / "scripts" / "prepare_stanford40.py"
    command = [sys.executable, str(script), str(tmp_path / "gone"), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path / 'gone'} does not exist.\n"
