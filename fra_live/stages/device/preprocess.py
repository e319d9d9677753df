"""Frame to network input on the device: the frame's halves, and OpenCV's bilinear resize.

OpenCV resizes bytes in fixed point: weights of 11 bits, and sums that are cut short between the
axes. The same whole numbers are computed here, so that the networks see the same px as after
`stages.preprocess`; an OpenCV built for another processor may round a px otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fra_live.stages.preprocess import HALVE_FROM

_ONE = 2048  # a weight of 1 in fixed point


@dataclass(frozen=True)
class Taps:
    """The two px that each px of a resized axis lies between.

    Attributes:
        first, second: (..., n) int64, px of the source.
        near, far: (..., n) int32, their weights in 2048ths.
    """

    first: Tensor
    second: Tensor
    near: Tensor
    far: Tensor

    @classmethod
    def of(cls, span: Tensor, px: Tensor, across: bool) -> Taps:
        """Taps for resizing an axis.

        Args:
            span: (..., 1) float64, px of the source.
            px: (n,) float64, 0 to n - 1, the px wanted.
            across: whether it is the horizontal axis, which OpenCV rounds otherwise at its ends.
        """
        scale = 1 / (len(px) / span)
        centre = ((px + 0.5) * scale - 0.5).float()
        first, last = centre.floor(), (span - 1).float()
        share = centre - first
        if across:
            share = torch.where((first < 0) | (first >= last), 0.0, share)
        zero = torch.zeros_like(last)
        near, far = ((1 - share) * _ONE).round().int(), (share * _ONE).round().int()
        second = torch.clamp(first + 1, zero, last)
        return cls(torch.clamp(first, zero, last).long(), second.long(), near, far)


def between_rows(upper: Tensor, lower: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """OpenCV's vertical step: two rows of horizontal sums (int32) to bytes, as int32."""
    return ((near * (upper >> 4) >> 16) + (far * (lower >> 4) >> 16) + 2) >> 2


def halvings(shrinking: float) -> int:
    """How often a frame is halved before it shrinks by a factor; see `stages.preprocess`."""
    count = 0
    while shrinking >= HALVE_FROM * 2**count:
        count += 1
    return count


@dataclass(frozen=True)
class Pyramid:
    """A frame, its half, its quarter …, as `stages.preprocess.Pyramid` makes them.

    Attributes:
        levels: (3, h, w) int32 each, 0..255.
    """

    levels: list[Tensor]

    @classmethod
    def of(cls, image: Tensor, count: int) -> Pyramid:
        """Take a frame, (H, W, 3) uint8, and make `count` levels, itself included."""
        levels = [image.permute(2, 0, 1).to(torch.int32, memory_format=torch.contiguous_format)]
        while len(levels) < count:
            height, width = (side // 2 * 2 for side in levels[-1].shape[1:])
            even = levels[-1][:, :height, :width]
            rows = even[:, ::2] + even[:, 1::2]
            levels.append((rows[:, :, ::2] + rows[:, :, 1::2] + 2) >> 2)
        return cls(levels)

    @staticmethod
    def shapes(frame: tuple[int, int], wanted: int) -> list[tuple[int, int]]:
        """(h, w) of the levels of an (H, W) frame: `wanted` halvings, or fewer if it ends."""
        shapes = [frame]
        while len(shapes) <= wanted and min(shapes[-1]) >= 2:
            shapes.append((shapes[-1][0] // 2, shapes[-1][1] // 2))
        return shapes


class Resize:
    """`stages.preprocess.resize` for frames of one size.

    Attributes:
        levels: how many levels of the pyramid it needs.
    """

    def __init__(self, frame: tuple[int, int], shape: tuple[int, int], device: torch.device):
        shrinking = min(frame[0] / shape[0], frame[1] / shape[1])
        shapes = Pyramid.shapes(frame, halvings(shrinking))
        self.levels = len(shapes)
        self._rows, self._columns = (
            Taps.of(
                torch.tensor([float(source)], dtype=torch.float64, device=device),
                torch.arange(target, device=device).double(),
                across,
            )
            for source, target, across in zip(shapes[-1], shape, (False, True), strict=True)
        )

    def __call__(self, pyramid: Pyramid) -> Tensor:
        """Resize a frame to (1, h, w, 3) uint8, for Net_coarse."""
        planes = pyramid.levels[self.levels - 1]
        x, y = self._columns, self._rows
        sums = planes.index_select(2, x.first) * x.near + planes.index_select(2, x.second) * x.far
        near, far = y.near[:, None], y.far[:, None]
        return to_images(
            between_rows(sums.index_select(1, y.first), sums.index_select(1, y.second), near, far)[
                None
            ]
        )


def to_images(planes: Tensor) -> Tensor:
    """(N, 3, h, w) int32 to (N, h, w, 3) uint8, contiguous."""
    return planes.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
