"""Table 1 with the paper's own features: fc6 of VGG-16 as ImageNet taught it (section 2).

`fra-live evaluate --tables` makes the table from MobileNetV1, whose weights are small; this makes
it from what the paper took: 4,096 numbers of each whole crop. Beside the masked object is grey
127, not VGG-16's mean colour (124, 116, 104), and crops are squares of 224 px. Run it as
`python -m fra_live.evaluation.fc6 --data DIR --pretrained FILE|torchvision`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from fra_live.annotations import read_annotations
from fra_live.errors import FraLiveError, MissingExtraError
from fra_live.evaluation.oracle import Progress, table_1
from fra_live.evaluation.probe import Features
from fra_live.evaluation.tables_form import Table

WIDTH = 4096


def fc6(weights: Path, width: int = WIDTH) -> Features:
    """VGG-16 as a function from (N, 224, 224, 3) uint8 BGR to (N, width) float32.

    Args:
        weights: torchvision's state dict.
        width: of fc6, which is loaded where it is the paper's 4096.

    Raises:
        MissingExtraError: torch is not installed.
        DataError: the weights cannot be read.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("VGG-16", "train") from error
    from fra_live.networks.vgg16 import VGG16

    network = VGG16(width).eval()
    network.load_imagenet(weights)

    def run(images: np.ndarray) -> np.ndarray:
        rgb = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2), np.float32)
        with torch.inference_mode():
            found: np.ndarray = network.fc6_features(torch.from_numpy(rgb)).numpy()
        return found

    return run


def paper_table(
    data: Path, features: Features, keep: Path | None = None, progress: Progress | None = None
) -> Table:
    """Train on `data`/train.json, measure on `data`/test.json.

    Args:
        data: folder of both sets.
        features: of the crops; `fc6` for the paper's.
        keep: file for the features, which take the time; used again for the same images.
        progress: called with the number of images done and their total.

    Raises:
        DataError: a set cannot be used.
    """
    train = read_annotations(data / "train.json")
    test = read_annotations(data / "test.json", train.labels)
    return table_1(train.samples, test.samples, train.labels, features, keep, progress)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table beside the paper's; with --json also as JSON."""
    parser = argparse.ArgumentParser(prog="python -m fra_live.evaluation.fc6", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--pretrained", required=True, metavar="FILE|torchvision")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE.npz", help="keep the features here and use them again"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON too")
    options = parser.parse_args(arguments)
    try:
        from fra_live.networks.vgg16 import torchvision_weights

        torchvision = options.pretrained == "torchvision"
        weights = torchvision_weights() if torchvision else Path(options.pretrained)
        table = paper_table(options.data, fc6(weights), options.keep, _tell)
        if options.json is not None:
            options.json.write_text(json.dumps(table.to_dict(), indent=2) + "\n", encoding="utf-8")
    except (FraLiveError, OSError) as error:
        print(f"fc6: {error}", file=sys.stderr)
        return 1
    from fra_live.evaluation.tables_output import print_tables

    print_tables(Console(highlight=False), [table])
    return 0


def _tell(done: int, total: int) -> None:
    print(f"fc6: {done} of {total} images", file=sys.stderr, end="\r" if done < total else "\n")


if __name__ == "__main__":
    sys.exit(main())
