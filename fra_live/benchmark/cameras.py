"""Several cameras at once: a recognizer and a thread for each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np

from fra_live.benchmark.measure import Recognize, Timing, time_frames


def time_cameras(
    recognizers: Sequence[Recognize], frames: Sequence[np.ndarray], seconds: float
) -> list[Timing]:
    """Let every camera's recognizer run for the same while.

    Args:
        recognizers: one a camera, warm.
        frames: (H, W, 3) uint8 BGR each; every camera begins at another.
        seconds: for how long.

    Returns:
        A timing a camera.
    """
    start = Barrier(len(recognizers))

    def camera(number: int) -> Timing:
        first = number * len(frames) // len(recognizers)
        own = [*frames[first:], *frames[:first]]
        start.wait()
        return time_frames(recognizers[number], own, seconds)

    with ThreadPoolExecutor(len(recognizers), "camera") as pool:
        return list(pool.map(camera, range(len(recognizers))))


def summarise_cameras(timings: Sequence[Timing], threads: int) -> dict[str, Any]:
    """For JSON.

    Args:
        timings: one a camera.
        threads: for the networks of each.
    """
    latencies = np.concatenate([t.latencies_ms for t in timings])
    rates = [t.fps for t in timings]
    return {
        "cameras": len(timings),
        "threads_each": threads,
        "fps": round(sum(rates), 2),
        "fps_each": round(sum(rates) / len(rates), 2),
        "fps_slowest": round(min(rates), 2),
        "latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 3),
            "p95": round(float(np.percentile(latencies, 95)), 3),
        },
    }
