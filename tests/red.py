"""Films and photos that are red for a while, and a stand-in for the model that looks for red."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.results import Candidate, FrameResult
from fra_live.video.sinks import VideoSink

SIZE = (96, 128)
RATE = 10
RED, GREY = (40, 40, 230), (120, 120, 120)
OUTLINE = np.array([[20, 20], [60, 20], [60, 60], [20, 60]], np.float32)


class RedFinder:
    """Takes red for drinking."""

    labels = LabelSet(
        ("background", "face", "hand", "drink", "phone"),
        ("face", "hand"),
        {"drinking": "drink", "phoning": "phone"},
    )
    threshold = 0.5

    def __init__(self, version: int = 1) -> None:
        self.bundle = SimpleNamespace(manifest={"name": "red", "version": version})
        self.calls = 0

    def __call__(
        self, image: np.ndarray, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        self.calls += 1
        blue, _, red = image[SIZE[0] // 2 :].reshape(-1, 3).mean(axis=0)
        drinking = 0.97 if red - blue > 60 else 0.01
        found = (Candidate("drink", (20, 20, 60, 60), (OUTLINE,), 0.9, 0.9),)
        return FrameResult(
            frame=(image.shape[0], image.shape[1]),
            actions={"drinking": drinking, "phoning": 0.01, "none": 0.99 - drinking},
            scores={"drinking": drinking, "phoning": 0.0, "none": 0.0},
            threshold=self.threshold,
            candidates=found if drinking > 0.5 else (),
            stages_ms={"all": 1.0 / self.calls},
            timestamp_s=timestamp_s,
        )


def film(path: Path, seconds: float = 5.0, red: tuple[float, float] = (1.0, 3.5)) -> Path:
    """A grey film that is red for a while."""
    with VideoSink(path, SIZE, Fraction(RATE)) as sink:
        for index in range(round(seconds * RATE)):
            colour = RED if red[0] <= index / RATE < red[1] else GREY
            sink.write(np.full((*SIZE, 3), colour, np.uint8), index / RATE)
    return path


def photo(path: Path, colour: tuple[int, int, int] = RED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, np.full((*SIZE, 3), colour, np.uint8))[1].tobytes())
    return path


def lines(path: Path | None) -> list[dict[str, Any]]:
    assert path is not None
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def visible(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and ".fra-live" not in p.parts
    }
