"""Heads: FCN-8s, FCN-32s and the decoder."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from fra_live.networks import BUILDERS, build_network  # noqa: E402
from fra_live.networks.fcn import FeatureDecoder, ScoreFusion  # noqa: E402

STRIDES = {
    "fcn8s_mobilenet_v1": 8,
    "fcn32s_mobilenet_v1": 32,
    "decoder_mobilenet_v1": 4,
    "fcn8s_vgg16": 8,
    "fcn32s_vgg16": 32,
}


def test_every_network_is_tested() -> None:
    assert set(STRIDES) == set(BUILDERS)


@pytest.mark.parametrize("name", sorted(STRIDES))
def test_shapes(name: str) -> None:
    options = {"fc_channels": 16} if "vgg" in name else {}
    network = build_network(name, 5, 2, **options).eval()
    stride = STRIDES[name]
    assert network.stride == stride
    with torch.inference_mode():
        output = network(torch.zeros(2, 3, 32, 64))
    assert tuple(output.logits.shape) == (2, 5, 32 // stride, 64 // stride)
    assert tuple(output.action_logits.shape) == (2, 3)  # two actions and none


def test_scores_are_summed_from_coarse_to_fine() -> None:
    head = ScoreFusion((8, 16, 32), (1, 1, 1), (8, 16, 32), labels=1)
    with torch.no_grad():
        for factor, score in zip((1.0, 10.0, 100.0), head.scores, strict=True):
            score.weight.fill_(factor)
    features = [torch.full((1, 1, 4 // k, 4 // k), float(k)) for k in (1, 2, 4)]
    assert torch.equal(head(features), torch.full((1, 1, 4, 4), 1.0 + 20.0 + 400.0))


def test_stride_32_uses_the_top_alone() -> None:
    head = ScoreFusion((8, 16, 32), (1, 1, 1), (32,), labels=2)
    assert head.stride == 32
    assert len(head.scores) == 1
    features = [torch.zeros(1, 1, 4 // k, 4 // k) for k in (1, 2, 4)]
    assert tuple(head(features).shape) == (1, 2, 1, 1)


def test_scores_start_at_nought() -> None:
    head = ScoreFusion((8, 16, 32), (3, 3, 3), (8, 16, 32), labels=4)
    features = [torch.randn(1, 3, 4 // k, 4 // k) for k in (1, 2, 4)]
    assert torch.equal(head(features), torch.zeros(1, 4, 4, 4))


def test_the_decoder_knows_the_scene() -> None:
    torch.manual_seed(0)
    head = FeatureDecoder((4, 8), (3, 5), width=8, labels=2).eval()
    fine, top = torch.randn(1, 3, 8, 8), torch.randn(1, 5, 4, 4)
    before = head([fine, top])
    assert tuple(before.shape) == (1, 2, 8, 8)
    changed = top.clone()
    changed[:, :, 3, 3] += 5.0  # one corner of the scene …
    # … changes the score of the opposite one, by the mean over the image
    assert not torch.allclose(head([fine, changed])[..., 0, 0], before[..., 0, 0], atol=1e-6)


def test_an_unknown_network() -> None:
    with pytest.raises(KeyError):
        build_network("fcn4s", 5, 2)
