#!/usr/bin/env python3
"""Measures what a person sees in the window: frames shown, passed over, and how old they are.

Plays clips of several sizes and rates at their own speed through `fra-live live`, in a real window
on an X display of its own (Xvfb), and prints what the program itself says every minute and at its
end, last as one line of JSON. A clip stands for a camera: a frame that comes too late is passed
over. "Recognition" is how old the frame was in which that was recognized which is outlined.

    scripts/measure_live.py
    scripts/measure_live.py --modes every-frame recognized-only
    scripts/measure_live.py --seconds 600 --sources 640x480@30      # minute by minute
    scripts/measure_live.py --clip holiday.mp4 --model mine
    scripts/measure_live.py --starts 5 --sources    # from typing to the first frame, nothing else
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import signal
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
from stage import Program, x_display

from fra_live.errors import FraLiveError
from fra_live.live.app import FIRST_FRAME
from fra_live.video.sinks import VideoSink
from fra_live.video.sources import open_source

_FIGURES = re.compile(
    r"(\d+) frames shown, (\d+) passed over; age (\d+) ms \(p95 (\d+) ms\); "
    r"(\d+) frames recognized, (\d+) ms old \(p95 (\d+) ms\)"
)
_SO_FAR = "So far "
_MODES = {"every-frame": (), "recognized-only": ("--recognized-only",)}


def write_clip(source: Path, path: Path, size: tuple[int, int], rate: int) -> None:
    """A clip in another size, (H, W) px, and at another rate; frames are taken over in order."""
    with open_source(source) as frames, VideoSink(path, size, Fraction(rate)) as sink:
        for frame in frames:
            sink.write(cv2.resize(frame.image, size[::-1]), frame.index / rate)


def first_frame(clip: Path, display: str, extra: list[str]) -> float:
    """Seconds from starting `fra-live live` to the first annotated frame on the screen."""
    program = Program("live", clip, "--debug", *extra, display=display)
    try:
        program.wait_for(FIRST_FRAME)
        return time.perf_counter() - program.begin_s
    finally:
        program.end(signal.SIGKILL)


def row(line: str, seconds: float, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Figures of a line that the program said.

    Args:
        line: with all figures in it.
        seconds: in which frames were counted.
        before: an earlier line's, whose frames do not count.
    """
    found = _FIGURES.search(line)
    if found is None:
        raise FraLiveError(f"fra-live says no figures that this script knows: {line}.")
    shown, passed_over, p50, p95, recognized, seen_p50, seen_p95 = map(int, found.groups())
    total = {"shown": shown, "passed_over": passed_over, "recognized": recognized}
    counts = {name: value - (before or {}).get(name, 0) for name, value in total.items()}
    return {
        **counts,
        "share": round(counts["shown"] / max(1, counts["shown"] + counts["passed_over"]), 3),
        "age_ms": {"p50": p50, "p95": p95},
        "recognized_fps": round(counts["recognized"] / seconds, 1),
        "recognition_age_ms": {"p50": seen_p50, "p95": seen_p95},
    }


def minutes(said: list[str]) -> list[dict[str, Any]]:
    """Figures of every full minute; ages are those of its last 1,800 frames."""
    found: list[dict[str, Any]] = []
    total: dict[str, Any] = {}
    for line in (line for line in said if _SO_FAR in line):
        found.append(row(line, 60.0, total))
        total = row(line, 60.0)
    return found


def watch(clip: Path, display: str, seconds: float, extra: list[str]) -> dict[str, Any]:
    """Let the window show a clip for a while, end it as Ctrl-C does, and read its figures."""
    program = Program("live", clip, "--repeat", "--debug", *extra, display=display)
    try:
        program.wait_for(FIRST_FRAME)
        begin_s = time.perf_counter()
        time.sleep(seconds)
        seconds = time.perf_counter() - begin_s
    finally:
        program.end()
    program.wait_for("frames shown")
    last = next(line for line in reversed(program.said) if "frames shown" in line)
    return {**row(last, seconds), "minutes": minutes(program.said)}


def told(name: str, figures: dict[str, Any]) -> str:
    """Figures as a line for people."""
    age, seen = figures["age_ms"], figures["recognition_age_ms"]
    return (
        f"{name:>31}: {figures['share']:.1%} shown, age {age['p50']} ms (p95 {age['p95']}); "
        f"{figures['recognized_fps']} recognized/s, recognition {seen['p50']} ms (p95 "
        f"{seen['p95']})"
    )


def source_kind(text: str) -> tuple[str, tuple[int, int], int]:
    """Argument type: WIDTHxHEIGHT@RATE."""
    found = re.fullmatch(r"(\d+)x(\d+)@(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT@RATE, as 640x480@30")
    width, height, rate = map(int, found.groups())
    return text, (height, width), rate


def main(arguments: list[str] | None = None) -> int:
    """Measure each kind of source and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, help="what is shown (default: the demo's clip)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each source (default: 30)")
    parser.add_argument(
        "--sources", nargs="*", type=source_kind, metavar="WxH@RATE",
        default=[source_kind(s) for s in ("640x480@30", "640x480@60", "1920x1080@30")],
    )  # fmt: skip
    parser.add_argument(
        "--modes", nargs="+", choices=_MODES, default=["every-frame"],
        help="what the window shows (default: every-frame)",
    )  # fmt: skip
    parser.add_argument(
        "--starts", type=int, default=3, metavar="N",
        help="start it so often to see how long the first frame takes (default: 3)",
    )  # fmt: skip
    parser.add_argument(
        "--clips", type=Path, metavar="DIR", help="keep the clips there, and use those that are"
    )
    parser.add_argument("--model", default="mobile")
    args = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="fra-live-measure-") as folder:
            figures = measure(args, Path(folder))
    except FraLiveError as error:
        print(f"measure_live: {error}", file=sys.stderr)
        return 1
    print(json.dumps(figures))
    return 0


def measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All figures, printed as they come."""
    clips: Path = args.clips or folder
    clips.mkdir(parents=True, exist_ok=True)
    original: Path = args.clip or clips / "demo.mp4"
    if args.clip is None and not original.exists():
        from fra_live.demo.clip import compose_clip

        compose_clip(original)
    made = {name: clips / f"{original.stem}-{name}.mp4" for name, _, _ in args.sources}
    for name, size, rate in args.sources:
        if not made[name].exists():
            write_clip(original, made[name], size, rate)
    extra = ["--model", args.model, "--folder", str(folder)]
    figures: dict[str, Any] = {"first_frame_s": None, "sources": []}
    with x_display() as display:
        if args.starts:
            took = [first_frame(original, display, extra) for _ in range(args.starts)]
            figures["first_frame_s"] = round(statistics.median(took), 2)
            times = ", ".join(f"{t:.2f}" for t in took)
            print(f"first frame: {times} s after the program was started", flush=True)
        for (name, _, _), mode in itertools.product(args.sources, args.modes):
            found = watch(made[name], display, args.seconds, [*extra, *_MODES[mode]])
            figures["sources"].append({"source": name, "mode": mode, **found})
            for number, minute in enumerate(found["minutes"], 1):
                print(told(f"minute {number}", minute), flush=True)
            print(told(f"{name}, {mode}", found), flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
