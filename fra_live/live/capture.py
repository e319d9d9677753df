"""The capturing thread of the loop, and what all of the loop's threads share.

Capture puts a frame into `_waiting`; recognition takes it and puts what it found into `_ready`,
once the last result was taken from there. Where every frame is shown, capture puts it into `_next`
as well, for the showing side. Each place holds one thing, so nothing queues. Of a live source the
next frame is taken only when the last one was: the source keeps the newest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from fra_live.errors import FraLiveError
from fra_live.live.figures import LoopMeter
from fra_live.live.frames import Call, Recognition
from fra_live.live.pacing import LiveClock, PlaybackClock
from fra_live.video.sources import Frame, Source

Pacing = Literal["newest", "clock", "every"]
Captured = tuple[Frame, float]  # a frame, and `time.perf_counter()` at its capture


class Capture:
    """The source's side; `Pipeline` adds recognition, `LiveLoop` the side that shows.

    All fields below `_changed` are guarded by it, and every change of them is announced by it.
    """

    def __init__(
        self,
        source: Source,
        pacing: Pacing,
        repeat: Callable[[], Source] | None,
        every_frame: bool,
    ) -> None:
        self._pacing, self._repeat = pacing, repeat
        self._every_frame = every_frame and pacing != "every"
        self._meter = LoopMeter()
        self._changed = threading.Condition()
        self._source = source
        self._waiting: Captured | None = None
        self._next: Captured | None = None
        self._newest: Frame | None = None
        self._call: Call | None = None
        self._ready: Recognition | None = None
        self._calls = 0  # of the present recognizer
        self._source_ended = self._ended = self._stopped = self._paused = False
        self._steps = 0
        self._error: FraLiveError | None = None

    def _fail(self, what: str, error: Exception) -> None:
        """Keep the first error for the showing side, as one sentence."""
        if not isinstance(error, FraLiveError):
            text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
            told = FraLiveError(f"{what} ({text}).")
            told.__cause__ = error
            error = told
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def _capture(self) -> None:
        clock = LiveClock() if self._pacing == "newest" else PlaybackClock()
        try:
            for frame in self._frames():
                if not self._offer(frame, clock):
                    break
        except Exception as error:  # whatever it is, the showing side must hear of it
            self._fail(f"Reading {self._source.name} failed", error)
        with self._changed:
            self._source_ended = True
            self._changed.notify_all()

    def _frames(self) -> Iterator[Frame]:
        """The source's frames; with `repeat` again and again, time and numbers going on."""
        shift_s, first = 0.0, 0
        while True:
            last = None
            for last in self._source:
                yield replace(
                    last, timestamp_s=last.timestamp_s + shift_s, index=last.index + first
                )
            if self._repeat is None or last is None:
                return
            rate = self._source.rate
            shift_s += last.timestamp_s + float(1 / rate if rate else 1 / 30)
            first += last.index + 1
            self._source.close()
            again = self._repeat()
            with self._changed:
                self._source = again
                if self._stopped:
                    return

    def _offer(self, frame: Frame, clock: PlaybackClock | LiveClock) -> bool:
        """Put a frame where it is taken from, when it is due; False: stop capturing."""
        with self._changed:
            if isinstance(clock, LiveClock):
                if self._hold_while_paused():
                    clock.forget()
                    return True  # it has grown old; the source has a newer one
                passed = clock.passed(frame.index)
                self._meter.capture(1 + passed, dropped=passed)
                captured_s = clock.captured_s(frame.timestamp_s, time.perf_counter())
            else:
                self._wait_until_due(frame, clock)
                left = self._next if self._every_frame else self._waiting
                self._meter.capture(dropped=left is not None)
                captured_s = time.perf_counter()
            if self._stopped or self._ended:
                return False
            self._steps = 0
            self._newest, self._waiting = frame, (frame, captured_s)
            self._next = self._waiting if self._every_frame else None
            self._changed.notify_all()
            if isinstance(clock, LiveClock):
                # Only now is the next one taken from the source: it is the newest then.
                self._changed.wait_for(lambda: self._stopped or self._ended or self._idle)
            return True

    @property
    def _idle(self) -> bool:
        """Whether there is use for another frame."""
        if self._every_frame:
            return self._next is None
        return self._waiting is None and self._call is None and self._ready is None

    def _hold_while_paused(self) -> bool:
        held = self._paused and not self._steps
        if held:
            self._changed.wait_for(lambda: self._stopped or not self._paused or self._steps)
        return held

    def _wait_until_due(self, frame: Frame, clock: PlaybackClock) -> None:
        """Wait for the moment of a file's frame, for as long as it takes while paused."""
        if self._hold_while_paused():
            clock.restart(time.perf_counter())
        if self._pacing == "every":
            self._changed.wait_for(lambda: self._stopped or self._ended or self._waiting is None)
            return
        if clock.started and self._calls == 0:
            # Compiling takes long: the clip does not run on meanwhile.
            self._changed.wait_for(lambda: self._stopped or self._ended or self._calls)
            clock.restart(time.perf_counter())
        due = clock.due(frame.timestamp_s, time.perf_counter())
        while not self._stopped and not self._steps and (left := due - time.perf_counter()) > 0:
            self._changed.wait_for(lambda: self._stopped or self._paused, left)
            if self._hold_while_paused():
                clock.restart(time.perf_counter())
                return
