"""JSON lines and images."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live.errors import SinkError
from fra_live.video.sinks import JsonlSink, write_image
from fra_live.video.writing import part_path


def test_lines_are_there_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with JsonlSink(path) as sink:
        sink.write({"name": "Zähne", "box": np.array([1.5, 2.0]), "n": np.int64(3), "at": path})
        part = (tmp_path / ".out.part.jsonl").read_text(encoding="utf-8")
        assert json.loads(part) == {"name": "Zähne", "box": [1.5, 2.0], "n": 3, "at": str(path)}
        assert not path.exists()
        sink.write({"n": 4})
    assert len(path.read_text().splitlines()) == 2
    assert list(tmp_path.iterdir()) == [path]
    sink.close()


def test_an_error_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old\n")
    with pytest.raises(RuntimeError), JsonlSink(path) as sink:
        sink.write({"n": 1})
        raise RuntimeError
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_refused(tmp_path: Path, value: object) -> None:
    with (
        pytest.raises(SinkError, match=r"out\.jsonl cannot be written"),
        JsonlSink(tmp_path / "out.jsonl") as sink,
    ):
        sink.write({"value": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".webp", ".bmp", ".tiff"])
def test_images(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "sub" / f"bild ä{suffix}"
    write_image(path, np.full((20, 30, 3), (10, 200, 30), np.uint8))
    back = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert np.abs(back[10, 10].astype(int) - (10, 200, 30)).max() < 8
    assert len(list(path.parent.iterdir())) == 1


def test_images_that_cannot_be_written(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    with pytest.raises(SinkError, match="images are written as"):
        write_image(tmp_path / "a.xyz", image)
    with pytest.raises(SinkError, match=r"a\.webp: \.webp cannot hold a picture of 20000×2 px"):
        write_image(tmp_path / "a.webp", np.zeros((2, 20_000, 3), np.uint8))
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="cannot be written"):
        write_image(tmp_path / "file" / "a.png", image)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_temporary_names() -> None:
    assert part_path(Path("a/clip.mp4")) == Path("a/.clip.part.mp4")
    long = part_path(Path("é" * 125 + ".mp4")).name
    assert len(long) == len(".12345678.part.mp4")
    assert long != part_path(Path("é" * 124 + ".mp4")).name
