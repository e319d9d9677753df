"""`process` as a program that dies at a frame of a file, for the tests of what comes after.

dying.py crash|kill|hang|well|cli NAME FRAME OUT INPUT... [--again]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fra_live import annotate, cli
from fra_live.commands import process as commands
from fra_live.pool import RecognizerPool
from fra_live.process import process
from fra_live.recognizer import Recognizer, load
from fra_live.results import FrameResult
from fra_live.video import files
from tests.red import RedFinder

ROOT = Path(__file__).parents[1]


def command(*arguments: object) -> tuple[list[str], dict[str, str]]:
    """How to start it, and in which environment: without a fault handler of somebody else's."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONFAULTHANDLER", None)
    return [sys.executable, __file__, *map(str, arguments)], environment


def child(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    line, environment = command(*arguments)
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=300)


def states(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str | None]]:
    """What became of each input, and the sentence about it."""
    assert done.returncode == 0, done.stderr
    return [(state, said) for state, said in json.loads(done.stdout)]


def _die_at(how: str, name: str, frame: int) -> None:
    """Let the decoder end the program at a frame of a file."""

    def die() -> None:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how in ("crash", "cli"):
            ctypes.string_at(0)

    read, decode = files.FileSource._read, annotate.read_image

    def reading(self: files.FileSource) -> Iterator[Any]:
        for given in read(self):
            if self.path is not None and self.path.name == name and given.index == frame:
                die()
            yield given

    def reading_image(path: Path) -> np.ndarray:
        if path.name == name:
            die()
        return decode(path)

    files.FileSource._read = reading  # type: ignore[method-assign]
    annotate.read_image = reading_image


class Hanging(RedFinder):
    def __call__(self, image: np.ndarray, **options: Any) -> FrameResult:
        print("hanging", flush=True)
        threading.Event().wait()
        raise AssertionError


class Endless:
    """A recognizer whose third call never comes back from the engine's own code."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer, self._calls = recognizer, 0
        self.labels, self.bundle = recognizer.labels, recognizer.bundle
        self.engine, self.threshold = recognizer.engine, recognizer.threshold

    def __call__(self, image: np.ndarray, **options: Any) -> FrameResult:
        self._calls += 1
        while self._calls >= 3:
            self.engine.coarse(np.zeros((8, 640, 640, 3), np.uint8))
        return self._recognizer(image, **options)


def _endless(args: argparse.Namespace) -> RecognizerPool:
    members: list[Any] = [Endless(load(args.model, "openvino", "f32", 1))]
    return RecognizerPool(members)


def _main(how: str, name: str, frame: str, out: str, *rest: str) -> int:
    _die_at(how, name, int(frame))
    if how == "hang":
        try:
            process(rest, Path(out), Hanging())
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        return 0
    if how in ("cli", "endless"):
        if how == "endless":
            commands.load_recognizers = _endless
        sys.argv = ["fra-live", "process", *rest, "--out", out, "--threads", "1"]
        return cli.main()
    inputs = [path for path in rest if path != "--again"]
    report = process(inputs, Path(out), RedFinder(), frames_jsonl=True, again="--again" in rest)
    print(json.dumps([[r.state, r.problem] for r in report.inputs]))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
