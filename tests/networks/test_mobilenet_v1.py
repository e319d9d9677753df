"""MobileNetV1: shapes, padding, folding, freezing, and the known means of the real weights."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fra_live.errors import DataError  # noqa: E402
from fra_live.networks.mobilenet_v1 import MobileNetV1, NormConv  # noqa: E402


def randomise(module: torch.nn.Module, seed: int = 0) -> None:
    """Give every batch norm statistics of its own."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            with torch.no_grad():
                part.weight.uniform_(0.5, 1.5, generator=generator)
                part.bias.uniform_(-0.5, 0.5, generator=generator)
                part.running_mean.uniform_(-0.5, 0.5, generator=generator)
                part.running_var.uniform_(0.5, 2.0, generator=generator)


def test_shapes() -> None:
    features = MobileNetV1().eval()(torch.zeros(2, 3, 64, 96))
    assert [tuple(f.shape) for f in features] == [
        (2, c, 64 // s, 96 // s)
        for s, c in zip(MobileNetV1.strides, MobileNetV1.channels, strict=True)
    ]


def test_stride_two_pads_right_and_bottom_as_tensorflow() -> None:
    conv = NormConv(1, 1, 3, 2).eval()
    with torch.no_grad():
        conv.weight.fill_(1.0)
    image = torch.arange(16, dtype=torch.float32).reshape(1, 1, 4, 4) / 100
    # windows begin at px 0 and 2; what lies beyond 3 is nought
    expected = torch.tensor([[45.0, 39.0], [66.0, 50.0]]) / 100 / (1 + 1e-3) ** 0.5
    assert conv(image)[0, 0].detach().numpy() == pytest.approx(expected.numpy(), rel=1e-5)


def test_relu6() -> None:
    conv = NormConv(1, 1, 1, 1).eval()
    with torch.no_grad():
        conv.weight.fill_(1.0)
    out = conv(torch.tensor([-3.0, 2.0, 9.0]).reshape(1, 1, 1, 3))[0, 0, 0]
    assert out.tolist() == pytest.approx([0.0, 2 / (1 + 1e-3) ** 0.5, 6.0])


@pytest.mark.parametrize(("kernel", "stride", "groups"), [(3, 1, 4), (3, 2, 4), (1, 1, 1)])
def test_folding_is_exact(kernel: int, stride: int, groups: int) -> None:
    torch.manual_seed(0)
    conv = NormConv(4, 4, kernel, stride, groups)
    randomise(conv)
    x = torch.randn(2, 4, 8, 8)
    folded = conv.eval()(x)
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1)) if stride == 2 else x
    padding = 1 if kernel == 3 and stride == 1 else 0
    plain = torch.nn.functional.conv2d(padded, conv.weight, None, stride, padding, groups=groups)
    expected = conv.norm.eval()(plain).clamp(0, 6)
    torch.testing.assert_close(folded, expected, atol=1e-5, rtol=1e-5)


def test_frozen_blocks_stay_as_they_are() -> None:
    backbone = MobileNetV1(frozen_blocks=2).train()
    frozen = [backbone.stem, *backbone.blocks[:2]]
    assert not any(p.requires_grad for part in frozen for p in part.parameters())
    assert all(p.requires_grad for part in backbone.blocks[2:] for p in part.parameters())
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    sum(f.mean() for f in backbone(255 * torch.rand(2, 3, 32, 32))).backward()
    after = backbone.state_dict()
    means = [k for k in before if k.endswith("running_mean")]
    moved = {k for k in means if not torch.equal(before[k], after[k])}
    assert "blocks.2.0.norm.running_mean" in moved
    assert not any(k.startswith(("stem.", "blocks.0.", "blocks.1.")) for k in moved)


def weights(backbone: MobileNetV1) -> dict[str, np.ndarray]:
    """Its weights by the names of the released ones."""
    arrays: dict[str, np.ndarray] = {}
    parts = [("stem", backbone.stem)]
    for i, block in enumerate(backbone.blocks):
        parts += [(f"blocks.{i}.depthwise", block[0]), (f"blocks.{i}.pointwise", block[1])]
    for prefix, part in parts:
        arrays[f"{prefix}.conv.weight"] = part.weight.detach().numpy()
        for name in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{prefix}.bn.{name}"] = getattr(part.norm, name).detach().numpy()
    return arrays


def test_weights_are_loaded(tmp_path: Path) -> None:
    torch.manual_seed(1)
    source = MobileNetV1().eval()
    randomise(source)
    np.savez(tmp_path / "weights.npz", **weights(source))
    target = MobileNetV1().eval()
    target.load_imagenet(tmp_path / "weights.npz")
    x = 255 * torch.rand(1, 3, 32, 32)
    for a, b in zip(source(x), target(x), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("case", ["missing", "no archive", "an array is missing", "a wrong shape"])
def test_other_files(tmp_path: Path, case: str) -> None:
    path = tmp_path / "weights.npz"
    if case == "no archive":
        path.write_bytes(b"weights")
    elif case != "missing":
        arrays = weights(MobileNetV1())
        if case == "an array is missing":
            del arrays["blocks.3.pointwise.bn.bias"]
        else:
            arrays["stem.conv.weight"] = np.zeros((3, 3), np.float32)
        np.savez(path, **arrays)
    with pytest.raises(DataError, match=r"weights\.npz does not hold MobileNetV1 weights"):
        MobileNetV1().load_imagenet(path)


def test_known_means_of_the_imagenet_weights() -> None:
    given = os.environ.get("FRA_LIVE_PRETRAINED")
    if not given:
        pytest.skip("FRA_LIVE_PRETRAINED names no file of MobileNetV1's ImageNet weights")
    backbone = MobileNetV1().eval()
    backbone.load_imagenet(Path(given))
    constant = torch.full((1, 3, 224, 224), (0.25 + 1) * 255 / 2)  # .25 after scaling
    with torch.inference_mode():
        features = backbone(constant)
    means = [float(f.mean()) for f in features[1:]]  # strides 8, 16, 32
    assert means == pytest.approx([0.5433, 0.7131, 0.2078], abs=2e-4)
