"""One small builder a network, all in one dict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fra_live.networks.fcn import FeatureDecoder, ScoreFusion, SegmentationNetwork
from fra_live.networks.mobilenet_v1 import MobileNetV1
from fra_live.networks.vgg16 import VGG16

FCN8_STRIDES = (8, 16, 32)
FCN32_STRIDES = (32,)
DECODER_WIDTH = 96


def _mobile(head: str, labels: int, actions: int, frozen_blocks: int) -> SegmentationNetwork:
    backbone = MobileNetV1(frozen_blocks)
    return _assemble(backbone, head, labels, actions)


def _vgg(
    head: str, labels: int, actions: int, frozen_blocks: int, fc_channels: int
) -> SegmentationNetwork:
    return _assemble(VGG16(fc_channels, frozen_blocks), head, labels, actions)


def _assemble(backbone: Any, head: str, labels: int, actions: int) -> SegmentationNetwork:
    strides, channels = backbone.strides, backbone.channels
    heads: dict[str, Callable[[], Any]] = {
        "fcn8s": lambda: ScoreFusion(strides, channels, FCN8_STRIDES, labels),
        "fcn32s": lambda: ScoreFusion(strides, channels, FCN32_STRIDES, labels),
        "decoder": lambda: FeatureDecoder(strides, channels, DECODER_WIDTH, labels),
    }
    return SegmentationNetwork(backbone, heads[head](), channels[-1], actions)


def fcn8s_mobilenet_v1(labels: int, actions: int, *, frozen_blocks: int = 0) -> SegmentationNetwork:
    """FCN-8s over MobileNetV1: the paper's head on the small backbone."""
    return _mobile("fcn8s", labels, actions, frozen_blocks)


def fcn32s_mobilenet_v1(
    labels: int, actions: int, *, frozen_blocks: int = 0
) -> SegmentationNetwork:
    """FCN-32s over MobileNetV1, for the paper's comparison of strides."""
    return _mobile("fcn32s", labels, actions, frozen_blocks)


def decoder_mobilenet_v1(
    labels: int, actions: int, *, frozen_blocks: int = 0
) -> SegmentationNetwork:
    """Stride-4 feature decoder over MobileNetV1: what the mobile bundle ships."""
    return _mobile("decoder", labels, actions, frozen_blocks)


def fcn8s_vgg16(
    labels: int, actions: int, *, frozen_blocks: int = 0, fc_channels: int = 4096
) -> SegmentationNetwork:
    """The paper's network: FCN-8s over VGG-16."""
    return _vgg("fcn8s", labels, actions, frozen_blocks, fc_channels)


def fcn32s_vgg16(
    labels: int, actions: int, *, frozen_blocks: int = 0, fc_channels: int = 4096
) -> SegmentationNetwork:
    """The paper's network at stride 32."""
    return _vgg("fcn32s", labels, actions, frozen_blocks, fc_channels)


BUILDERS: dict[str, Callable[..., SegmentationNetwork]] = {
    "fcn8s_mobilenet_v1": fcn8s_mobilenet_v1,
    "fcn32s_mobilenet_v1": fcn32s_mobilenet_v1,
    "decoder_mobilenet_v1": decoder_mobilenet_v1,
    "fcn8s_vgg16": fcn8s_vgg16,
    "fcn32s_vgg16": fcn32s_vgg16,
}


def build_network(name: str, labels: int, actions: int, **options: Any) -> SegmentationNetwork:
    """Build a network by its name.

    Args:
        name: a key of `BUILDERS`.
        labels: |L|, background included.
        actions: number of actions without "none".
        options: `frozen_blocks`, and `fc_channels` for VGG-16.
    """
    return BUILDERS[name](labels, actions, **options)
