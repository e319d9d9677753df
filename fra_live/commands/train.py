"""`fra-live train`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fra_live.commands.common import natural, say
from fra_live.errors import MissingExtraError

HELP = "train the networks, the ranking and the classifiers, and make a bundle of them"
DESCRIPTION = """\
Trains on COCO JSON with polygons, `action` and `labels_annotated` for each image. A folder is
searched for such files; those whose names begin with test or val are left out.

  fra-live train all --data data --pretrained mobilenet_v1.npz --out engines/mine
  fra-live process clip.mp4 --model mine --out results

Whatever is trained already is skipped and a killed training goes on where it was, when the same
command is given again. Labels and actions are read from the files, so it trains on any objects."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "part",
        choices=("networks", "ranker", "classifier", "all"),
        help="what to train; 'all' ends in a bundle",
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="annotation files or folders"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--recipe", default="mobile", help="mobile (default) or vgg16")
    parser.add_argument(
        "--pretrained", type=Path, help="ImageNet weights of the backbone; without: random weights"
    )
    parser.add_argument("--seed", type=natural, default=0)
    parser.add_argument("--threads", type=natural, default=0, help="0 takes all cores")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PART",
        help="of the networks: all, fold0, fold1 …, so that several processes share the work",
    )


@contextmanager
def _bar(description: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.progress import Progress

    with Progress() as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)


def run(args: argparse.Namespace) -> int:
    """Train and say where the result lies."""
    try:
        import torch
        from sklearn import svm  # noqa: F401 – said here in one sentence when it is missing

        from fra_live.training.pipeline import Training
        from fra_live.training.recipes import recipe
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
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
    if args.part == "all":
        say(f"the bundle is {training.release()}.")
    return 0
