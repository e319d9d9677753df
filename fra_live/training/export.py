"""Networks to ONNX, preprocessing and softmax inside."""

from __future__ import annotations

import copy
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from fra_live.networks import SegmentationNetwork

OPSET = 18


class _Deployed(nn.Module):
    """(N, H, W, 3) uint8 BGR in; probabilities (N, |L|, h, w) and action logits (N, A+1) out."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        rgb = images.permute(0, 3, 1, 2).to(torch.float32).flip(1)
        output = self.network(rgb)
        return output.logits.softmax(dim=1), output.action_logits


def export_onnx(network: SegmentationNetwork, path: Path) -> None:
    """Write a network as ONNX with dynamic batch and size; channels are reversed inside.

    The file is complete or not there: one that a killed export left half would be taken for done.
    """
    deployed = _Deployed(copy.deepcopy(network)).eval()
    example = torch.zeros((2, 64, 96, 3), dtype=torch.uint8)
    temporary = path.with_name(f".{path.name}.part")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # This exporter is called legacy, and folds no reversed channels: nothing for users.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            deployed,
            (example,),
            str(temporary),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["probabilities", "action_logits"],
            dynamic_axes={
                "images": {0: "n", 1: "height", 2: "width"},
                "probabilities": {0: "n", 2: "h", 3: "w"},
                "action_logits": {0: "n"},
            },
        )
    temporary.replace(path)
