"""`fra-live bench`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from fra_live.commands.common import (
    add_json_option,
    add_model_options,
    add_record_option,
    frame_size,
    plain,
    positive,
    record,
    say,
    write_json,
)

HELP = "measure how fast a model runs here, stage by stage"
DESCRIPTION = """\
Times the whole recognizer, warm, on real pictures: frames a second, latency, milliseconds of each
stage, and what share of this machine's arithmetic the networks reach. Prints a card to read and,
as its last line, one JSON object.

  fra-live bench
  fra-live bench --images photos/ --frame 1280x720 --seconds 10
  fra-live bench --cameras 1,2,4,8 --precisions --peer yolo11n-seg
  fra-live bench --json - > figures.json          # the card goes to stderr

Leave the machine alone while it runs: other programs show in the figures, and the card says so."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--frame",
        "--size",
        type=frame_size,
        dest="frame",
        default=(480, 640),
        metavar="WIDTHxHEIGHT",
        help="size of the frames (default: 640x480)",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="photos to take them from (default: scenes of the demo, drawn over a real portrait)",
    )
    parser.add_argument(
        "--seconds",
        type=positive,
        default=5.0,
        metavar="S",
        help="how long each regime is timed (default: 5)",
    )
    parser.add_argument(
        "--cameras",
        type=camera_counts,
        default=(),
        metavar="N,N,…",
        help="also several cameras at once, as 1,2,4,8",
    )
    parser.add_argument(
        "--precisions",
        action="store_true",
        help="also every other engine and precision that works here",
    )
    parser.add_argument(
        "--peer",
        metavar="NAME",
        help="also another network in the same runtime, as yolo11n-seg (needs ultralytics)",
    )
    add_json_option(parser, "the figures")
    add_record_option(parser)
    add_model_options(parser)


def camera_counts(text: str) -> tuple[int, ...]:
    """Argument type: numbers of cameras, as 1,2,4,8."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' are no numbers, as 1,2,4,8") from None
    if not all(1 <= count <= 64 for count in counts):
        raise argparse.ArgumentTypeError(f"'{text}': from 1 to 64 cameras")
    return counts


def run(args: argparse.Namespace) -> int:
    """Measure, print and write."""
    from rich.console import Console

    from fra_live.benchmark import BenchOptions, run_bench
    from fra_live.benchmark.card import print_card

    options = BenchOptions(
        model=args.model,
        engine=args.engine,
        precision=args.precision,
        threads=args.threads,
        frame=args.frame,
        images=args.images,
        seconds=args.seconds,
        cameras=args.cameras,
        precisions=args.precisions,
        peer=args.peer,
    )
    report = plain(run_bench(options, say))
    # With --json - stdout is the JSON line alone.
    print_card(Console(highlight=False, stderr=args.json == "-"), report)
    print(json.dumps(report, allow_nan=False), flush=True)
    if args.json and args.json != "-":
        write_json(report, args.json)
    if args.record:
        from fra_live.runtime.bundle import find_bundle

        record(find_bundle(args.model), args.record, report)
    return 0
