"""VGG-16 backbone in torchvision's layout, fc6 and fc7 as convolutions (the paper's network)."""

from __future__ import annotations

import re
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fra_live.errors import DataError, MissingExtraError

_LAYERS = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool",
           512, 512, 512, "pool")  # fmt: skip
_POOL_TAPS = {16: 8, 23: 16}  # index in `features` of pool3 and pool4 → stride
_PATIENCE_S = 20.0  # for the server's first answer
# ImageNet statistics of torchvision's weights, on a 0..255 scale.
_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)


class VGG16(nn.Module):
    """Feature maps at strides 8 (pool3), 16 (pool4) and 32 (fc7).

    Input: (N, 3, H, W) float32 RGB 0..255, H and W multiples of 32.
    Output: [(N, 256, H/8, W/8), (N, 512, H/16, W/16), (N, fc, H/32, W/32)].

    fc6 keeps its 7x7 kernel with padding 3, so that maps stay aligned without Caffe's 100-px
    border (0.216 instead of 0.362 TFLOP at 500x500).

    Args:
        fc_channels: width of fc6 and fc7; 4096 in the paper, smaller in tests.
    """

    strides = (8, 16, 32)
    mean: Tensor
    std: Tensor

    def __init__(self, fc_channels: int = 4096, frozen_blocks: int = 0) -> None:
        super().__init__()
        self.channels = (256, 512, fc_channels)
        layers: list[nn.Module] = []
        c_in = 3
        for item in _LAYERS:
            if isinstance(item, int):
                layers += [nn.Conv2d(c_in, item, 3, padding=1), nn.ReLU(inplace=True)]
                c_in = item
            else:
                layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.fc6 = nn.Conv2d(512, fc_channels, 7, padding=3)
        self.fc7 = nn.Conv2d(fc_channels, fc_channels, 1)
        for layer in (*self.features, self.fc6, self.fc7):
            if isinstance(layer, nn.Conv2d):  # torch's own start fades to nothing in 15 layers
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.dropout = nn.Dropout2d(0.5)
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(_STD)[:, None, None])
        if frozen_blocks:
            self.features[: 2 * frozen_blocks].requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """See the class."""
        taps = []
        x = (x - self.mean) / self.std
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in _POOL_TAPS:
                taps.append(x)
        x = self.dropout(torch.relu(self.fc6(x)))
        taps.append(self.dropout(torch.relu(self.fc7(x))))
        return taps

    def fc6_features(self, x: Tensor) -> Tensor:
        """The paper's appearance features (sections 2 and 3.3): fc6 of a whole crop, after ReLU.

        Here fc6 has no padding, as in VGG-16 itself: one vector a crop.

        Args:
            x: (N, 3, 224, 224) float32 RGB 0..255.

        Returns:
            (N, fc) float32, 0 or more.
        """
        x = self.features((x - self.mean) / self.std)
        return F.conv2d(x, self.fc6.weight, self.fc6.bias).relu().flatten(1)

    def load_imagenet(self, path: Path) -> None:
        """Load torchvision's VGG-16 weights from a state-dict file.

        fc6 and fc7 are taken over when `fc_channels` is 4096.

        Raises:
            DataError: the file is no VGG-16 state dict.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load raises many kinds
            raise DataError(f"VGG-16 weights cannot be read from {path}: {error}.") from error
        try:
            with torch.no_grad():
                for name, parameter in self.features.named_parameters():
                    parameter.copy_(state[f"features.{name}"])
                if self.fc6.out_channels == 4096:
                    self.fc6.weight.copy_(state["classifier.0.weight"].view(4096, 512, 7, 7))
                    self.fc6.bias.copy_(state["classifier.0.bias"])  # type: ignore[union-attr]
                    self.fc7.weight.copy_(state["classifier.3.weight"].view(4096, 4096, 1, 1))
                    self.fc7.bias.copy_(state["classifier.3.bias"])  # type: ignore[union-attr]
        except (KeyError, TypeError, RuntimeError) as error:
            raise DataError(f"{path} is no VGG-16 state dict of torchvision: {error}.") from error


def torchvision_weights(url: str | None = None) -> Path:
    """The ImageNet weights of torchvision as a file, downloaded into torch's cache once (528 MB).

    Args:
        url: another place to take them from; a checksum in the file's name is checked.

    Raises:
        MissingExtraError: torchvision is not installed.
        DataError: they cannot be downloaded.
    """
    try:
        from torchvision.models import VGG16_Weights
    except ImportError as error:
        raise MissingExtraError("Downloading VGG-16's weights", "train") from error
    url = url or str(VGG16_Weights.IMAGENET1K_V1.url)
    name = Path(urlsplit(url).path).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if path.is_file():
        return path
    checksum = re.search(r"-([0-9a-f]{8,})\.", name)
    try:
        urlopen(url, timeout=_PATIENCE_S).close()  # torch's own download waits without end
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = checksum[1] if checksum else None
        torch.hub.download_url_to_file(url, str(path), hash_prefix=prefix)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = str(getattr(error, "reason", None) or error or type(error).__name__).rstrip(".")
        raise DataError(
            f"VGG-16's ImageNet weights cannot be downloaded from {url}: {reason}; download that "
            "file elsewhere and give it by --pretrained FILE."
        ) from error
    return path
