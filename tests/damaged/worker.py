"""Runs `process` over a list of files and tells of each, in a line of JSON, what became of it.

A program of its own, so that whoever starts it sees what it prints, that it hangs, or that it
dies:  python -m tests.damaged.worker LIST OUT
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.process import process
from fra_live.quiet import quiet_libraries
from fra_live.reports import Progress
from fra_live.results import FrameResult
from tests.damaged.pictures import read_number

PATIENCE_S = 200.0  # the machine may be busy


class Reader:
    """Recognizes nothing, but reads the number of every picture it is given."""

    labels = LabelSet(("background", "face", "drink"), ("face",), {"drinking": "drink"})
    threshold = 0.5
    bundle = SimpleNamespace(manifest={"name": "reader"})

    def __init__(self) -> None:
        self.seen: list[int | None] = []

    def __call__(
        self, image: np.ndarray, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        self.seen.append(read_number(image))
        return FrameResult(
            frame=(image.shape[0], image.shape[1]),
            actions={"drinking": 0.1, "none": 0.9},
            scores={"drinking": 0.1},
            threshold=self.threshold,
            candidates=(),
            stages_ms={},
            timestamp_s=timestamp_s,
        )


def main() -> None:
    """Process the files and report."""
    paths = json.loads(Path(sys.argv[1]).read_text())
    reader = Reader()

    def tell(step: Progress) -> None:
        if step.state is None:
            return
        numbers = [number for number in reader.seen if number is not None]
        line = {
            "path": str(step.path), "state": step.state, "frames": step.frame,
            "numbers": numbers, "problem": step.message,
        }  # fmt: skip
        print(json.dumps(line), flush=True)
        reader.seen.clear()

    cv2.setNumThreads(1)
    process([os.fsdecode(p) for p in paths], Path(sys.argv[2]), reader,
            patience_s=PATIENCE_S, progress=tell)  # fmt: skip


if __name__ == "__main__":
    with quiet_libraries():
        main()
