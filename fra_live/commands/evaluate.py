"""`fra-live evaluate`."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fra_live.commands.common import (
    add_json_option,
    add_model_options,
    add_record_option,
    load_recognizer,
    progress_bar,
    record,
    require,
    say,
    write_json,
)

if TYPE_CHECKING:
    from rich.console import Console

    from fra_live.recognizer import Recognizer

HELP = "measure a model on annotated images, and on clips with known times"
DESCRIPTION = """\
Prints average precision of the actions, localisation of the objects, overlap of the outlines, and
how often images of no action raise an alarm at the model's own threshold.

  fra-live evaluate --data test.json --json figures.json --report page.html
  fra-live evaluate --clip clip_1.mp4 clip_2.mp4      # true times in clip_1.json beside it
  fra-live evaluate --tables --data test.json --pretrained mobilenet_v1.npz   # the paper's tables

The tables train their heads from what the model's training kept (--training). --train-tables
also trains the networks that are only there to be compared; it says how long that will take here,
and goes on where it was when it is stopped and run again.

A set is COCO JSON with `action` and `labels_annotated` for each image."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, metavar="SET.json", help="annotated images")
    parser.add_argument(
        "--clip", type=Path, nargs="+", default=[], metavar="VIDEO", help="clips with known times"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="draw the best detections and the worst mistakes on --data as a page to look at",
    )
    parser.add_argument(
        "--truth",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="true times of the clips, a file each (default: the clip's name with .json)",
    )
    add_json_option(parser, "the figures")
    add_record_option(parser)
    tables = parser.add_argument_group("the paper's tables")
    tables.add_argument(
        "--tables",
        type=Path,
        nargs="?",
        const=Path("tables"),
        metavar="DIR",
        help="make them and write JSON, CSV and figures to DIR (default: tables)",
    )
    tables.add_argument(
        "--training",
        type=Path,
        metavar="DIR",
        help="folder that the model was trained in (default: training in the model's folder)",
    )
    tables.add_argument(
        "--training-data",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="training photos: COCO JSON or folders (default: train.json beside --data)",
    )
    tables.add_argument(
        "--pretrained", type=Path, metavar="FILE", help="ImageNet weights of MobileNetV1, npz"
    )
    tables.add_argument(
        "--train-tables",
        action="store_true",
        help="train the networks and layers that are only there to be compared",
    )
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print and write."""
    if args.data is None and not args.clip and args.tables is None:
        args.parser.error("nothing to measure on: give --data SET.json or --clip VIDEO")
    if args.report is not None and args.data is None:
        args.parser.error("--report goes with --data")
    if args.truth is not None and len(args.truth) != len(args.clip):
        args.parser.error(f"{len(args.clip)} clips, but {len(args.truth)} files of true times")
    for option in ("training", "training_data", "pretrained", "train_tables"):
        if args.tables is None and getattr(args, option):
            args.parser.error(f"--{option.replace('_', '-')} goes with --tables")
    from rich.console import Console

    from fra_live.evaluation.printing import print_clip, print_report

    recognizer = load_recognizer(args)
    console = Console(highlight=False)
    figures: dict[str, Any] = {}
    if args.data is not None:
        from fra_live.annotations import read_annotations
        from fra_live.evaluation.evaluate import judge_all, summarise

        data = read_annotations(args.data, recognizer.labels)
        with progress_bar(args.data.name) as bar:
            judgements = judge_all(recognizer, data, bar)
        figures = summarise(judgements, recognizer.labels, recognizer.threshold)
        if args.json != "-":
            print_report(console, figures)
        if args.report is not None:
            from fra_live.evaluation.report import write_report

            title = f"{recognizer.bundle.name} on {args.data.name}"
            with progress_bar(args.report.name) as bar:
                write_report(args.report, recognizer, judgements, figures, title, bar)
    if args.clip:
        from fra_live.evaluation.clips import evaluate_clip

        figures["clips"] = []
        truths = args.truth or [clip.with_suffix(".json") for clip in args.clip]
        for clip, truth in zip(args.clip, truths, strict=True):
            with progress_bar(clip.name) as bar:
                found = evaluate_clip(recognizer, clip, truth, progress=bar)
            figures["clips"].append(found)
            if args.json != "-":
                print_clip(console, found)
    if args.tables is not None:
        figures["tables"] = _tables(args, recognizer, console)
    if args.json:
        write_json(figures, args.json)
    record(recognizer.bundle.folder, args.record, figures)
    return 0


def _tables(args: argparse.Namespace, recognizer: Recognizer, console: Console) -> dict[str, Any]:
    require("The paper's tables", "train", "torch", "sklearn", "matplotlib")
    from fra_live.annotations import read_annotations
    from fra_live.evaluation import tables_output
    from fra_live.evaluation.tables_run import TableInputs, make_tables

    beside = [] if args.data is None else [args.data.with_name("train.json")]
    inputs = TableInputs(
        training=args.training or recognizer.bundle.folder / "training",
        test=read_annotations(args.data, recognizer.labels).samples if args.data else (),
        training_data=args.training_data or [path for path in beside if path.is_file()],
        pretrained=args.pretrained,
        out=args.tables,
        train=args.train_tables,
    )
    with redirect_stdout(sys.stderr):  # where trainings show how far they are
        made = make_tables(recognizer, inputs, say, progress_bar)
    if args.json != "-":
        tables_output.print_made(console, made)
    files = tables_output.write_tables(args.tables, made)
    say(f"{len(files)} files in {args.tables}.")
    return tables_output.as_dict(made)
