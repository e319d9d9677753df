#!/usr/bin/env python3
"""Runs the live loop, or the page, for very long and says whether anything grows.

A file is played over and over: through capture, recognition, events and overlay, or with --page
as the camera of a visitor of `fra-live web` in headless Chromium, or with --visits as the cameras
of visitors who come and go, without a browser. Memory, threads, open files (of the server, for the
page) and the age of what is on the screen are noted every few seconds; at the end a verdict is
printed, and the exit status is 1 where something grew.

    scripts/soak.py                            # 100,000 frames, the model that ships
    scripts/soak.py --pace clock               # the same as fast as the window shows them: an hour
    scripts/soak.py --frames 3000 --stand-in 5 # the loop alone, 5 ms a frame
    scripts/soak.py --pace clock --seconds 3600 --json report.json
    scripts/soak.py --page --seconds 3600
    scripts/soak.py --visits --stand-in 1   # some thousand pictures a minute

Linux only: the figures come from /proc.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from soak_verdict import SAMPLE_S, Finding, Sample, Watch, judge

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fra_live.errors import FraLiveError
from fra_live.labels import LabelSet
from fra_live.live.events import EventTracker
from fra_live.live.loop import LiveLoop
from fra_live.live.overlay import Hud, Overlay
from fra_live.results import Candidate, FrameResult
from fra_live.video.sinks import VideoSink
from fra_live.video.sources import open_source

_PAGE_S = 900.0
_HANG_S = 120.0  # others may take the machine for a while, and that is not what is looked for


class StandIn:
    """Recognizes nothing, at a fixed cost, for a soak of the loop alone."""

    def __init__(self, delay_s: float) -> None:
        self.labels = LabelSet(("background", "face", "drink"), ("face",), {"drinking": "drink"})
        self.threshold = 0.5
        self._delay_s = delay_s

    def close(self) -> None:
        """Nothing to let go of."""

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """Drinking for four of every ten seconds."""
        time.sleep(self._delay_s)
        height, width = image.shape[:2]
        drinking = 0.9 if timestamp_s % 10 < 4 else 0.1  # so that events come and go
        box = (0.4 * width, 0.4 * height, 0.6 * width, 0.6 * height)
        outline = np.array([box[:2], (box[2], box[1]), box[2:]], np.float32)
        return FrameResult(
            frame=(height, width),
            actions={"drinking": drinking, "none": 1 - drinking},
            scores={"drinking": drinking},
            threshold=self.threshold,
            candidates=(Candidate("drink", box, (outline,), drinking, drinking),),
            stages_ms={"stand-in": 1000 * self._delay_s},
            timestamp_s=timestamp_s,
        )


def write_clip(path: Path, size: tuple[int, int] = (480, 640), seconds: int = 10) -> None:
    """A clip to play for a stand-in: a moving ramp with a bright square in it."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    with VideoSink(path, size, Fraction(30)) as sink:
        for i in range(30 * seconds):
            image = np.empty((height, width, 3), np.uint8)
            for channel, speed in enumerate((1, 2, 3)):
                image[..., channel] = (rows + columns // 2 + speed * i) % 256
            x = (4 * i) % (width - 80)
            image[height // 3 : height // 3 + 80, x : x + 80] = 240
            sink.write(image, i / 30)


def soak(
    clip: Path,
    recognizer: Any,
    frames: int,
    seconds: float,
    pacing: str,
    progress: Callable[[Sample], None],
) -> tuple[list[Sample], Finding]:
    """Run the loop and note how it fares, and whether its threads end with it."""
    # One call first: libraries start threads of their own that stay.
    with open_source(clip) as source:
        recognizer(next(iter(source)).image)
    before = threading.active_count()
    overlay = Overlay(recognizer.labels)
    tracker = EventTracker(clip.name, recognizer.labels)
    samples: list[Sample] = []
    ages: list[float] = []
    watch, last = Watch(), time.perf_counter()
    end = last + seconds
    with LiveLoop(
        open_source(clip),
        recognizer,
        tracker=tracker,
        pacing=pacing,  # type: ignore[arg-type]
        repeat=lambda: open_source(clip),
        hang_s=_HANG_S,
        every_frame=True,  # as the window has it, where frames come by the clock
    ) as loop:
        for count in range(1, frames + 1):
            frame = loop.get()
            if frame is None:
                raise FraLiveError(f"The loop ended after {count - 1} frames.")
            hud = Hud(fps=frame.fps, age_ms=frame.age_ms)
            overlay.draw(frame.image, frame.result, frame.active_events, hud)
            ages.append(loop.shown(frame))
            now = time.perf_counter()
            ends = count == frames or now >= end
            if now - last >= SAMPLE_S or ends:
                last = now
                samples.append(watch.sample(count, ages))
                ages.clear()
                progress(samples[-1])
            if ends:
                break
    recognizer.close()
    left = threading.active_count() - before
    return samples, Finding("threads left", left <= 0, f"{left} after the end")


def run(args: argparse.Namespace, folder: Path) -> tuple[list[Sample], Finding]:
    """What the arguments ask for."""
    clip = args.clip
    if clip is None:
        clip = folder / "clip.mp4"
        if args.stand_in is None:
            from fra_live.demo.clip import compose_clip

            compose_clip(clip)  # regions without end in a drawn ramp take three times as long
        else:
            write_clip(clip)
    if args.page:
        from soak_page import soak_page

        return soak_page(clip, folder, args.model, args.seconds or _PAGE_S, _tell)
    if args.visits:
        from soak_page import soak_visits

        delay_s = None if args.stand_in is None else args.stand_in / 1000
        return soak_visits(clip, args.model, delay_s, args.seconds or _PAGE_S, _tell)
    if args.stand_in is None:
        from fra_live.recognizer import load

        recognizer: Any = load(args.model, follow=True)  # as the window has it
    else:
        recognizer = StandIn(args.stand_in / 1000)
    seconds = math.inf if args.seconds is None else args.seconds
    return soak(clip, recognizer, args.frames, seconds, args.pace, _tell)


def main(arguments: list[str] | None = None) -> int:
    """Run the soak and print the verdict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "clip",
        nargs="?",
        type=Path,
        help="video to play (default: the demo's; for a stand-in one is drawn)",
    )
    parser.add_argument("--frames", type=int, default=100_000, help="of the loop")
    parser.add_argument("--model", default="mobile")
    parser.add_argument(
        "--stand-in", type=float, metavar="MS", help="no model, but this time a frame"
    )
    parser.add_argument(
        "--pace", choices=("every", "clock"), default="every", help="as fast as it goes, or timed"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--page", action="store_true", help="the page, by a camera in Chromium")
    what.add_argument("--visits", action="store_true", help="the page, by many visitors' requests")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="end after so long (the page: default 900)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write samples and verdict")
    args = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="fra-live-soak-") as folder:
            samples, ended = run(args, Path(folder))
    except FraLiveError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    findings = [*judge(samples), ended]
    for finding in findings:
        print(finding)
    grew = any(f.good is False for f in findings)
    total = samples[-1]
    speed = total.frames / total.time_s
    print(f"{total.frames:,} frames in {total.time_s:.0f} s ({speed:.1f}/s):", end=" ")
    print("something GREW" if grew else "nothing grew")
    if args.json is not None:
        report = {"samples": [asdict(s) for s in samples], "verdict": [asdict(f) for f in findings]}
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(grew)


def _tell(sample: Sample) -> None:
    print(sample, flush=True)


if __name__ == "__main__":
    sys.exit(main())
