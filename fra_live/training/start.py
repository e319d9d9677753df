"""The weights that the networks start from: a file, a model that ships, or a download.

A model knows faces, hands and held things already, so some dozens of images of a new object teach
it more than they teach ImageNet weights. Its ONNX holds batch norms folded into convolutions; they
are unfolded here by the statistics of the images at hand, so that training can go on with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fra_live.errors import BundleError, DataError
from fra_live.networks.mobilenet_v1 import MobileNetV1, NormConv
from fra_live.networks.vgg16 import torchvision_weights
from fra_live.runtime.bundle import find_bundle, load_bundle
from fra_live.stages.preprocess import coarse_shape, resize
from fra_live.training.recipes import Recipe

TORCHVISION = "torchvision"
IMAGES = 24  # that tell the statistics


def starting_weights(
    source: str | Path, recipe: Recipe, folder: Path, images: Callable[[], Iterable[np.ndarray]]
) -> Path:
    """The file of weights that `--pretrained` means.

    Args:
        source: a file; a model's name or folder, for networks over MobileNetV1; or
            "torchvision", for VGG-16.
        recipe: which networks are trained.
        folder: a model's weights are kept here, so that a training that is resumed starts alike.
        images: gives (H, W, 3) uint8 BGR training images, for a model's statistics.

    Raises:
        DataError: the source does not exist or does not suit the recipe.
        BundleError: the model is altered or of another format.
    """
    vgg = recipe.coarse.builder.endswith("vgg16")
    if str(source) == TORCHVISION:
        if not vgg:
            raise DataError(
                "torchvision gives weights of VGG-16, and this recipe trains MobileNetV1: give a "
                "file of its weights, or a model's name such as mobile."
            )
        return torchvision_weights()
    path = Path(source)
    if path.is_file():
        return path
    try:
        found = find_bundle(source)
    except BundleError as error:
        raise DataError(f"{source} is no file of weights, and no model: {error}") from error
    if vgg:
        raise DataError(
            f"{found} cannot start VGG-16: give a file of torchvision's weights, or torchvision."
        )
    kept = folder / "start.npz"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _save(backbone_of(found, images(), recipe.coarse.size), kept)
    return kept


def backbone_of(model: Path, images: Iterable[np.ndarray], size: int) -> MobileNetV1:
    """The backbone of a model's Net_coarse, ready to be trained on.

    Args:
        model: folder of the bundle.
        images: (H, W, 3) uint8 BGR; the statistics are taken from them.
        size: square root of the area, in px, at which they are seen.

    Raises:
        BundleError: the model is altered or of another format.
        DataError: its networks are of another kind.
    """
    network = MobileNetV1().eval()
    layers = _layers(network)
    folded = _convolutions(load_bundle(model).part("coarse"))[: len(layers)]
    if [w.shape for w, _ in folded] != [tuple(c.weight.shape) for c, _ in layers]:
        raise DataError(
            f"{model} holds no networks over MobileNetV1, so nothing can start from it."
        )
    with torch.no_grad():
        for (layer, _), (weight, bias) in zip(layers, folded, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.copy()))
            _set_norm(layer.norm, torch.zeros(len(bias)), torch.ones(len(bias)), bias)
        seen = _statistics(network, [layer for layer, _ in layers], images, size)
        for (layer, _), (mean, variance) in zip(layers, seen, strict=True):
            _set_norm(layer.norm, mean, variance, layer.norm.bias.numpy())
    return network


def _layers(network: MobileNetV1) -> list[tuple[NormConv, str]]:
    """The convolutions in their order, with their names in a file of weights."""
    layers = [(network.stem, "stem")]
    for index, block in enumerate(network.blocks):
        assert isinstance(block, nn.Sequential)
        for layer, part in zip(block, ("depthwise", "pointwise"), strict=True):
            assert isinstance(layer, NormConv)
            layers.append((layer, f"blocks.{index}.{part}"))
    return layers


def _convolutions(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of an ONNX network's convolutions, in the order of its graph."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and set(node.input[1:]) <= set(arrays):
            weight, bias = (numpy_helper.to_array(arrays[name]) for name in node.input[1:])
            found.append((np.asarray(weight, np.float32), np.asarray(bias, np.float32)))
    return found


def _set_norm(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: np.ndarray) -> None:
    """A norm that only adds `bias`, whatever its statistics."""
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(torch.from_numpy(np.array(bias, np.float32)) + mean)


def _statistics(
    network: MobileNetV1, layers: Sequence[NormConv], images: Iterable[np.ndarray], size: int
) -> list[tuple[Tensor, Tensor]]:
    """Mean and variance of what every norm is given, over all px of the images."""
    sums = [torch.zeros(3, layer.weight.shape[0], dtype=torch.float64) for layer in layers]

    def add(total: Tensor, y: Tensor) -> None:
        y = y.double()
        total[0] += y.shape[2] * y.shape[3]
        total[1] += y.sum(dim=(0, 2, 3))
        total[2] += y.square().sum(dim=(0, 2, 3))

    hooks = []
    for layer, total in zip(layers, sums, strict=True):
        layer.training = True  # the norm by itself, still by its running statistics
        hooks.append(
            layer.norm.register_forward_pre_hook(lambda _, y, total=total: add(total, y[0]))
        )
    for image in images:
        small = resize(image, coarse_shape((image.shape[0], image.shape[1]), size))
        rgb = np.ascontiguousarray(small[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32)
        network(torch.from_numpy(rgb))
    for layer, hook in zip(layers, hooks, strict=True):
        hook.remove()
        layer.training = False
    found = []
    for count, first, second in sums:
        mean = first / count
        found.append((mean.float(), (second / count - mean.square()).clamp_min(0).float()))
    return found


def _save(network: MobileNetV1, path: Path) -> None:
    arrays = {}
    for layer, name in _layers(network):
        norm = layer.norm
        arrays[f"{name}.conv.weight"] = layer.weight.detach().numpy()
        for part in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{name}.bn.{part}"] = getattr(norm, part).detach().numpy()
    temporary = path.with_name(f".{path.name}")  # NumPy insists on the ending
    np.savez(temporary, allow_pickle=False, **arrays)
    temporary.replace(path)
