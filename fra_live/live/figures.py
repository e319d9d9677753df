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
        dropped: frames that were not shown because a newer one had come.
        fps: frames shown per second over the last two seconds.
        age_p50_ms, age_p95_ms, age_max_ms: from capture to display over the last frames, ms;
            0 before the first.
        recognized_fps: frames recognized per second over the last two seconds.
        seen_p50_ms, seen_p95_ms: how old what was outlined was on the screen: from the capture of
            the frame in which it was recognized to display, over the last frames, ms.
    """

    captured: int
    recognized: int
    shown: int
    dropped: int
    fps: float
    age_p50_ms: float
    age_p95_ms: float
    age_max_ms: float
    recognized_fps: float
    seen_p50_ms: float
    seen_p95_ms: float

    def __str__(self) -> str:
        """One clause for people, as at the end of `fra-live live`."""
        return (
            f"{self.shown} frames shown, {self.dropped} passed over; age {self.age_p50_ms:.0f} ms "
            f"(p95 {self.age_p95_ms:.0f} ms); {self.recognized} frames recognized, "
            f"{self.seen_p50_ms:.0f} ms old (p95 {self.seen_p95_ms:.0f} ms)"
        )


class LoopMeter:
    """Counts frames and keeps the last ages; any thread may call it.

    Args:
        window: how many frames' ages are kept.
    """

    def __init__(self, window: int = 1800) -> None:
        self._lock = threading.Lock()
        self._ages_ms: deque[tuple[float, float]] = deque(maxlen=window)
        self._shown_s: deque[float] = deque(maxlen=window)
        self._recognized_s: deque[float] = deque(maxlen=window)
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
            self._recognized_s.append(time.perf_counter())

    def show(self, age_ms: float, seen_ms: float) -> None:
        """A frame is on the screen.

        Args:
            age_ms: since its capture.
            seen_ms: since the capture of the frame in which its result was found.
        """
        with self._lock:
            self._shown += 1
            self._ages_ms.append((age_ms, seen_ms))
            self._shown_s.append(time.perf_counter())

    def fps(self) -> tuple[float, float]:
        """Frames shown and recognized per second over the last two seconds; 0 before the second."""
        with self._lock:
            return _rate(self._shown_s), _rate(self._recognized_s)

    def figures(self) -> LoopFigures:
        """All figures at this moment."""
        with self._lock:
            ages = np.array(self._ages_ms or ((0.0, 0.0),))
            (middle, seen_middle), (high, seen_high) = np.percentile(ages, (50, 95), axis=0)
            return LoopFigures(
                self._captured,
                self._recognized,
                self._shown,
                self._dropped,
                _rate(self._shown_s),
                float(middle),
                float(high),
                float(ages[:, 0].max()),
                _rate(self._recognized_s),
                float(seen_middle),
                float(seen_high),
            )


def _rate(times_s: deque[float]) -> float:
    since = time.perf_counter() - _FPS_SPAN_S
    recent = [t for t in times_s if t >= since]
    if len(recent) < 2 or recent[-1] <= recent[0]:
        return 0.0
    return (len(recent) - 1) / (recent[-1] - recent[0])
