"""`fra-live live`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fra_live.commands.common import (
    add_model_options,
    add_overlay_options,
    add_threshold_option,
    frame_size,
    load_recognizer,
    overlay_options,
    positive,
    say,
)

if TYPE_CHECKING:
    from fra_live.recognizer import Recognizer
    from fra_live.results import Event

HELP = "recognize a camera, stream or video in a window, as it comes"
DESCRIPTION = """\
Opens a window with what the recognizer sees; press h there for the keys.

  fra-live live                       # the first camera
  fra-live live clip.mp4 --repeat
  fra-live live rtsp://host/stream --no-window --events events.jsonl

The window needs an OpenCV that has windows; `fra-live doctor` says whether yours has, and the
command that installs it. With --no-window each event is printed as it ends."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source",
        nargs="?",
        default="0",
        metavar="SOURCE",
        help="camera index, video file, image, folder, glob, rtsp or http URL (default: 0)",
    )
    parser.add_argument("--no-window", action="store_true", help="print events instead")
    parser.add_argument(
        "--recognized-only",
        action="store_true",
        help="show only frames that were recognized, as --hide-faces and views 2 to 5 always do "
        "(default: every frame as it comes, with the latest outlines carried along)",
    )
    parser.add_argument(
        "--events",
        type=Path,
        metavar="FILE",
        help="write events as they end, as JSON lines or, where it ends in .csv, as CSV",
    )
    parser.add_argument(
        "--event-folder",
        type=Path,
        metavar="DIR",
        help="keep a still and a clip of each event, with the seconds before it",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where snapshots and recordings go (default: the current folder)",
    )
    parser.add_argument("--record", action="store_true", help="record from the first frame on")
    parser.add_argument("--repeat", action="store_true", help="start a file over when it ends")
    parser.add_argument(
        "--mirror",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show the picture as in a mirror (default: for cameras only)",
    )
    parser.add_argument(
        "--size", type=frame_size, metavar="WxH", help="picture size to ask of a camera, px"
    )
    parser.add_argument(
        "--hang",
        type=positive,
        default=10.0,
        metavar="S",
        help="give up an engine that takes longer than this for a frame, s (default: 10)",
    )
    add_threshold_option(parser)
    add_overlay_options(parser)
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Show the source until it ends or is quit."""
    from fra_live.live.window import WindowOptions, event_line, run_window

    options = WindowOptions(
        window=not args.no_window,
        events=args.events,
        event_folder=args.event_folder,
        folder=args.folder,
        record=args.record,
        mirror=args.mirror,
        threshold=args.threshold,
        size=args.size,
        repeat=args.repeat,
        overlay=overlay_options(args),
        hang_s=args.hang,
        every_frame=not args.recognized_only,
    )

    def slower() -> Recognizer:
        """What goes on when the engine fails: the plain one that every CPU runs."""
        from fra_live.recognizer import load

        return load(args.model, "openvino", "f32", args.threads, follow=True)

    def tell(event: Event) -> None:
        print(event_line(event), flush=True)

    return run_window(
        args.source,
        lambda: load_recognizer(args, follow=True),
        options,
        say=say,
        tell_event=tell,
        fallback=slower,
    )
