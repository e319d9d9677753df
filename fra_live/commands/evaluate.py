"""`fra-live evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fra_live.commands.common import (
    add_json_option,
    add_model_options,
    load_recognizer,
    progress_bar,
    write_json,
)

HELP = "measure a model on annotated images, and on clips with known times"
DESCRIPTION = """\
Prints average precision of the actions, localisation of the objects, overlap of the outlines, and
how often images of no action raise an alarm at the model's own threshold.

  fra-live evaluate --data test.json --json figures.json --report page.html
  fra-live evaluate --clip clip_1.mp4 clip_2.mp4      # true times in clip_1.json beside it

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
    add_json_option(parser, "the figures")
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print and write."""
    if args.data is None and not args.clip:
        args.parser.error("nothing to measure on: give --data SET.json or --clip VIDEO")
    if args.report is not None and args.data is None:
        args.parser.error("--report goes with --data")
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
        for clip in args.clip:
            with progress_bar(clip.name) as bar:
                found = evaluate_clip(recognizer, clip, clip.with_suffix(".json"), progress=bar)
            figures["clips"].append(found)
            if args.json != "-":
                print_clip(console, found)
    if args.json:
        write_json(figures, args.json)
    return 0
