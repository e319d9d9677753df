"""Table 1 and Figure 2: regions that an oracle gives, and objects by their size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from fra_live.annotations import read_annotations
from fra_live.errors import DataError
from fra_live.evaluation.oracle import ROWS, VIEWS, object_crops, oracle_features, table_1
from fra_live.evaluation.tables_drawing import draw_sizes
from fra_live.evaluation.tables_form import Measured
from fra_live.evaluation.tables_sizes import compare_sizes, object_share
from fra_live.samples import Region, Sample
from tests.tiny import LABELS, draw_set

# ---- Figure 2 ----


def outlined(action: str, side: float) -> Sample:
    box = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    region = Region(LABELS.actions[action], (box,), (0.0, 0.0, side, side))
    return Sample(Path("a.png"), 100, 100, action, frozenset(LABELS.names[1:]), (region,))


def test_thirds_differ_by_size_alone() -> None:
    sides = [5, 6, 7, 20, 21, 22, 60, 61, 62]
    samples = [outlined(a, s) for a in LABELS.action_names for s in sides]
    kinds = np.repeat([0, 1], len(sides))
    scores = np.eye(2)[kinds]
    small = np.tile(np.array(sides) < 10, 2)
    scores[small] = 1 - scores[small]  # small objects are all mistaken
    found = compare_sizes(samples, LABELS, {"all": Measured(scores, kinds)})
    assert found is not None
    assert found.share["drinking"] == pytest.approx(0.0441)
    assert found.thirds["all"]["small"] < 0.3
    # A third's images compete with the mistaken images of the other action.
    assert found.thirds["all"]["medium"] == found.thirds["all"]["large"] == 0.5
    assert found.count == 18
    drawn = cv2.imdecode(np.frombuffer(draw_sizes(found), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape[1] > 1000
    assert compare_sizes([replace(s, regions=()) for s in samples], LABELS, {}) is None
    assert object_share(replace(samples[0], action="none"), LABELS) is None


# ---- Table 1 ----


def test_the_mask_keeps_the_object_alone() -> None:
    image = np.full((100, 100, 3), 10, np.uint8)
    image[20:40, 30:50] = 200
    triangle = np.array([(30, 20), (50, 20), (30, 40)], np.float32)
    region = Region("drink", (triangle,), (30.0, 20.0, 50.0, 40.0))
    crop, masked = object_crops(image, outlined("drinking", 5), region)
    assert crop.shape == masked.shape == (20, 20, 3)
    assert (crop == 200).all()
    assert (masked[2, 2] == 200).all() and (masked[18, 18] == 127).all()
    large, _ = object_crops(cv2.resize(image, (200, 200)), outlined("drinking", 5), region)
    assert large.shape == (40, 40, 3)


def mean_colours(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1, 3).mean(axis=1).astype(np.float32)


def test_an_oracle_that_sees_colours(tmp_path: Path) -> None:
    data = read_annotations(draw_set(tmp_path / "set", count=30), LABELS)
    keep = tmp_path / "features.npz"
    table = table_1(data.samples, data.samples, LABELS, mean_colours, keep)
    figures = {row.name: row.figures["test"]["mean"] for row in table.rows}
    assert figures.keys() == ROWS.keys()
    assert figures["object box"] == figures["masked object"] == 1.0  # blue cups, green phones
    assert "20 training" in table.note

    def never(images: np.ndarray) -> np.ndarray:
        raise AssertionError("the features are kept")

    assert table_1(data.samples, data.samples, LABELS, never, keep) == table
    few = [s for s in data.samples if s.action != "phoning"]
    with pytest.raises(DataError, match=r"five images or more of 'phoning'.* the test set"):
        table_1(data.samples, few, LABELS, mean_colours)


def test_regions_have_rows_of_unit_length(tmp_path: Path) -> None:
    samples = read_annotations(draw_set(tmp_path / "set", count=6), LABELS).samples
    acted = [s for s in samples if s.action != "none"]
    found = oracle_features(acted, LABELS, mean_colours)
    for view in VIEWS:
        np.testing.assert_allclose(np.linalg.norm(found[view], axis=1), 1.0, rtol=1e-6)
