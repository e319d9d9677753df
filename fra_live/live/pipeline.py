"""The two working threads of the loop, and what they and the showing side share.

Capture puts a frame into `_waiting`; recognition takes it and puts what it found into `_ready`,
once the last result was taken from there. Each place holds one thing, so nothing queues. Of a
live source capture takes the next frame only when all three are free: the source keeps the newest.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from fra_live.errors import EngineError, FraLiveError
from fra_live.live.events import ActiveEvent, EventTracker
from fra_live.live.figures import LoopMeter
from fra_live.live.frames import Call, FrameRecognizer, Ready
from fra_live.live.pacing import LiveClock, PlaybackClock
from fra_live.results import Event, FrameResult
from fra_live.video.sources import Frame, Source

Pacing = Literal["newest", "clock", "every"]
_FIRST_CALL = 6  # the first call, which may compile, has so many times as long


class Pipeline:
    """Capture and recognition; `LiveLoop` adds the side that shows.

    All fields below `_changed` are guarded by it, and every change of them is announced by it.
    """

    def __init__(
        self,
        source: Source,
        recognizer: FrameRecognizer,
        tracker: EventTracker | None,
        pacing: Pacing,
        explain: bool,
        repeat: Callable[[], Source] | None,
        fallback: Callable[[], FrameRecognizer] | None,
        hang_s: float,
    ) -> None:
        self.explain = explain
        self._pacing, self._repeat, self._hang_s = pacing, repeat, hang_s
        self._meter = LoopMeter()
        self._changed = threading.Condition()
        self._source, self._recognizer, self._tracker = source, recognizer, tracker
        self._fallback = fallback
        self._waiting: tuple[Frame, float] | None = None
        self._call: Call | None = None
        self._retry: Call | None = None  # which the last recognizer could not deal with
        self._ready: Ready | None = None
        self._calls = 0  # of the present recognizer
        self._worker = 0  # number of the recognition thread that counts
        self._source_ended = self._ended = self._stopped = self._paused = False
        self._steps = 0
        self._threshold: float | None = None
        self._error: FraLiveError | None = None
        self._notices: deque[str] = deque(maxlen=20)
        self._threads = [threading.Thread(target=self._capture, name="capture", daemon=True)]
        self._threads[0].start()
        self._start_recognition()

    def _start_recognition(self, fallback_for: str = "") -> None:
        thread = threading.Thread(
            target=self._recognize,
            args=(self._worker, fallback_for),
            name="recognition",
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()

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

    # -- capture -------------------------------------------------------------------------------

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
        """Put a frame where recognition takes it, when it is due; False: stop capturing."""
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
                self._meter.capture(dropped=self._waiting is not None)
                captured_s = time.perf_counter()
            if self._stopped or self._ended:
                return False
            self._steps = 0
            self._waiting = frame, captured_s
            self._changed.notify_all()
            if isinstance(clock, LiveClock):
                # Only now is the next one taken from the source: it is the newest then.
                self._changed.wait_for(lambda: self._stopped or self._ended or self._idle)
            return True

    @property
    def _idle(self) -> bool:
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

    # -- recognition ---------------------------------------------------------------------------

    def _recognize(self, worker: int, fallback_for: str) -> None:
        try:
            if fallback_for:
                self._fall_back(fallback_for)
            while (call := self._take(worker)) is not None:
                result = self._run(worker, call)
                self._deliver(worker, call, result)
        except Exception as error:  # as above
            if worker == self._worker:
                self._fail("The recognition failed", error)
        with self._changed:
            if worker == self._worker:
                self._ended = True
                self._changed.notify_all()

    def _take(self, worker: int) -> Call | None:
        """Wait for a frame and for room for its result; None: no more."""
        with self._changed:
            self._changed.wait_for(lambda: worker != self._worker or self._takeable)
            if self._stopped or worker != self._worker:
                return None
            now = time.perf_counter()
            if self._retry is not None:
                self._call, self._retry = replace(self._retry, since_s=now), None
            elif self._waiting is not None:
                self._call, self._waiting = Call(*self._waiting, now), None
            else:
                return None
            if self._threshold is not None:
                self._recognizer.threshold = self._threshold
            self._changed.notify_all()
            return self._call

    @property
    def _takeable(self) -> bool:
        """Whether recognition has something to do, or nothing any more."""
        if self._stopped or self._retry is not None:
            return True
        return self._ready is None if self._waiting is not None else self._source_ended

    def _run(self, worker: int, call: Call) -> FrameResult:
        frame = call.frame
        try:
            return self._recognizer(
                frame.image, timestamp_s=frame.timestamp_s, explain=self.explain
            )
        except Exception as error:
            if self._fallback is None or worker != self._worker:
                raise
            self._fall_back(f"The engine failed at frame {frame.index} ({error})")
            return self._recognizer(
                frame.image, timestamp_s=frame.timestamp_s, explain=self.explain
            )

    def _deliver(self, worker: int, call: Call, result: FrameResult) -> None:
        with self._changed:
            if worker != self._worker:  # given up as hanging; another thread has taken over
                return
            self._call = None
            self._calls += 1
            ended: tuple[Event, ...] = ()
            active: tuple[ActiveEvent, ...] = ()
            if self._tracker is not None:
                ended = tuple(self._tracker.update(result, call.frame.index))
                active = self._tracker.active
            self._ready = Ready(call.frame, result, active, ended, call.captured_s)
            self._meter.recognize()
            self._changed.notify_all()

    def _fall_back(self, why: str) -> None:
        """Replace the recognizer by the fallback's; a second failure is final."""
        make, self._fallback = self._fallback, None
        if make is None:
            raise EngineError(f"{why}.")
        with self._changed:
            self._notices.append(f"{why}; loading another engine.")
            self._calls = 0
            self._changed.notify_all()
        recognizer = make()
        with self._changed:
            # The threshold may have been set on the recognizer itself.
            recognizer.threshold = self._recognizer.threshold
            self._recognizer = recognizer
            self._notices.append(f"{why}; another engine carries on.")
            self._changed.notify_all()

    def _check_engine(self, now: float) -> float | None:
        """Give up a call that hangs; the lock is held.

        Returns:
            When the present call will count as hanging, in `time.perf_counter()`.
        """
        if self._call is None:
            return None
        limit_s = self._hang_s * (_FIRST_CALL if self._calls == 0 else 1)
        if now < self._call.since_s + limit_s:
            return self._call.since_s + limit_s
        call, self._call = self._call, None
        self._worker += 1  # what the thread left behind will bring is not taken any more
        why = f"The engine has not answered for {limit_s:g} s (frame {call.frame.index})"
        if self._fallback is None:
            self._error = EngineError(f"{why}; try another one: --engine, --precision.")
            self._ended = True
            return now
        self._retry = call
        self._start_recognition(why)
        return None
