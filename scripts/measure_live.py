#!/usr/bin/env python3
"""Measures what a person sees in the window: frames shown, passed over, and how old they are.

Plays clips of several sizes and rates at their own speed through `fra-live live`, in a real window
on an X display of its own (Xvfb), and prints what the program itself says at its end, last as one
line of JSON. A clip stands for a camera: a frame that comes too late is passed over.

    scripts/measure_live.py
    scripts/measure_live.py --seconds 600 --sources 640x480@30
    scripts/measure_live.py --clip holiday.mp4 --model mine
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fra_live.errors import FraLiveError
from fra_live.video.sinks import VideoSink
from fra_live.video.sources import open_source

_SUMMARY = re.compile(r"(\d+) frames shown, (\d+) passed over; age (\d+) ms \(p95 (\d+) ms\)")
_START_S = 60.0  # to load and to show the first frames, on a busy machine


@contextmanager
def display() -> Iterator[str]:
    """An X display that nobody sees."""
    reading, writing = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        "2048x1152x24",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(
        command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def write_clip(source: Path, path: Path, size: tuple[int, int], rate: int) -> None:
    """A clip in another size, (H, W) px, and at another rate; frames are taken over in order."""
    with open_source(source) as frames, VideoSink(path, size, Fraction(rate)) as sink:
        for frame in frames:
            sink.write(cv2.resize(frame.image, size[::-1]), frame.index / rate)


def watch(clip: Path, screen: str, seconds: float, extra: list[str]) -> dict[str, Any]:
    """Run the window on a clip for a while, end it as Ctrl-C does, and read its summary."""
    command = [sys.executable, "-m", "fra_live", "live", str(clip), "--repeat", *extra]
    environment = {**os.environ, "DISPLAY": screen, "QT_QPA_PLATFORM": "xcb"}
    with tempfile.TemporaryFile("w+") as said:
        program = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        try:
            program.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGINT)
            program.wait(timeout=_START_S)
        said.seek(0)
        text = said.read()
    found = _SUMMARY.search(text)
    if found is None:
        raise FraLiveError(f"fra-live live ended without a summary: {text.strip()[-300:]}")
    shown, passed_over, p50, p95 = map(int, found.groups())
    return {"shown": shown, "passed_over": passed_over, "age_ms": {"p50": p50, "p95": p95}}


def source_kind(text: str) -> tuple[str, tuple[int, int], int]:
    """Argument type: WIDTHxHEIGHT@RATE."""
    found = re.fullmatch(r"(\d+)x(\d+)@(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT@RATE, as 640x480@30")
    width, height, rate = map(int, found.groups())
    return text, (height, width), rate


def main() -> int:
    """Measure each kind of source and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, help="what is shown (default: the demo's clip)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each source (default: 30)")
    parser.add_argument(
        "--sources", nargs="+", type=source_kind, metavar="WxH@RATE",
        default=[source_kind(s) for s in ("640x480@30", "640x480@60", "1920x1080@30")],
    )  # fmt: skip
    parser.add_argument("--model", default="mobile")
    args = parser.parse_args()
    if not shutil.which("Xvfb"):
        print("measure_live: there is no Xvfb: apt-get install xvfb", file=sys.stderr)
        return 1
    rows = []
    with tempfile.TemporaryDirectory(prefix="fra-live-measure-") as folder, display() as screen:
        try:
            clip = args.clip
            if clip is None:
                from fra_live.demo.clip import compose_clip

                clip = Path(folder) / "demo.mp4"
                compose_clip(clip)
            for name, size, rate in args.sources:
                path = Path(folder) / f"{name}.mp4"
                write_clip(clip, path, size, rate)
                start = time.perf_counter()
                extra = ["--model", args.model, "--folder", folder]
                row = {"source": name, **watch(path, screen, args.seconds, extra)}
                row["seconds"] = round(time.perf_counter() - start, 1)
                rows.append(row)
                share = row["shown"] / max(1, row["shown"] + row["passed_over"])
                print(
                    f"{name:>14}: {row['shown']} frames shown ({share:.0%} of the source's), age "
                    f"{row['age_ms']['p50']} ms, p95 {row['age_ms']['p95']} ms",
                    flush=True,
                )
        except FraLiveError as error:
            print(f"measure_live: {error}", file=sys.stderr)
            return 1
    print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
