"""Records what is shown, drawn and encoded on a thread of its own: the picture never waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import localtime, strftime

import numpy as np

from fra_live.errors import FraLiveError, SinkError
from fra_live.video.sinks import VideoSink

_MOST_FRAMES = 16  # waiting to be encoded; frames that come on top are left out
_MOST_BYTES = 100_000_000

_Item = tuple[Callable[[], np.ndarray], float]


class Recorder:
    """One recording; `close` finishes it, and only then has it its final name.

    Args:
        path: the mp4 to write.
        size: (H, W) of the frames in px.
        rate: frames/s, about; the frames' own times count.

    Raises:
        SinkError: the file cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: Fraction) -> None:
        self.path, self.size = path, size
        self._step_s = float(1 / rate)
        self._limit = max(2, min(_MOST_FRAMES, _MOST_BYTES // (3 * size[0] * size[1])))
        self._sink = VideoSink(path, size, rate, recoverable=True)
        self._changed = threading.Condition()
        self._queue: deque[_Item] = deque()
        self._closing = False
        self._error: FraLiveError | None = None
        self._left_out = 0
        self._last_s: float | None = None
        self._shift_s = 0.0
        self._cut = True
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    @property
    def error(self) -> FraLiveError | None:
        """Why the recording broke off; None while all is well."""
        with self._changed:
            return self._error

    @property
    def duration_s(self) -> float:
        """Length so far, s."""
        with self._changed:
            return self._last_s or 0.0

    @property
    def left_out(self) -> int:
        """Frames that came faster than they could be encoded."""
        with self._changed:
            return self._left_out

    def write(self, draw: Callable[[], np.ndarray], time_s: float) -> None:
        """Add a frame.

        Args:
            draw: makes the (H, W, 3) uint8 BGR picture; called by the recorder's thread.
            time_s: of a clock that only goes on.
        """
        with self._changed:
            if self._error is not None or self._closing:
                return
            if self._cut:
                start = 0.0 if self._last_s is None else self._last_s + self._step_s
                self._shift_s, self._cut = start - time_s, False
            if len(self._queue) >= self._limit:
                self._left_out += 1
                return
            self._last_s = time_s + self._shift_s
            self._queue.append((draw, self._last_s))
            self._changed.notify_all()

    def cut(self) -> None:
        """Let the next frame follow the last one directly, whatever its time (after a pause)."""
        with self._changed:
            self._cut = True

    def close(self) -> Path:
        """Encode what is waiting and finish the file.

        Returns:
            Its path.

        Raises:
            SinkError: the recording broke off; the message names the file.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self.path

    def _work(self) -> None:
        try:
            while (item := self._next()) is not None:
                draw, time_s = item
                self._sink.write(draw(), time_s)
        except Exception as error:
            self._fail(error)
        try:
            self._sink.close()  # after a failure too: what was written may still be played
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, FraLiveError):
            error = SinkError(f"{self.path} cannot be written: {error}.")
        with self._changed:
            self._error = self._error or error
            self._queue.clear()

    def _next(self) -> _Item | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._queue) or self._closing)
            return self._queue.popleft() if self._queue else None


def free_name(folder: Path, suffix: str) -> Path:
    """A file name with the time of day that is not taken yet.

    Args:
        folder: where it will lie.
        suffix: ".mp4", ".png" …
    """
    stem = strftime("fra-live-%Y%m%d-%H%M%S", localtime())
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path
