"""`fra-live train`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fra_live.commands.common import natural, progress_bar, require, say

if TYPE_CHECKING:
    from fra_live.training.recipes import Recipe

RECIPES = ("mobile", "quick", "vgg16")  # as in training.recipes, not imported for a --help

HELP = "train a model on annotated photos, your own objects included"
DESCRIPTION = """\
Trains from COCO JSON with polygons and, for each image, `action`, `action_object` and
`labels_annotated`; labels and actions are taken from the files. DIR then is a model bundle that
every other command takes by --model DIR.

  fra-live train all --data my_objects.json --recipe quick --pretrained mobile --out engines/mine
  fra-live train all --data data/fra data/coco --pretrained mobilenet_v1.npz --out engines/mobile
  fra-live train all --data data/fra --recipe vgg16 --pretrained torchvision --out engines/vgg16

The parts, in order: networks (coarse and fine, also without each fold of the images), ranker,
classifier; the last of them puts the bundle together. A training that was stopped goes on where
it was when the same command is given again. In folders, files named test… or val… are left out.

What further sets bring is measured by training without them, with each and with all:

  fra-live train all --data fra/train.json --sets coco/coco.json fra/extra.json \\
      --test fra/test.json --out runs/sets"""


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
        choices=RECIPES,
        default="mobile",
        help="mobile runs live on a CPU; quick is the same network trained for minutes, for some "
        "dozens of images; vgg16 is the paper's network (default: mobile)",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="passes over the images for each network (default: the recipe's)",
    )
    parser.add_argument(
        "--pretrained",
        metavar="FILE|MODEL|torchvision",
        help="what the networks start from: ImageNet weights in a file; for mobile and quick a "
        "model, such as mobile; for vgg16 torchvision, which downloads 528 MB once "
        "(default: random weights)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PART",
        help="of the networks, only: all, fold0, fold1 … so that several processes share the work",
    )
    parser.add_argument(
        "--sets",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="measure what these sets bring beside --data: a model is trained without them, with "
        "each and with all, into DIR, and measured on --test",
    )
    parser.add_argument(
        "--test", type=Path, metavar="SET.json", help="annotated images to measure --sets on"
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--threads", type=natural, default=0, metavar="N", help="CPU threads (default: all)"
    )


def run(args: argparse.Namespace) -> int:
    """Train the parts that were asked for."""
    if args.only and args.part != "networks":
        args.parser.error("--only goes with 'networks'")
    if args.epochs is not None and args.epochs < 1:
        args.parser.error("--epochs takes 1 or more")
    if bool(args.sets) != (args.test is not None):
        args.parser.error("--sets and --test go together")
    if args.sets and args.part != "all":
        args.parser.error("--sets goes with 'all'")
    require("Training", "train", "torch", "sklearn", "onnx", "onnxscript")
    import torch

    from fra_live.training.pipeline import Training
    from fra_live.training.recipes import recipe

    if args.threads:
        torch.set_num_threads(args.threads)
    chosen = recipe(args.recipe, args.epochs)
    if args.sets:
        return _sets(args, chosen)
    training = Training(
        args.data, args.out, chosen, pretrained=args.pretrained, seed=args.seed, bar=_bar
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


def _sets(args: argparse.Namespace, recipe: Recipe) -> int:
    from rich.console import Console

    from fra_live.evaluation.sets import compare_sets, print_sets

    compared = compare_sets(
        args.data, args.sets, args.test, args.out, recipe,
        pretrained=args.pretrained, seed=args.seed, say=say, training_bar=_bar, bar=progress_bar,
    )  # fmt: skip
    print_sets(Console(highlight=False), compared)
    say(f"the figures are in {args.out / 'sets.json'}; each folder beside it is a model.")
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
