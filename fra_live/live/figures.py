"""Figures of a running loop: frames per second and the age of what is on the screen."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

_FPS_SPAN_S = 2.0  # frames per second are counted over this long


@dataclass(frozen=True)
class LoopFigures:
    """What a loop has done so far.

    Attributes:
        captured: frames that the source gave.
        recognized: frames that went through the recognizer.
        shown: frames that reached the screen.
        dropped: frames that were passed over because a newer one had come.
        fps: frames shown per second over the last two seconds.
        age_p50_ms, age_p95_ms, age_max_ms: from capture to display over the last frames, ms;
            0 before the first.
    """

    captured: int
    recognized: int
    shown: int
    dropped: int
    fps: float
    age_p50_ms: float
    age_p95_ms: float
    age_max_ms: float


class LoopMeter:
    """Counts frames and keeps the last ages; any thread may call it.

    Args:
        window: how many frames' ages are kept.
    """

    def __init__(self, window: int = 600) -> None:
        self._lock = threading.Lock()
        self._ages_ms: deque[float] = deque(maxlen=window)
        self._times_s: deque[float] = deque(maxlen=window)
        self._captured = self._recognized = self._shown = self._dropped = 0

    def capture(self, count: int = 1, *, dropped: int = 0) -> None:
        """The source gave `count` frames more; `dropped` were passed over."""
        with self._lock:
            self._captured += count
            self._dropped += dropped

    def recognize(self) -> None:
        """A frame went through the recognizer."""
        with self._lock:
            self._recognized += 1

    def show(self, age_ms: float) -> None:
        """A frame is on the screen, `age_ms` after it was captured."""
        with self._lock:
            self._shown += 1
            self._ages_ms.append(age_ms)
            self._times_s.append(time.perf_counter())

    def fps(self) -> float:
        """Frames shown per second over the last two seconds; 0 before the second frame."""
        with self._lock:
            return self._fps()

    def _fps(self) -> float:
        since = time.perf_counter() - _FPS_SPAN_S
        recent = [t for t in self._times_s if t >= since]
        if len(recent) < 2 or recent[-1] <= recent[0]:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0])

    def figures(self) -> LoopFigures:
        """All figures at this moment."""
        with self._lock:
            ages = np.array(self._ages_ms or (0.0,))
            middle, high = np.percentile(ages, (50, 95))
            return LoopFigures(
                self._captured,
                self._recognized,
                self._shown,
                self._dropped,
                self._fps(),
                float(middle),
                float(high),
                float(ages.max()),
            )
