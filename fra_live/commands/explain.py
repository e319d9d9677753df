"""`fra-live explain`."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

from fra_live.commands.common import (
    add_model_options,
    add_threshold_option,
    load_recognizer,
    progress_bar,
    say,
)
from fra_live.errors import SinkError, SourceError

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
    from fra_live.evaluation.sheet import explanation_sheet
    from fra_live.video.images import read_image
    from fra_live.video.inputs import expand_inputs
    from fra_live.video.sinks import write_image

    recognizer = load_recognizer(args)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{args.out} cannot be made: {error.strerror}.") from error
    found, refused = expand_inputs(args.inputs, args.out)
    problems = [str(error) for _, error in refused]
    drawn: set[Path] = set()
    with progress_bar("Sheets") as bar:
        for done, entry in enumerate(found, start=1):
            try:
                if not entry.image:
                    raise SourceError(f"{entry.path} is a video; explain takes images.")
                image = read_image(entry.path)
            except SourceError as error:
                problems.append(str(error))
                continue
            result = recognizer(image, explain=True)
            sheet = explanation_sheet(image, result, recognizer.labels, entry.path.name)
            path = args.out / _name(entry.path, drawn)
            write_image(path, sheet)
            drawn.add(Path(path.name))
            bar(done, len(found))
    for problem in problems:
        say(problem)
    if drawn:
        print(f"{len(drawn)} sheet{'' if len(drawn) == 1 else 's'} in {args.out}")
    return 1 if problems else 0


def _name(image: Path, taken: Collection[Path]) -> Path:
    """photo.jpg → photo_explained.png, with a number where that is taken by another photo."""
    name, number = Path(f"{image.stem}_explained.png"), 1
    while name in taken:
        number += 1
        name = Path(f"{image.stem}_explained_{number}.png")
    return name
