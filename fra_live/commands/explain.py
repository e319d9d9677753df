"""`fra-live explain`."""

from __future__ import annotations

import argparse
from pathlib import Path

from fra_live.commands.common import (
    add_model_options,
    add_threshold_option,
    load_recognizer,
    progress_bar,
    say,
)

HELP = "draw what the method sees in images: maps, windows, candidates"
DESCRIPTION = """\
Draws a sheet for each image, after the paper's Figure 4: the probability maps of the coarse and
the fine network side by side, the windows, the ranked candidates and the actions.

  fra-live explain photo.jpg more/ --out sheets"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("inputs", nargs="+", metavar="IMAGE", help="image, folder or glob")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the sheets"
    )
    add_threshold_option(parser)
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Draw a sheet for every image that can be read."""
    from fra_live.explain import explain

    recognizer = load_recognizer(args)
    with progress_bar("Sheets") as bar:
        reports = explain(args.inputs, recognizer, args.out, bar)
    drawn = [report for report in reports if report.output is not None]
    for report in reports:
        if report.problem is not None:
            say(report.problem)
    if drawn:
        print(f"{len(drawn)} sheet{'' if len(drawn) == 1 else 's'} in {args.out}")
    return 0 if len(drawn) == len(reports) else 1
