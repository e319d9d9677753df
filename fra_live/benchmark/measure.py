"""Timing one recognizer, warm, frame after frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fra_live.pool import RecognizerPool
from fra_live.results import FrameResult

NETWORK_STAGES = ("coarse", "fine")
Recognize = Callable[[np.ndarray], FrameResult]


@dataclass(frozen=True)
class Timing:
    """What a row of frames took.

    Attributes:
        latencies_ms: (N,) float64, from handing a frame over to having its result.
        stages_ms: stage → mean milliseconds a frame, in the order in which they run.
    """

    latencies_ms: np.ndarray
    stages_ms: dict[str, float]

    @property
    def mean_ms(self) -> float:
        """Mean latency."""
        return float(self.latencies_ms.mean())

    @property
    def fps(self) -> float:
        """Frames a second, one after the other."""
        return 1000 / self.mean_ms

    @property
    def network_ms(self) -> float:
        """What the networks alone took of a frame."""
        return sum(self.stages_ms.get(stage, 0.0) for stage in NETWORK_STAGES)

    @property
    def overhead_share(self) -> float:
        """Share of a frame's time that is spent outside the networks, 0..1."""
        return max(0.0, 1 - self.network_ms / self.mean_ms)

    def percentile(self, percent: float) -> float:
        """Latency in ms that this percentage of frames stays within."""
        return float(np.percentile(self.latencies_ms, percent))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "frames": len(self.latencies_ms),
            "fps": round(self.fps, 2),
            "latency_ms": {
                "mean": round(self.mean_ms, 3),
                "p50": round(self.percentile(50), 3),
                "p95": round(self.percentile(95), 3),
                "max": round(self.percentile(100), 3),
            },
            "stages_ms": {name: round(ms, 3) for name, ms in self.stages_ms.items()},
            "network_ms": round(self.network_ms, 3),
            "overhead_share": round(self.overhead_share, 4),
        }


def time_frames(
    recognize: Recognize, frames: Sequence[np.ndarray], seconds: float, least: int = 0
) -> Timing:
    """Recognize frames in turn, for a while.

    Args:
        recognize: a recognizer that has already seen these frames.
        frames: (H, W, 3) uint8 BGR each; they are taken in a circle.
        seconds: how long; the frame at hand is finished.
        least: go on until so many frames are done, however long it takes.

    Raises:
        ValueError: there are no frames.
    """
    if not frames:
        raise ValueError("There are no frames to time.")
    latencies: list[float] = []
    stages: dict[str, float] = {}
    end = time.perf_counter() + seconds
    while len(latencies) < max(1, least) or time.perf_counter() < end:
        frame = frames[len(latencies) % len(frames)]
        start = time.perf_counter()
        result = recognize(frame)
        latencies.append(1000 * (time.perf_counter() - start))
        for name, spent in result.stages_ms.items():
            stages[name] = stages.get(name, 0.0) + spent
    count = len(latencies)
    return Timing(np.array(latencies), {name: total / count for name, total in stages.items()})


@dataclass(frozen=True)
class _Handed:
    """A frame and when it was handed over."""

    image: np.ndarray
    start: float
    timestamp_s: float = 0.0


def time_pool(
    pool: RecognizerPool, frames: Sequence[np.ndarray], seconds: float, least: int = 0
) -> dict[str, Any]:
    """Recognize frames several at a time, for a while, as a recorded file is worked through.

    Args:
        pool: warm.
        frames: (H, W, 3) uint8 BGR each; they are taken in a circle.
        seconds: how long; the frames at hand are finished.
        least: go on until so many frames are done.

    Returns:
        For JSON: the frames a second and the latency, the wait for a free recognizer included.
    """
    end = time.perf_counter() + seconds

    def endless() -> Iterator[_Handed]:
        number = 0
        while number < max(1, least) or time.perf_counter() < end:
            yield _Handed(frames[number % len(frames)], time.perf_counter())
            number += 1

    start = time.perf_counter()
    latencies = [1000 * (time.perf_counter() - frame.start) for frame, _ in pool.map(endless())]
    spent = time.perf_counter() - start
    return {
        "side_by_side": len(pool.recognizers),
        "frames": len(latencies),
        "fps": round(len(latencies) / spent, 2),
        "latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 3),
            "p95": round(float(np.percentile(latencies, 95)), 3),
        },
    }
