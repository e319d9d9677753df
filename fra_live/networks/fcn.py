"""Fully convolutional segmentation networks (section 3.1): heads over a backbone's features.

Two heads. `ScoreFusion` is the paper's (Long et al.): 1x1 scores at the strides asked for, summed
from coarse to fine; (8, 16, 32) makes FCN-8s, (32,) FCN-32s. `FeatureDecoder` fuses features
instead of scores and goes on to stride 4, which cigarettes and straws, a few pixels wide, need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class NetworkOutput(NamedTuple):
    """What a network gives for a batch.

    Attributes:
        logits: (N, |L|, H / s, W / s), s the head's stride; softmax over axis 1 gives P.
        action_logits: (N, A + 1), the actions and, last, "none".
    """

    logits: Tensor
    action_logits: Tensor


def _up_to(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class ScoreFusion(nn.Module):
    """FCN-32s/16s/8s: sums of upsampled 1x1 scores, coarse to fine."""

    def __init__(
        self,
        strides: Sequence[int],
        channels: Sequence[int],
        use: Sequence[int],
        labels: int,
    ) -> None:
        super().__init__()
        self.positions = [i for i, s in enumerate(strides) if s in use]
        self.stride = min(use)
        scores = [nn.Conv2d(channels[i], labels, 1) for i in self.positions]
        for score in scores:  # zero scores at the start, as Long et al.
            for parameter in score.parameters():
                nn.init.zeros_(parameter)
        self.scores = nn.ModuleList(scores)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps, fine to coarse → (N, |L|, H / stride, W / stride) logits."""
        fused: Tensor | None = None
        for position, score in zip(reversed(self.positions), reversed(self.scores), strict=True):
            here = score(features[position])
            fused = here if fused is None else here + _up_to(fused, here)
        assert fused is not None
        return fused


class SeparableConv(nn.Sequential):
    """Depthwise 3x3, pointwise 1x1, batch norm, ReLU; keeps the size."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )


class FeatureDecoder(nn.Module):
    """Top-down fusion of `width` channels at all of the backbone's strides, scores at stride 4.

    The mean over the image is added at the top, so that every pixel's score knows the scene.
    """

    def __init__(
        self, strides: Sequence[int], channels: Sequence[int], width: int, labels: int
    ) -> None:
        super().__init__()
        self.stride = strides[0]
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.scene = nn.Linear(channels[-1], width)
        self.fuse = nn.ModuleList(SeparableConv(width) for _ in channels)
        self.score = nn.Conv2d(width, labels, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps, fine to coarse → (N, |L|, H / stride, W / stride) logits."""
        top = features[-1]
        x = self.laterals[-1](top) + self.scene(top.mean((2, 3)))[:, :, None, None]
        x = self.fuse[-1](x)
        for i in range(len(features) - 2, -1, -1):
            x = self.fuse[i](_up_to(x, features[i]) + self.laterals[i](features[i]))
        logits: Tensor = self.score(x)
        return logits


class SegmentationNetwork(nn.Module):
    """Backbone, segmentation head and an action head on the pooled features.

    Input: (N, 3, H, W) float32 RGB 0..255, H and W multiples of 32. Output: `NetworkOutput`.
    The action head is ours: its loss shapes the features, and its logits are the appearance
    features of the whole image (Net_coarse) and of the face window (Net_fine).
    """

    def __init__(self, backbone: nn.Module, head: nn.Module, channels: int, actions: int) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head
        self.dropout = nn.Dropout(0.2)
        self.action = nn.Linear(2 * channels, actions + 1)

    @property
    def stride(self) -> int:
        """Pixels of input a pixel of the logits."""
        stride: int = self.head.stride  # type: ignore[assignment]
        return stride

    def forward(self, x: Tensor) -> NetworkOutput:
        """See the class."""
        features = self.backbone(x)
        top = features[-1]
        pooled = torch.cat([top.mean((2, 3)), top.amax((2, 3))], dim=1)
        return NetworkOutput(self.head(features), self.action(self.dropout(pooled)))
