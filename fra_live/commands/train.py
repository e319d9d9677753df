"""`fra-live train`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fra_live.commands.common import natural, progress_bar, require, say

HELP = "train a model on annotated photos, your own objects included"
DESCRIPTION = """\
Trains from COCO JSON with polygons and, for each image, `action`, `action_object` and
`labels_annotated`; labels and actions are taken from the files. DIR then is a model bundle that
every other command takes by --model DIR.

  fra-live train all --data my_objects.json --out engines/mine
  fra-live train all --data data/fra data/coco --pretrained mobilenet_v1.npz --out engines/mobile

The parts, in order: networks (coarse and fine, also without each fold of the images), ranker,
classifier; the last of them puts the bundle together. A training that was stopped goes on where
it was when the same command is given again. In folders, files named test… or val… are left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "part",
        choices=("networks", "ranker", "classifier", "all"),
        help="what to train; all does the three in order",
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="COCO JSON files, or folders that hold them",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the bundle"
    )
    parser.add_argument(
        "--recipe",
        choices=("mobile", "vgg16"),
        default="mobile",
        help="mobile runs live on a CPU; vgg16 is the paper's network (default: mobile)",
    )
    parser.add_argument(
        "--pretrained",
        type=Path,
        metavar="FILE",
        help="ImageNet weights of the backbone (default: none for mobile)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PART",
        help="of the networks, only: all, fold0, fold1 … so that several processes share the work",
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--threads", type=natural, default=0, metavar="N", help="CPU threads (default: all)"
    )


def run(args: argparse.Namespace) -> int:
    """Train the parts that were asked for."""
    if args.only and args.part != "networks":
        args.parser.error("--only goes with 'networks'")
    require("Training", "train", "torch", "sklearn", "onnx", "onnxscript")
    import torch

    from fra_live.training.pipeline import Training
    from fra_live.training.recipes import recipe

    if args.threads:
        torch.set_num_threads(args.threads)
    training = Training(
        args.data,
        args.out,
        recipe(args.recipe),
        pretrained=args.pretrained,
        seed=args.seed,
        bar=_bar,
    )
    if args.part in ("networks", "all"):
        training.networks(args.only)
    if args.part in ("ranker", "all"):
        training.ranker()
        say(f"the ranking is in {training.run / 'ranker.npz'}.")
    if args.part in ("classifier", "all"):
        _, threshold, figures = training.classifier()
        say(
            f"held out, at the threshold {threshold:.2f}: recall {figures['recall']:.3f}, "
            f"false alarms {figures['false_alarm_rate']:.3f}."
        )
        folder = training.release()
        print(f"The model is in {folder}; use it by --model {folder}")
    return 0


@contextmanager
def _bar(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar whose callback takes how many more are done."""
    with progress_bar(description) as bar:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            bar(done, total)

        yield advance
