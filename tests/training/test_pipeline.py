"""A complete training from random weights: every part lands in its place and is found again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from fra_live.errors import DataError, SinkError
from fra_live.runtime.bundle import load_bundle
from fra_live.runtime.manifest import record_figures
from fra_live.training import networks
from fra_live.training.pipeline import Training
from tests.tiny import LABELS, tiny_recipe

TRAINED = ["coarse.pt", "coarse_fold0.pt", "coarse_fold1.pt", "fine.pt", "fine_fold0.pt",
           "fine_fold1.pt"]  # fmt: skip


def test_what_a_training_leaves(tiny_model: Path) -> None:
    bundle = load_bundle(tiny_model)
    assert bundle.name == tiny_model.name
    assert bundle.labels == LABELS
    assert bundle.parameters["coarse_size"] == bundle.parameters["fine_size"] == 64
    assert sorted(p.name for p in tiny_model.iterdir()) == [
        "coarse.onnx", "fine.onnx", "heads.npz", "manifest.json", "training",
    ]  # fmt: skip
    run = tiny_model / "training"
    assert sorted(p.name for p in run.glob("*.pt")) == TRAINED
    assert not list(run.glob("*.checkpoint"))
    manifest = bundle.manifest
    assert manifest["trained_on"]["images"] == 24
    assert manifest["trained_on"]["actions"] == {"drinking": 8, "none": 8, "phoning": 8}
    assert manifest["trained_on"]["outlines"]["face"] == 24
    assert set(manifest["figures"]["held_out"]) == {"recall", "false_alarm_rate"}
    assert manifest["recipe"]["coarse"]["builder"] == "decoder_mobilenet_v1"


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the finished training, to be changed."""
    return Path(shutil.copytree(tiny_model, tmp_path / "tiny", copy_function=shutil.copy2))


def test_a_finished_training_is_not_done_again(
    tiny_set: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a network is trained again")

    monkeypatch.setattr(networks, "_losses", fail)
    before = (copy / "manifest.json").read_text()
    training = Training([tiny_set], copy, tiny_recipe())
    training.networks()
    (copy / "training" / "coarse_fold0.onnx").unlink()  # evidence is read, not made anew
    assert len(training.evidence()) == 24
    assert not (copy / "training" / "coarse_fold0.onnx").exists()
    training.ranker()
    training.classifier()
    assert training.release() == copy
    assert json.loads((copy / "manifest.json").read_text()) == json.loads(before)


def test_evidence_that_is_kept_is_evidence_that_was_made(tiny_set: Path, copy: Path) -> None:
    kept = Training([tiny_set], copy, tiny_recipe()).evidence()
    (copy / "training" / "evidence.npz").unlink()
    made = Training([tiny_set], copy, tiny_recipe()).evidence()
    for a, b in zip(kept, made, strict=True):
        assert (a.sample.path, a.action, a.scored) == (b.sample.path, b.action, b.scored)
        for name in ("channels", "context", "overlap", "features", "alone"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-4)


def test_release_keeps_what_else_lies_in_the_folder(tiny_set: Path, copy: Path) -> None:
    (copy / "MODEL_CARD.md").write_text("by hand")
    record_figures(copy, "test", {"mean_ap": 0.5})
    assert load_bundle(copy).manifest["figures"]["test"] == {"mean_ap": 0.5}
    Training([tiny_set], copy, tiny_recipe()).release()
    assert (copy / "MODEL_CARD.md").read_text() == "by hand"
    assert (copy / "training" / "coarse.pt").exists()
    assert not [p for p in copy.iterdir() if p.name.startswith(".")]


def test_release_needs_all_parts(tiny_set: Path, copy: Path) -> None:
    (copy / "training" / "classifier.npz").unlink()
    with pytest.raises(DataError, match=r"classifier\.npz is missing; train ranker and classif"):
        Training([tiny_set], copy, tiny_recipe()).release()


def test_release_needs_the_networks(tiny_set: Path, copy: Path) -> None:
    (copy / "training" / "fine.pt").unlink()
    with pytest.raises(DataError, match=r"fine\.pt is missing; run 'fra-live train networks'"):
        Training([tiny_set], copy, tiny_recipe()).release()
    load_bundle(copy)  # the bundle that was there is whole


def test_a_folder_that_cannot_be_written(tiny_set: Path, copy: Path) -> None:
    (copy / "manifest.json").unlink()
    (copy / "manifest.json").mkdir()
    with pytest.raises(SinkError, match="cannot be written"):
        Training([tiny_set], copy, tiny_recipe()).release()


def test_ranker_before_networks(tiny_set: Path, tmp_path: Path) -> None:
    training = Training([tiny_set], tmp_path / "new", tiny_recipe())
    with pytest.raises(DataError, match=r"coarse_fold0\.pt is missing; run 'fra-live train netw"):
        training.ranker()


def test_the_papers_way_has_no_folds(tiny_set: Path, copy: Path) -> None:
    (copy / "training" / "evidence.npz").unlink()
    for path in (copy / "training").glob("*_fold*"):
        path.unlink()
    evidence = Training([tiny_set], copy, replace(tiny_recipe(), folds=0)).evidence()
    assert len(evidence) == 24
