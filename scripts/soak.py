#!/usr/bin/env python3
"""Runs the live loop for very many frames and says whether anything grows.

A file is played over and over through capture, recognition, events and overlay. Memory, threads,
open files and the age of what would be on the screen are noted every few seconds; at the end a
verdict is printed, and the exit status is 1 where something grew.

    scripts/soak.py                            # 100,000 frames, the model that ships
    scripts/soak.py --frames 3000 --stand-in 5 # the loop alone, 5 ms a frame
    scripts/soak.py --pace clock --json report.json

Linux only: the figures come from /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fra_live.errors import FraLiveError
from fra_live.labels import LabelSet
from fra_live.live.events import EventTracker
from fra_live.live.loop import LiveLoop
from fra_live.live.overlay import Hud, Overlay
from fra_live.results import Candidate, FrameResult
from fra_live.video.sinks import VideoSink
from fra_live.video.sources import open_source

WARM_UP_S = 60.0  # caches fill and pools grow in the first minute
LEAST_S = 240.0  # a shorter run says nothing about megabytes an hour
MAX_SLOPE = 1.0  # MB/h
MAX_AGE_CHANGE = 0.10  # of the 95th percentile, first against last third
LEAST_AGE_CHANGE_MS = 2.0  # differences below are the machine's, not ours
SAMPLE_S = 5.0


@dataclass(frozen=True)
class Sample:
    """What was noted at one moment; ages are of the frames since the last sample."""

    time_s: float
    frames: int
    memory_mb: float
    threads: int
    files: int
    age_p95_ms: float


@dataclass(frozen=True)
class Finding:
    """One line of the verdict; `good` is None where nothing can be said."""

    what: str
    good: bool | None
    detail: str


class StandIn:
    """Recognizes nothing, at a fixed cost, for a soak of the loop alone."""

    def __init__(self, delay_s: float) -> None:
        self.labels = LabelSet(("background", "face", "drink"), ("face",), {"drinking": "drink"})
        self.threshold = 0.5
        self._delay_s = delay_s

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


def memory_mb() -> float:
    """Resident memory of this process, 10^6 bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def write_clip(path: Path, size: tuple[int, int] = (480, 640), seconds: int = 10) -> None:
    """A clip to play where none is given: a moving ramp with a bright square in it."""
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
    pacing: str,
    progress: Callable[[Sample], None],
) -> list[Sample]:
    """Run the loop and note how it fares."""
    overlay = Overlay(recognizer.labels)
    tracker = EventTracker(clip.name, recognizer.labels)
    samples: list[Sample] = []
    ages: list[float] = []
    begin = last = time.perf_counter()
    with LiveLoop(
        open_source(clip),
        recognizer,
        tracker=tracker,
        pacing=pacing,  # type: ignore[arg-type]
        repeat=lambda: open_source(clip),
    ) as loop:
        for count in range(1, frames + 1):
            frame = loop.get()
            if frame is None:
                raise FraLiveError(f"The loop ended after {count - 1} frames.")
            hud = Hud(fps=frame.fps, age_ms=frame.age_ms)
            overlay.draw(frame.image, frame.result, frame.active_events, hud)
            ages.append(loop.shown(frame))
            now = time.perf_counter()
            if now - last >= SAMPLE_S or count == frames:
                last = now
                samples.append(
                    Sample(
                        round(now - begin, 1),
                        count,
                        round(memory_mb(), 2),
                        threading.active_count(),
                        len(list(Path("/proc/self/fd").iterdir())),
                        round(float(np.percentile(ages, 95)), 2),
                    )
                )
                ages.clear()
                progress(samples[-1])
    return samples


def judge(samples: list[Sample], left_threads: int) -> list[Finding]:
    """Say what grew.

    Args:
        samples: of the whole run.
        left_threads: threads that were alive before the loop and are missing or new after it.
    """
    findings = []
    warm = [s for s in samples if s.time_s >= WARM_UP_S]
    span_s = warm[-1].time_s - warm[0].time_s if warm else 0.0
    if span_s >= LEAST_S:
        hours = np.array([s.time_s for s in warm]) / 3600
        slope = float(np.polyfit(hours, np.array([s.memory_mb for s in warm]), 1)[0])
        detail = f"{slope:+.2f} MB/h over {span_s:.0f} s, at most {MAX_SLOPE:+.2f}"
        findings.append(Finding("memory", slope <= MAX_SLOPE, detail))
    else:
        detail = f"only {span_s:.0f} s after the first minute, {LEAST_S:.0f} s are needed"
        findings.append(Finding("memory", None, detail))
    settled = warm or samples
    for what in ("threads", "files"):
        first, most = getattr(settled[0], what), max(getattr(s, what) for s in settled)
        findings.append(Finding(what, most <= first, f"{first} at first, {most} at most"))
    third = len(settled) // 3
    if third:
        early = float(np.median([s.age_p95_ms for s in settled[:third]]))
        late = float(np.median([s.age_p95_ms for s in settled[-third:]]))
        allowed = max(MAX_AGE_CHANGE * early, LEAST_AGE_CHANGE_MS)
        detail = f"{early:.1f} ms in the first third, {late:.1f} ms in the last"
        findings.append(Finding("age p95", late - early <= allowed, detail))
    else:
        findings.append(Finding("age p95", None, "too few samples"))
    findings.append(Finding("threads left", left_threads <= 0, f"{left_threads} after the end"))
    return findings


def main() -> int:
    """Run the soak and print the verdict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", nargs="?", type=Path, help="video to play (default: one is drawn)")
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--model", default="mobile")
    parser.add_argument(
        "--stand-in", type=float, metavar="MS", help="no model, but this time a frame"
    )
    parser.add_argument(
        "--pace", choices=("every", "clock"), default="every", help="as fast as it goes, or timed"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write samples and verdict")
    args = parser.parse_args()

    with ExitStack() as stack:
        clip = args.clip
        if clip is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fra-live-soak-"))
            clip = Path(folder) / "clip.mp4"
            write_clip(clip)
        try:
            if args.stand_in is None:
                from fra_live.recognizer import load

                recognizer: Any = load(args.model)
            else:
                recognizer = StandIn(args.stand_in / 1000)
            # One call first: libraries start threads of their own that stay.
            with open_source(clip) as source:
                recognizer(next(iter(source)).image)
            before = threading.active_count()
            samples = soak(clip, recognizer, args.frames, args.pace, _print_sample)
        except FraLiveError as error:
            print(f"soak: {error}", file=sys.stderr)
            return 1
    findings = judge(samples, threading.active_count() - before)
    for finding in findings:
        mark = {True: "flat", False: "GREW", None: "?"}[finding.good]
        print(f"{finding.what:>13}  {mark:4}  {finding.detail}")
    grew = any(f.good is False for f in findings)
    total = samples[-1]
    speed = total.frames / total.time_s
    print(f"{total.frames:,} frames in {total.time_s:.0f} s ({speed:.1f}/s):", end=" ")
    print("something GREW" if grew else "nothing grew")
    if args.json is not None:
        report = {"samples": [asdict(s) for s in samples], "verdict": [asdict(f) for f in findings]}
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(grew)


def _print_sample(sample: Sample) -> None:
    print(
        f"{sample.time_s:8.0f} s  {sample.frames:7,} frames  {sample.memory_mb:8.1f} MB  "
        f"{sample.threads:3} threads  {sample.files:3} files  age p95 {sample.age_p95_ms:6.1f} ms",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
