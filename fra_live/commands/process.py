"""`fra-live process`."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fra_live.commands.common import (
    add_json_option,
    add_model_options,
    add_overlay_options,
    add_threshold_option,
    load_recognizers,
    overlay_options,
    positive,
    say,
    write_json,
)

if TYPE_CHECKING:
    from fra_live.reports import ProcessReport

HELP = "annotate recorded videos and images, and list the events in them"
DESCRIPTION = """\
Writes an annotated copy of every video (H.264, sound kept) and image, and events.jsonl with a
line for each action: what, when, how sure, where.

  fra-live process holiday.mp4 photos/ 'more/*.png' --out results

Run it again to go on where it stopped: inputs that are done are skipped. An input that cannot be
read, or that has brought the program down before, is refused in a sentence and the others go on;
the exit status is then 1. Where the engine fails, the next one that works here carries on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("inputs", nargs="+", metavar="PATH", help="video, image, folder or glob")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the results"
    )
    parser.add_argument(
        "--frames", action="store_true", help="write frames.jsonl too: a line for every frame"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="do everything anew, also over other files"
    )
    parser.add_argument(
        "--again", action="store_true", help="try inputs once more that an earlier run died at"
    )
    parser.add_argument(
        "--patience", type=positive, default=60.0, metavar="S",
        help="give up an input of which nothing can be read, or an engine that does not answer, "
        "for so long (default: 60 s)",
    )  # fmt: skip
    add_threshold_option(parser)
    add_overlay_options(parser)
    add_json_option(parser, "what became of each input")
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Process everything, and sum up."""
    from fra_live.memory import bound_arenas
    from fra_live.process import process
    from fra_live.progress import progress_bar
    from fra_live.standby import reserves_of

    bound_arenas()
    recognizer = load_recognizers(args)
    with progress_bar() as progress:
        report = process(
            args.inputs,
            args.out,
            recognizer,
            frames_jsonl=args.frames,
            overlay_options=overlay_options(args),
            overwrite=args.overwrite,
            again=args.again,
            patience_s=args.patience,
            reserves=reserves_of(recognizer, args.model, args.threads),
            progress=progress,
        )
    if args.json:
        write_json(_figures(report), args.json)
    if args.json != "-":
        print(_summary(report, args.out))
    if not report.ok:
        count = len(report.problems)
        say(f"{count} of {len(report.inputs)} inputs had a problem, named above.")
    return 0 if report.ok else 1


def _figures(report: ProcessReport) -> dict[str, Any]:
    return {
        "inputs": [vars(entry) for entry in report.inputs],
        "events": report.events,
        "results": report.results,
        "frames": report.frames,
        "notices": report.notices,
    }


def _summary(report: ProcessReport, out: Path) -> str:
    states: Counter[str] = Counter(entry.state for entry in report.inputs)
    words = {"done": "done", "skipped": "done before", "refused": "refused"}
    counts = ", ".join(f"{states[s]} {said}" for s, said in words.items() if states[s])
    events = sum(entry.events for entry in report.inputs)
    tables = [p.name for p in (report.events, report.results, report.frames) if p is not None]
    return (
        f"{counts or 'nothing to do'}; {events} event{'' if events == 1 else 's'}. "
        f"Results are in {out}: {', '.join(tables)} and the annotated copies."
    )
