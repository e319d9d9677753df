"""The order of a training, and what it refuses before it begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fra_live.annotations import AnnotationSet, Sample, read_training_sets  # noqa: E402
from fra_live.errors import DataError  # noqa: E402
from fra_live.training.run import folds_of, new_network, train_networks  # noqa: E402
from tests.tiny import LABELS, draw_set, tiny_recipe  # noqa: E402


def sample(name: str, action: str | None) -> Sample:
    return Sample(Path(name), 10, 10, action, frozenset(), ())


def test_folds_are_even_within_each_action_and_know_no_order() -> None:
    samples = [sample(f"d{i}.png", "drinking") for i in range(5)]
    samples += [sample(f"n{i}.png", "none") for i in range(4)]
    samples += [sample("u.png", None)]
    folds = folds_of(samples, 2)
    assert folds.tolist() == [0, 1, 0, 1, 0, 0, 1, 0, 1, -1]  # unknown actions are never held out
    order = np.random.default_rng(0).permutation(len(samples))
    assert folds_of([samples[i] for i in order], 2).tolist() == folds[order].tolist()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> AnnotationSet:
    return read_training_sets([draw_set(tmp_path_factory.mktemp("run") / "set", count=6)])


def test_a_label_without_an_example(data: AnnotationSet, tmp_path: Path) -> None:
    bare = [replace(s, regions=tuple(r for r in s.regions if r.label != "phone"))
            for s in data.samples]  # fmt: skip
    with pytest.raises(DataError, match=r"train\.json: the label 'phone' has no outlined example"):
        train_networks(replace(data, samples=tuple(bare)), tiny_recipe(), tmp_path)


def test_a_single_image_of_an_action(data: AnnotationSet, tmp_path: Path) -> None:
    phoning = [s for s in data.samples if s.action == "phoning"]
    few = [s for s in data.samples if s not in phoning[1:]]
    with pytest.raises(DataError, match=r"train\.json: the action 'phoning' has 1 image\(s\)"):
        train_networks(replace(data, samples=tuple(few)), tiny_recipe(), tmp_path)


def test_nothing_but_one_action(data: AnnotationSet, tmp_path: Path) -> None:
    labels = replace(data.labels, actions={"drinking": "drink"})
    drinking = tuple(s for s in data.samples if s.action == "drinking")
    with pytest.raises(DataError, match=r"train\.json: all images show one action; add images of"):
        train_networks(replace(data, samples=drinking, labels=labels), tiny_recipe(), tmp_path)


def test_an_image_that_cannot_be_decoded(data: AnnotationSet, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("no image")
    spoilt = (replace(data.samples[0], path=tmp_path / "x.png"), *data.samples[1:])
    with pytest.raises(DataError, match=r"x\.png cannot be decoded as an image"):
        train_networks(replace(data, samples=spoilt), tiny_recipe(), tmp_path)


def test_networks_start_from_the_seed() -> None:
    recipe = tiny_recipe(frozen_blocks=3).coarse
    first, again, other = (new_network(recipe, LABELS, "coarse", None, s) for s in (0, 0, 1))
    assert torch.equal(first.action.weight, again.action.weight)
    assert not torch.equal(first.action.weight, other.action.weight)
    # random weights are trained from the first block on
    assert all(p.requires_grad for p in first.parameters())


def test_weights_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes(b"weights")
    with pytest.raises(DataError, match=r"weights\.npz does not hold MobileNetV1 weights"):
        new_network(tiny_recipe().coarse, LABELS, "coarse", tmp_path / "weights.npz", 0)
    with pytest.raises(DataError, match=r"coarse_fold0\.pt is no trained network"):
        new_network(tiny_recipe().coarse, LABELS, "coarse", tmp_path, 0)
