"""The floor check: crops by hand, and a small set whose answer is in its colours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live.annotations import Region, Sample
from fra_live.evaluation.probe import extract, face_crop, fit_and_measure, main, probe


def sample(width: int, height: int, *faces: tuple[float, float, float, float]) -> Sample:
    regions = tuple(Region("face", (), box) for box in faces)
    return Sample(Path("a.jpg"), height, width, "drinking", frozenset(), regions)


def test_the_crop_is_twice_the_face_and_grey_beyond_the_border() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:20, 0:10] = 200  # the larger face, at the left border
    crop = face_crop(image, sample(60, 40, (0, 10, 10, 20), (50, 5, 54, 9)))
    assert crop.shape == (20, 20, 3)
    assert (crop[:, :5] == 127).all()
    assert (crop[5:15, 5:15] == 200).all()
    assert (crop[:5, 5:] == 0).all()


def test_the_crop_follows_a_photo_larger_than_its_annotation() -> None:
    image = np.zeros((80, 120, 3), np.uint8)
    crop = face_crop(image, sample(60, 40, (20, 10, 30, 20)))
    assert crop.shape == (40, 40, 3)


def test_without_a_face_the_whole_image_is_taken() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    assert face_crop(image, sample(60, 40)) is image


def test_linear_svms_find_what_is_linear() -> None:
    pytest.importorskip("sklearn")
    random = np.random.default_rng(0)
    actions = np.repeat([0, 1, 2], 20)
    x = random.normal(0, 0.3, (60, 5)) + 2 * np.eye(3, 5)[actions]
    noise = random.normal(0, 0.3, (60, 5))
    ap, cost = fit_and_measure((x, actions), (x + random.normal(0, 0.1, x.shape), actions))
    assert min(ap) > 0.98
    assert cost > 0
    blind, _ = fit_and_measure((noise, actions), (random.normal(0, 0.3, (60, 5)), actions))
    assert np.mean(blind) < 0.6


def test_a_probe_from_files_to_figures(make_set: Any) -> None:
    pytest.importorskip("sklearn")
    entries = [
        {"action": a, "painted": [("face", (5, 5, 25, 30)), (o, (30 + i, 20, 50 + i, 40))]}
        for a, o in (("drinking", "drink"), ("phoning", "phone"))
        for i in range(6)
    ]
    path = make_set([*entries, {"action": "none", "painted": []}])
    for name in ("train.json", "test.json"):
        path.with_name(name).write_text(path.read_text())

    def colours(images: np.ndarray) -> np.ndarray:
        assert images.shape[1:] == (224, 224, 3)
        return images.reshape(len(images), -1, 3).mean(axis=1).astype(np.float32)

    figures = probe(path.parent, colours)
    assert (figures["n_train"], figures["n_test"]) == (12, 12)
    assert figures["image"]["mean_ap"] == 1.0
    json.dumps(figures, allow_nan=False)


def test_features_are_rows_of_unit_length(make_set: Any) -> None:
    from fra_live.annotations import read_annotations

    data = read_annotations(make_set([{"action": "none", "painted": []}] * 3))
    found = extract(data.samples, lambda images: np.full((len(images), 4), 2.0), batch=2)
    assert found["face"].shape == (3, 4)
    np.testing.assert_allclose(np.linalg.norm(found["image"], axis=1), 1.0)


def test_missing_weights_are_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone.npz"
    assert main(["--data", str(tmp_path), "--pretrained", str(gone)]) == 1
    message = capsys.readouterr().err
    assert "gone.npz" in message
    assert message.count("\n") == 1
