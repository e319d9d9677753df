"""`fra-live demo`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fra_live.commands.common import (
    add_json_option,
    add_model_options,
    load_recognizers,
    print_table,
    require,
    write_json,
)

if TYPE_CHECKING:
    from fra_live.demo import DemoReport, Sighting

HELP = "recognize a clip made on the spot: no camera, no GPU, no download"
DESCRIPTION = """\
Composes a clip from a public-domain portrait with hands and objects drawn over it, recognizes it,
and says which of the actions in it were found, and when. Leaves the clip, its annotated copy and
events.jsonl in the folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("fra-live-demo"),
        metavar="DIR",
        help="folder of the results (default: fra-live-demo)",
    )
    add_json_option(parser, "what was found")
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Compose, recognize, compare."""
    require("The demo clip", "demo", "skimage")
    from fra_live.demo import run_demo
    from fra_live.progress import progress_bar
    from fra_live.standby import reserves_of

    recognizer = load_recognizers(args)
    reserves = reserves_of(recognizer, args.model, args.threads)
    with progress_bar() as progress:
        report = run_demo(args.out, recognizer, progress, reserves)
    if args.json:
        write_json(report.to_dict(), args.json)
    if args.json != "-":
        _print(report)
    return 0


def _print(report: DemoReport) -> None:
    print_table(
        ("action", "in the clip", "found", "probability"),
        (_row(sighting) for sighting in report.sightings),
    )
    print(
        f"{len(report.recognized)} of {len(report.sightings)} actions were found at their times, "
        f"with {report.false_events} false event{'' if report.false_events == 1 else 's'}.\n"
        f"Look at {report.annotated.resolve()}\n"
        f"The events are in {report.events.resolve()}"
    )


def _row(sighting: Sighting) -> tuple[str, str, str, str]:
    truth = sighting.truth
    name = truth.action.replace("_", " ")
    true = f"{truth.start_s:.1f} to {truth.end_s:.1f} s"
    if sighting.start_s is None or sighting.end_s is None or sighting.peak_score is None:
        return name, true, "no", ""
    found = f"{sighting.start_s:.1f} to {sighting.end_s:.1f} s"
    return name, true, found, f"{100 * sighting.peak_score:.0f} %"
