"""The README's example: a set that is drawn, a model of one's own, photos recognized by it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("skimage")

from fra_live import cli
from fra_live.annotations import read_annotations
from fra_live.recognizer import load
from tests.scripts.conftest import Run


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the set is made, once."""
    return tmp_path_factory.mktemp("example") / "my_objects"


@pytest.fixture
def made(example: Path, run: Run) -> Path:
    """The set: fifteen photos to train on, three to look at."""
    if not example.exists():
        done = run("make_example_set.py", example, "--images", "15", "--test-images", "3")
        assert done.returncode == 0, done.stderr
        assert done.stdout == (
            f"15 photos with outlines: {example / 'train.json'}; 3: {example / 'test.json'}\n"
        )
    return example


def test_the_set_is_what_training_reads(made: Path) -> None:
    data = read_annotations(made / "train.json")
    assert data.labels.names == ("background", "face", "hand", "spoon", "paint_brush")
    assert data.labels.body_parts == ("face", "hand")
    assert data.labels.actions == {"eating": "spoon", "face_painting": "paint_brush"}
    counts = Counter(s.action for s in data.samples)
    assert counts == {"eating": 5, "face_painting": 5, "none": 5}
    for sample in data.samples:
        assert sample.boxes("face")
        assert bool(sample.boxes("spoon")) == (sample.action == "eating")
        assert bool(sample.boxes("paint_brush")) == (sample.action == "face_painting")
    assert sum(bool(s.boxes("hand")) for s in data.samples) == 12  # three of "none" show no hand


def test_outlines_lie_on_what_is_drawn(made: Path) -> None:
    data = read_annotations(made / "train.json")
    for sample in data.samples:
        if sample.action != "face_painting":
            continue
        image = cv2.imread(str(sample.path)).astype(np.float32)
        truth = sample.label_map(data.labels, sample.height, sample.width)
        brush = image[truth == data.labels.index("paint_brush")]
        # The bristles are the only deep red; none of the face is so.
        redness = brush[:, 2] - brush[:, :2].max(axis=1)
        assert np.percentile(redness, 90) > 60
        face = image[truth == data.labels.index("face")]
        assert np.percentile(face[:, 2] - face[:, 1], 90) < 70


def test_the_same_seed_draws_the_same(made: Path, run: Run, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert run("make_example_set.py", again, "--images", "2", "--test-images", "1").returncode == 0
    first = json.loads((made / "train.json").read_text())["annotations"]
    repeated = json.loads((again / "train.json").read_text())["annotations"]
    assert repeated == first[: len(repeated)]


def test_a_folder_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = run("make_example_set.py", tmp_path / "taken", "--images", "1", "--test-images", "1")
    assert done.returncode == 1
    assert "taken" in done.stderr and "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_model_of_ones_own_from_the_shipped_one(
    made: Path, mobile_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("torch", "sklearn", "onnx", "onnxscript"):
        pytest.importorskip(module)
    mine, out = tmp_path / "mine", tmp_path / "results"
    train = ["train", "all", "--data", str(made / "train.json"), "--out", str(mine)]
    options = ["--recipe", "quick", "--epochs", "1", "--pretrained", str(mobile_bundle)]
    assert cli.main([*train, *options, "--threads", "1"]) == 0
    assert f"The model is in {mine}" in capsys.readouterr().out
    photos = sorted(str(p) for p in (made / "images").glob("test_*.jpg"))
    use = ["--model", str(mine), "--precision", "f32", "--threads", "1"]
    assert cli.main(["process", *photos, "--out", str(out), *use]) == 0
    assert sorted(p.name for p in out.glob("*.jpg")) == [Path(p).name for p in photos]
    result = load(mine, precision="f32", threads=1)(cv2.imread(photos[0]))
    assert list(result.actions) == ["eating", "face_painting", "none"]
    assert {c.label for c in result.candidates} <= {"spoon", "paint_brush"}
