"""When frames were captured, and when those of a file are due, in `time.perf_counter()`."""

from __future__ import annotations

import math

_LONGEST_GAP_S = 10.0  # between two frames; a larger jump is a damaged timestamp
_LATE_S = 0.5  # what comes later than this is not caught up with: time goes on from there


class LiveClock:
    """Tells when live frames were captured, and how many were passed over.

    Timestamps count from a moment that only the source knows; the shortest time that any frame
    took to get here tells it well enough.
    """

    def __init__(self) -> None:
        self._opened_s = math.inf
        self._last_index: int | None = None

    def captured_s(self, timestamp_s: float, now: float) -> float:
        """When a frame was captured that arrives now."""
        self._opened_s = min(self._opened_s, now - timestamp_s)
        return self._opened_s + timestamp_s

    def passed(self, index: int) -> int:
        """How many frames lie between the last one and this one."""
        last, self._last_index = self._last_index, index
        return 0 if last is None else max(0, index - last - 1)

    def forget(self) -> None:
        """Do not count what passes until the next frame (a pause)."""
        self._last_index = None


class PlaybackClock:
    """Maps a file's timestamps to moments, so that it plays as fast as it was recorded."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._due = 0.0

    @property
    def started(self) -> bool:
        """Whether a first frame has been seen."""
        return self._last_s is not None

    def due(self, timestamp_s: float, now: float) -> float:
        """When the frame with this timestamp is to be shown.

        Timestamps that go back count as repeated, and ones that jump far as a pause of ten
        seconds. The first frame is due now, and so is one that comes half a second too late.

        Args:
            timestamp_s: of the frame in its file, s.
            now: `time.perf_counter()`.
        """
        if self._last_s is None:
            self._due = now
        else:
            gap = min(max(0.0, timestamp_s - self._last_s), _LONGEST_GAP_S)
            self._due += gap
            if now - self._due > _LATE_S:
                self._due = now
        self._last_s = timestamp_s
        return self._due

    def restart(self, now: float) -> None:
        """Go on from now: after a pause, or when the file starts anew."""
        self._due = now
