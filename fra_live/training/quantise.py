"""The networks of a bundle in 8-bit integers, calibrated on photos of its training."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.errors import DataError, SinkError
from fra_live.recognizer import load
from fra_live.runtime.bundle import sha256
from fra_live.runtime.manifest import write_manifest
from fra_live.stages.preprocess import coarse_shape, resize
from fra_live.stages.refine import crop_windows
from fra_live.stages.windows import select_windows

NETWORKS = ("coarse", "fine")


def calibration_inputs(
    folder: Path, images: Iterable[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What both networks see of some images, by the bundle's own windows.

    Args:
        folder: of the bundle.
        images: (H, W, 3) uint8 BGR each.

    Returns:
        Batches of one for Net_coarse and for Net_fine: (1, H, W, 3) uint8 BGR each.

    Raises:
        DataError: there are no images.
    """
    recognizer = load(folder, "openvino", "f32")
    p, coarse, fine = recognizer.parameters, [], []
    for image in images:
        frame = (image.shape[0], image.shape[1])
        coarse.append(resize(image, coarse_shape(frame, p.coarse_size))[None])
        probabilities = recognizer.segment.coarse(coarse[-1])[0][0]
        windows = select_windows(probabilities, recognizer.labels, frame, p.windows)
        fine += [crop[None] for crop in crop_windows(image, windows, p.fine_size)]
    if not coarse:
        raise DataError("There are no images to calibrate the quantised networks on.")
    return coarse, fine


def quantise_network(path: Path, inputs: list[np.ndarray], target: Path) -> None:
    """Write a network with 8-bit weights and activations, as ONNX with Q/DQ nodes.

    Depthwise convolutions stay in float: their few weights a channel suffer most (measured: half
    of the error of the probabilities is theirs) and CPUs gain next to nothing from them. Weights
    keep to 7 bits, since without VNNI instructions sums of two products overflow with 8.

    Args:
        path: the float network of `export_onnx`.
        inputs: (1, H, W, 3) uint8 BGR each.
        target: complete or not there.
    """
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nncf
        from nncf.quantization.advanced_parameters import (
            AdvancedQuantizationParameters,
            OverflowFix,
        )

        logging.setLoggerClass(logging.Logger)  # nncf puts its own in the place of everybody's
        nncf.set_log_level(logging.ERROR)
        model = onnx.load(path)
        name = model.graph.input[0].name
        quantised = nncf.quantize(
            model,
            nncf.Dataset(inputs, lambda batch: {name: batch}),
            subset_size=len(inputs),
            preset=nncf.QuantizationPreset.PERFORMANCE,
            ignored_scope=nncf.IgnoredScope(names=_depthwise(model)),
            advanced_parameters=AdvancedQuantizationParameters(overflow_fix=OverflowFix.ENABLE),
        )
    temporary = target.with_name(f".{target.name}.part")
    onnx.save(quantised, temporary)
    temporary.replace(target)


def _depthwise(model: Any) -> list[str]:
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and any(a.name == "group" and a.i > 1 for a in node.attribute)
    ]


def quantise_bundle(
    folder: Path, images: Iterable[np.ndarray], say: Callable[[str], None] = lambda text: None
) -> None:
    """Add both networks, quantised, to a bundle; the backends take them where they are faster.

    Args:
        folder: of the bundle; its manifest is written anew, last.
        images: (H, W, 3) uint8 BGR each, a hundred or so; photos of the training.
        say: told, in a clause, what is done next.

    Raises:
        BundleError: the bundle is not whole.
        DataError: there are no images.
        SinkError: the folder cannot be written.
    """
    say("what the networks see of the photos")
    inputs = dict(zip(NETWORKS, calibration_inputs(folder, images), strict=True))
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        parts = manifest["parts"]
        for network in NETWORKS:
            say(f"Net_{network}, {len(inputs[network])} inputs")
            target = folder / f"{network}_int8.onnx"
            quantise_network(folder / parts[network]["file"], inputs[network], target)
            parts[f"{network}_int8"] = {"file": target.name, "sha256": sha256(target)}
        write_manifest(folder / "manifest.json", manifest)
    except OSError as error:
        raise SinkError(f"The bundle {folder} cannot be written: {error}.") from error
