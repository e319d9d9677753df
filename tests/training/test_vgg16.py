"""The paper's own path, small: networks, heads, a bundle, and a recognizer that runs it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from fra_live.recognizer import load  # noqa: E402
from fra_live.runtime.openvino import compile_network  # noqa: E402
from fra_live.training.networks import load_network  # noqa: E402
from fra_live.training.pipeline import Training  # noqa: E402
from fra_live.training.predict import predict  # noqa: E402
from fra_live.training.recipes import recipe  # noqa: E402
from fra_live.training.run import new_network  # noqa: E402
from tests.tiny import ACTIONS, LABELS, draw_set, scene  # noqa: E402


def test_from_random_weights_to_a_recognizer(tmp_path: Path) -> None:
    data = draw_set(tmp_path / "set", count=15)
    paper = recipe("vgg16", epochs=1)
    # the paper's recipe but for size, length, rate, batch and the width of fc6 and fc7
    less = {"batch": 3, "backbone_rate": 1e-3, "head_rate": 1e-3, "fc_channels": 32}
    small = replace(
        paper,
        coarse=replace(paper.coarse, size=64, **less),
        fine=replace(paper.fine, size=32, **less),
    )
    training = Training([data], tmp_path / "vgg", small)
    training.networks()
    run = training.run
    before = new_network(small.coarse, LABELS, "coarse", None, seed=0).state_dict()
    network = load_network(run / "coarse.pt")[0]
    trained = network.state_dict()
    moved = [k for k in before if not torch.equal(before[k], trained[k])]
    for part in ("backbone.features.0.weight", "backbone.fc6.weight", "head.scores.0.weight"):
        assert part in moved
    assert not list(run.glob("*_fold*"))  # the paper's heads learn from the training images

    training.ranker()
    training.classifier()
    folder = training.release()
    recognizer = load(folder, precision="f32", threads=1)
    assert recognizer.bundle.manifest["recipe"]["coarse"]["builder"] == "fcn8s_vgg16"
    result = recognizer(scene("drinking", (96, 128), 5)[0], explain=True)
    assert tuple(result.actions) == ACTIONS
    assert sum(result.actions.values()) == pytest.approx(1)
    assert result.explanation is not None
    assert result.explanation.coarse_probabilities.shape == (5, 8, 8)  # stride 8

    frame = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    engine = compile_network(folder / "coarse.onnx", "f32", threads=1)
    for here, there in zip(engine(frame), predict(network, frame), strict=True):
        np.testing.assert_allclose(here, there, atol=1e-3, rtol=1e-3)
    shutil.rmtree(tmp_path)  # 600 MB
