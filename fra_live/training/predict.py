"""Running a torch network on images while training; the runtime has engines instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from fra_live.labels import LabelSet
from fra_live.networks import SegmentationNetwork
from fra_live.stages.preprocess import coarse_shape, resize
from fra_live.stages.windows import Window, WindowParameters, select_windows


@torch.inference_mode()
def predict(network: SegmentationNetwork, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and action logits.

    Args:
        images: (N, H, W, 3) uint8 BGR, sides multiples of 32.

    Returns:
        (N, |L|, H / s, W / s) float32 and (N, A + 1) float32.
    """
    rgb = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2))
    output = network(torch.from_numpy(rgb).float())
    return output.logits.softmax(dim=1).numpy(), output.action_logits.numpy()


def predicted_windows(
    network: SegmentationNetwork,
    images: Iterable[np.ndarray],
    labels: LabelSet,
    size: int,
    parameters: WindowParameters,
) -> Sequence[list[Window]]:
    """The windows that Net_coarse asks for in each image, in px of that image."""
    chosen = []
    for image in images:
        frame = (image.shape[0], image.shape[1])
        small = resize(image, coarse_shape(frame, size))
        probabilities, _ = predict(network, small[None])
        chosen.append(select_windows(probabilities[0], labels, frame, parameters))
    return chosen
