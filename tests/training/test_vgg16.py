"""The paper's own path, small: a step of training, ONNX, and an engine that runs it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from fra_live.annotations import read_training_sets  # noqa: E402
from fra_live.runtime.openvino import compile_network  # noqa: E402
from fra_live.training.heads import exported  # noqa: E402
from fra_live.training.images import load_images  # noqa: E402
from fra_live.training.networks import load_network, train_network  # noqa: E402
from fra_live.training.predict import predict  # noqa: E402
from fra_live.training.recipes import recipe  # noqa: E402
from fra_live.training.run import new_network  # noqa: E402
from tests.tiny import LABELS  # noqa: E402


def test_from_random_weights_to_an_engine(tiny_set: Path, tmp_path: Path) -> None:
    images = load_images(read_training_sets([tiny_set]).samples[:2], LABELS)
    # the paper's recipe but for size, length and the width of fc6 and fc7
    small = replace(recipe("vgg16").coarse, size=64, epochs=1, batch=2, fc_channels=32)
    network = new_network(small, LABELS, "coarse", None, seed=0)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    run = tmp_path / "run"
    trained = train_network("coarse", images, LABELS, small, network, run).state_dict()
    moved = [k for k in before if not torch.equal(before[k], trained[k])]
    for part in ("backbone.features.0.weight", "backbone.fc6.weight", "head.scores.0.weight"):
        assert part in moved

    engine = compile_network(exported(run, "coarse"), "f32", threads=1)
    frame = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    probabilities, logits = engine(frame)
    assert probabilities.shape == (1, 5, 8, 8)
    expected, expected_logits = predict(load_network(run / "coarse.pt")[0], frame)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    np.testing.assert_allclose(logits, expected_logits, atol=1e-3, rtol=1e-3)
    shutil.rmtree(run)  # 120 MB
