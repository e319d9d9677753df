"""MobileNetV1 backbone with the layout, padding and scaling of Google's released weights.

Blocks that are trained keep trainable batch norms: frozen statistics with Adam at 4e-4 let the
features drift until the action head learned nothing, and at 1e-4 it learned more slowly. Blocks
that are frozen run with their norms folded into the convolutions, which saves memory traffic.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fra_live.errors import DataError

# (channels out, stride) of the thirteen depthwise-separable blocks; the thirteenth is not used:
# the weights at hand lack it, and features at stride 32 are complete after the twelfth.
_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
)
_TAPS = {2: 4, 4: 8, 10: 16, 11: 32}  # block index → stride of the feature map it ends
_BN_EPSILON = 1e-3
_BN_MOMENTUM = 0.03
_BN_ARRAYS = ("weight", "bias", "running_mean", "running_var")


class NormConv(nn.Module):
    """Convolution, batch norm and ReLU6, with TensorFlow's "SAME" padding (3x3 kernels).

    Input (N, C_in, H, W), output (N, C_out, H / stride, W / stride) for sides divisible by it.

    Attributes:
        frozen: weights and statistics stay as loaded.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        self.stride, self.groups, self.kernel = stride, groups, kernel
        self.weight = nn.Parameter(torch.empty(c_out, c_in // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out")
        self.norm = nn.BatchNorm2d(c_out, eps=_BN_EPSILON, momentum=_BN_MOMENTUM)
        self.frozen = False

    def freeze(self) -> None:
        """Keep weights and statistics as they are from now on."""
        self.frozen = True
        self.requires_grad_(False)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the convolution with the norm multiplied in."""
        norm = self.norm
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return self.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        padding = 0
        if self.kernel == 3:
            if self.stride == 2:  # TensorFlow pads right and bottom only
                x = F.pad(x, (0, 1, 0, 1))
            else:
                padding = 1
        if self.frozen or not self.training:
            weight, bias = self.folded()
            y = F.conv2d(x, weight, bias, self.stride, padding, groups=self.groups)
        else:
            y = F.conv2d(x, self.weight, None, self.stride, padding, groups=self.groups)
            y = self.norm(y)
        return F.hardtanh(y, 0.0, 6.0, inplace=True)

    def load(self, arrays: dict[str, np.ndarray], prefix: str) -> None:
        """Fill from `prefix`.conv.weight and `prefix`.bn.{weight,bias,running_mean,running_var}."""

        def tensor(name: str) -> Tensor:
            return torch.from_numpy(np.asarray(arrays[f"{prefix}.{name}"], dtype=np.float32))

        state = {f"norm.{n}": tensor(f"bn.{n}") for n in _BN_ARRAYS}
        state["weight"] = tensor("conv.weight")
        state["norm.num_batches_tracked"] = torch.tensor(0)
        self.load_state_dict(state)


class MobileNetV1(nn.Module):
    """Feature maps at strides 4, 8, 16 and 32.

    Input: (N, 3, H, W) float32 RGB in 0..255, H and W multiples of 32; scaled to [-1, 1] inside.
    Output: list of (N, C, H / s, W / s) for s in `strides`, C in `channels`.

    Args:
        frozen_blocks: how many of the first blocks (with the stem) are not trained.
    """

    strides = (4, 8, 16, 32)
    channels = (128, 256, 512, 1024)

    def __init__(self, frozen_blocks: int = 0) -> None:
        super().__init__()
        self.frozen_blocks = frozen_blocks
        self.stem = NormConv(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        c_in = 32
        for c_out, stride in _BLOCKS:
            depthwise = NormConv(c_in, c_in, 3, stride, groups=c_in)
            blocks.append(nn.Sequential(depthwise, NormConv(c_in, c_out, 1, 1)))
            c_in = c_out
        self.blocks = nn.ModuleList(blocks)
        if frozen_blocks:
            for module in nn.ModuleList([self.stem, *blocks[:frozen_blocks]]).modules():
                if isinstance(module, NormConv):
                    module.freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """See the class."""
        x = self.stem(x * (2.0 / 255.0) - 1.0)
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in _TAPS:
                features.append(x)
        return features

    def load_imagenet(self, path: Path) -> None:
        """Load ImageNet weights from an npz with keys stem and blocks.0…11.{depthwise,pointwise}.

        Raises:
            DataError: the file is missing or has other keys or shapes.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = dict(archive)
            self.stem.load(arrays, "stem")
            for index, block in enumerate(self.blocks):
                assert isinstance(block, nn.Sequential)
                for part, name in zip(block, ("depthwise", "pointwise"), strict=True):
                    assert isinstance(part, NormConv)
                    part.load(arrays, f"blocks.{index}.{name}")
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            raise DataError(f"{path} does not hold MobileNetV1 weights: {error}.") from error
