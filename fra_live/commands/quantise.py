"""`fra-live quantise`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fra_live.commands.common import natural, require, say

if TYPE_CHECKING:
    import numpy as np

HELP = "add 8-bit networks to a model, which run faster on CPUs"
DESCRIPTION = """\
Calibrates 8-bit copies of a model's networks on some photos of its training and puts them into
the bundle; the commands then take them where nothing faster is there. Measure what they cost:

  fra-live quantise --model engines/mine --data my_objects.json
  fra-live evaluate --model engines/mine --data test.json --precision int8"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--model", default="mobile", metavar="NAME|DIR", help="model bundle (default: mobile)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="COCO JSON files of the training, or folders that hold them",
    )
    parser.add_argument(
        "--images", type=natural, default=150, metavar="N", help="photos to use (default: 150)"
    )


def run(args: argparse.Namespace) -> int:
    """Quantise and say where the networks are."""
    require("Quantising", "train", "nncf", "onnx", "onnxruntime")
    from fra_live.annotations import find_annotation_files, read_training_sets
    from fra_live.runtime.bundle import find_bundle
    from fra_live.training.quantise import quantise_bundle
    from fra_live.video.images import read_image

    samples = read_training_sets(find_annotation_files(args.data)).samples
    step = max(1, len(samples) // max(1, args.images))  # spread over all sets and actions
    chosen = samples[::step][: args.images]

    def images() -> Iterator[np.ndarray]:
        for sample in chosen:
            yield read_image(sample.path)

    folder = find_bundle(args.model)
    quantise_bundle(folder, images(), say)
    print(f"The model in {folder} has networks in int8 now: --precision int8")
    return 0
