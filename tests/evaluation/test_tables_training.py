"""What is trained for the tables alone: networks of sections 3.1 and 4.1, and a pooling layer."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("torch")

from fra_live.annotations import read_annotations
from fra_live.errors import DataError
from fra_live.evaluation.tables_evidence import kept_evidence
from fra_live.evaluation.tables_pooling import (
    compare_pooling,
    finer_cells,
    fit_pooling,
    kept_or_learned,
)
from fra_live.evaluation.tables_training import (
    VARIANTS,
    compare_variants,
    recipe_of,
    train_variants,
)
from fra_live.parameters import Parameters
from fra_live.runtime.bundle import load_bundle
from fra_live.training.evidence import collect
from tests.tiny import LABELS, PARAMETERS, colour_segmenter

# ---- sections 3.1 and 4.1 ----


def test_variants_train_resume_and_are_compared(tiny_set: Path, tmp_path: Path) -> None:
    samples = read_annotations(tiny_set, LABELS).samples
    recipes = {k: recipe_of(v, size=64, epochs=1) for k, v in VARIANTS.items()}
    said: list[str] = []
    train_variants(samples, LABELS, tmp_path, recipes=recipes, say=said.append)
    assert "3 networks will take about 1 minutes here" in said[0]
    assert sorted(p.name for p in tmp_path.glob("*.pt")) == [f"{k}.pt" for k in sorted(VARIANTS)]
    train_variants(samples, LABELS, tmp_path, recipes=recipes, say=said.append)
    assert said[-1].endswith("already.")
    found = compare_variants(tmp_path, samples)
    assert found is not None
    assert [t["claim"].split(" (")[0] for t in found["trends"]] == [
        "stride 8 beats stride 32",
        "joint training with faces and hands beats objects only",
    ]
    for row in found["rows"].values():
        assert 0 <= row["mean_ap"] <= 1 and 0 <= row["mean_iou"] <= 1
        assert set(row["iou"]) == set(LABELS.objects)
    json.dumps(found, allow_nan=False)
    assert compare_variants(tmp_path / "nothing", samples) is None


# ---- section 3.2's remark ----


def test_a_pooling_layer_learns_what_it_is_shown() -> None:
    rng = np.random.default_rng(0)
    cells = rng.random((2000, 4, 6, 6)).astype(np.float16)
    overlaps = cells[:, 1, 2:4, 2:4].mean(axis=(1, 2)).astype(np.float32)
    import torch

    model = fit_pooling(cells, overlaps, grid=2, seed=0)
    with torch.inference_mode():
        found = model(torch.from_numpy(cells.astype(np.float32))).numpy()
    assert found.shape == (2000,)
    assert np.corrcoef(found, overlaps)[0, 1] > 0.2  # by chance .02; it depends on the threads


def test_finer_cells_are_the_context_features_in_finer_cells(tiny_set: Path) -> None:
    sample = next(s for s in read_annotations(tiny_set, LABELS).samples if s.action == "drinking")
    image, segment = cv2.imread(str(sample.path)), colour_segmenter()
    cells, context = finer_cells(image, segment).astype(np.float32), segment(image).context
    assert cells.shape == (len(context), 2 * 5, 15, 15)
    pooled = cells.reshape(len(cells), 2, 5, 5, 3, 5, 3).mean(axis=(4, 6)).transpose(0, 1, 3, 4, 2)
    inside = np.isclose(pooled.reshape(len(context), -1), context, atol=5e-3)
    assert inside.mean() > 0.8  # others reach beyond the border, where cells are 0


def test_both_rankings_are_held_out(tiny_model: Path, tiny_set: Path, tmp_path: Path) -> None:
    samples, segmenter = read_annotations(tiny_set, LABELS).samples, colour_segmenter()
    evidence = collect(samples, lambda _: segmenter, LABELS)
    found = compare_pooling(evidence, [e.overlap for e in evidence], LABELS, PARAMETERS.top)
    rows = found["rows"]
    assert rows["learned"]["top1"] == 1.0 and rows["learned"]["mean_error"] == 0.0  # it knew
    assert 0 < rows["fixed"]["top1"] <= rows["fixed"]["top3"] <= 1.0
    json.dumps(found, allow_nan=False)

    training, keep = tiny_model / "training", tmp_path / "pooling.npz"
    parameters = Parameters.from_dict(load_bundle(tiny_model).parameters)
    kept, _ = kept_evidence(training, LABELS, parameters)
    learned = kept_or_learned(keep, training, kept, samples, LABELS, parameters)
    assert [len(o) for o in learned] == [len(e.channels) for e in kept]
    again = kept_or_learned(keep, training, kept, [], LABELS, parameters)  # photos not needed
    assert all(np.array_equal(a, b) for a, b in zip(learned, again, strict=True))
    keep.unlink()
    with pytest.raises(DataError, match="which --training-data does not list"):
        kept_or_learned(keep, training, kept, samples[:5], LABELS, parameters)
