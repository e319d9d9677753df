"""Networks as ONNX: the same numbers under OpenVINO at any size and batch, and no noise."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from fra_live.networks import build_network  # noqa: E402
from fra_live.networks.fcn import SegmentationNetwork  # noqa: E402
from fra_live.runtime.openvino import compile_network  # noqa: E402
from fra_live.training.export import export_onnx  # noqa: E402
from fra_live.training.predict import predict  # noqa: E402


def lively(name: str, **options: int) -> SegmentationNetwork:
    """A network with random weights whose outputs differ from px to px."""
    torch.manual_seed(0)
    network = build_network(name, 5, 2, **options)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.3, 0.3)
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 2.0)
        for parameter in network.head.parameters():
            if float(parameter.abs().max()) == 0:  # FCN's scores start at nought
                parameter.normal_(0, 0.1)
    return network.eval()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("decoder_mobilenet_v1", {"frozen_blocks": 3}),
        ("fcn8s_mobilenet_v1", {}),
        ("fcn8s_vgg16", {"fc_channels": 32}),
    ],
)
def test_openvino_equals_torch(name: str, options: dict[str, int], tmp_path: Path) -> None:
    network = lively(name, **options)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    export_onnx(network, tmp_path / "network.onnx")
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    engine = compile_network(tmp_path / "network.onnx", "f32", threads=1)
    rng = np.random.default_rng(0)
    for shape in ((1, 64, 96), (3, 32, 32)):
        images = rng.integers(0, 256, (*shape, 3), np.uint8)
        probabilities, logits = engine(images)
        expected, expected_logits = predict(network, images)
        assert probabilities.shape == expected.shape
        assert float(np.ptp(expected[0], axis=(1, 2)).max()) > 1e-3  # there is something to compare
        np.testing.assert_allclose(probabilities, expected, atol=1e-4)
        np.testing.assert_allclose(logits, expected_logits, atol=1e-4, rtol=1e-4)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_blue_and_red_are_told_apart(tmp_path: Path) -> None:
    network = lively("fcn32s_mobilenet_v1")
    blue = np.zeros((1, 32, 32, 3), np.uint8)
    blue[..., 0] = 255  # BGR
    rgb = torch.zeros(1, 3, 32, 32)
    rgb[:, 2] = 255.0
    with torch.inference_mode():
        expected = network(rgb).logits.softmax(dim=1).numpy()
    np.testing.assert_allclose(predict(network, blue)[0], expected, atol=1e-5)
    export_onnx(network, tmp_path / "network.onnx")
    engine = compile_network(tmp_path / "network.onnx", "f32", threads=1)
    np.testing.assert_allclose(engine(blue)[0], expected, atol=1e-4)


def test_the_user_sees_no_warnings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        export_onnx(lively("decoder_mobilenet_v1"), tmp_path / "network.onnx")
    assert [str(w.message) for w in caught] == []
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
    assert caplog.messages == []
    assert (tmp_path / "network.onnx").stat().st_size > 1e6
    assert len(list(tmp_path.iterdir())) == 1  # no weights in files beside it
