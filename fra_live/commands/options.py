"""Options that several commands have, and the kinds of their arguments."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fra_live.live.overlay import OverlayOptions

ENGINES = ("auto", "tensorrt", "torch", "openvino")  # runtime.engine's, not imported for --help


def natural(text: str) -> int:
    """Argument type: a whole number from 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def positive(text: str) -> float:
    """Argument type: a finite number above 0."""
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def probability(text: str) -> float:
    """Argument type: a number in 0..1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not in 0..1")
    return value


def frame_size(text: str) -> tuple[int, int]:
    """Argument type: WIDTHxHEIGHT in px, returned as (H, W)."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT, as 640x480") from None
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' has no pixels")
    return height, width


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """--model, --engine, --precision, --threads."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", default="mobile", metavar="NAME|DIR", help="model bundle (default: mobile)"
    )
    group.add_argument(
        "--engine",
        default="auto",
        choices=ENGINES,
        help="what runs the networks (default: the best that works here)",
    )
    group.add_argument(
        "--precision",
        default="auto",
        metavar="P",
        help="auto, f32, bf16 … (default: the fastest that keeps the model's accuracy)",
    )
    group.add_argument(
        "--threads",
        type=natural,
        default=0,
        metavar="N",
        help="CPU threads for the networks (default: 0, the engine decides)",
    )


def add_threshold_option(parser: argparse.ArgumentParser) -> None:
    """--threshold."""
    parser.add_argument(
        "--threshold",
        type=probability,
        metavar="P",
        help="raise an action from this probability on, 0..1 (default: the model's own)",
    )


def add_overlay_options(parser: argparse.ArgumentParser) -> None:
    """--view, --hide-faces."""
    parser.add_argument(
        "--view",
        type=int,
        choices=range(1, 6),
        default=1,
        help="1 annotated frame, 2 coarse map, 3 windows, 4 fine map, 5 all of them (default: 1)",
    )
    parser.add_argument(
        "--hide-faces",
        choices=("pixelate", "blur"),
        default="",
        help="hide the faces of people who act in no event",
    )


def overlay_options(args: argparse.Namespace) -> OverlayOptions:
    """What `add_overlay_options` stands for."""
    from fra_live.live.overlay import OverlayOptions

    return OverlayOptions(view=args.view, faces=args.hide_faces)


def add_json_option(parser: argparse.ArgumentParser, what: str) -> None:
    """--json FILE|-."""
    parser.add_argument(
        "--json", metavar="FILE|-", help=f"write {what} as JSON to a file, or to stdout with -"
    )


def add_record_option(parser: argparse.ArgumentParser) -> None:
    """--record NAME."""
    parser.add_argument(
        "--record", metavar="NAME", help="put the figures into the model's manifest, by this name"
    )
