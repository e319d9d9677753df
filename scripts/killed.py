#!/usr/bin/env python3
"""Kills `fra-live process` at random moments and says whether it resumes to the same result.

Every time the program is started anew on two films with sound and a photo, killed with SIGKILL,
looked at (whatever has its name must be whole), and started again. The exit status is 1 where the
final result differs by a byte from that of a run nobody disturbed.

    scripts/killed.py                  # 20 moments, the model that ships
    scripts/killed.py --moments 100 --seed 3
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fra_live.video.sinks import VideoSink

ROOT = Path(__file__).resolve().parent.parent
_SIZE, _RATE = (240, 320), 10
_SHORTER = 0.8  # a moment that came after the end is tried again so much earlier


def write_inputs(folder: Path, frames: int) -> list[Path]:
    """Two films and a photo, drawn."""
    folder.mkdir(parents=True)
    rows, columns = np.mgrid[: _SIZE[0], : _SIZE[1]]
    paths = [folder / "a.mp4", folder / "b.png", folder / "c.mp4"]
    for path, speed in ((paths[0], 3), (paths[2], 5)):
        with VideoSink(path, _SIZE, Fraction(_RATE)) as sink:
            for index in range(frames):
                ramps = [(rows + columns // 2 + k * speed * index) % 256 for k in (1, 2, 3)]
                sink.write(np.stack(ramps, axis=2).astype(np.uint8), index / _RATE)
    photo = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=2)
    paths[1].write_bytes(cv2.imencode(".png", photo.astype(np.uint8))[1].tobytes())
    return paths


def results(folder: Path) -> dict[str, bytes]:
    """What people see in an output folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.parts)
    }


class Trial:
    """One input set, one command, any number of output folders."""

    def __init__(self, folder: Path, model: str, frames: int) -> None:
        self._folder, self._model = folder, model
        self._inputs = write_inputs(folder / "in", frames)
        began = time.monotonic()
        self.whole = self._finish(folder / "whole")
        self.seconds = time.monotonic() - began

    def kill_at(self, number: int, moment_s: float) -> tuple[str, float]:
        """Kill a run after some time and resume it.

        Returns:
            What was wrong, "" where nothing was, and the moment, earlier where it came too late.
        """
        while True:
            out = self._folder / f"{number}-{moment_s:.3f}"
            program = self._start(out)
            try:
                program.wait(moment_s)
            except subprocess.TimeoutExpired:
                break
            moment_s *= _SHORTER
        program.kill()
        program.wait()
        left = results(out) if out.is_dir() else {}
        partial = [name for name, data in left.items() if data != self.whole.get(name)]
        if partial:
            return f"not whole after the kill: {', '.join(partial)}", moment_s
        final = self._finish(out)
        different = [n for n in final.keys() | self.whole if final.get(n) != self.whole.get(n)]
        return (f"different: {', '.join(sorted(different))}" if different else ""), moment_s

    def _start(self, out: Path) -> subprocess.Popen[bytes]:
        command = [
            sys.executable, "-m", "fra_live", "process", *map(str, self._inputs), "--out", str(out),
            "--frames", "--model", self._model, "--precision", "f32", "--threads", "1",
        ]  # fmt: skip
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _finish(self, out: Path) -> dict[str, bytes]:
        program = self._start(out)
        if program.wait() != 0:
            raise SystemExit(f"killed: a run into {out} failed with status {program.returncode}")
        return results(out)


def main() -> int:
    """Kill, resume, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="mobile")
    parser.add_argument("--frames", type=int, default=15, help="of each film")
    args = parser.parse_args()
    dice = random.Random(args.seed)
    good = 0
    with tempfile.TemporaryDirectory(prefix="fra-live-killed-") as folder:
        trial = Trial(Path(folder), args.model, args.frames)
        print(f"undisturbed: {trial.seconds:.1f} s, {len(trial.whole)} files", flush=True)
        for number in range(args.moments):
            wrong, moment_s = trial.kill_at(number, dice.uniform(0.0, trial.seconds))
            good += not wrong
            print(f"killed after {moment_s:6.2f} s: {wrong or 'the same result'}", flush=True)
    print(f"{good} of {args.moments} resumed to the identical final result")
    return 0 if good == args.moments else 1


if __name__ == "__main__":
    sys.exit(main())
