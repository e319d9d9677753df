"""The recognizing thread of the loop, and what becomes of an engine that fails or hangs."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from fra_live.errors import EngineError
from fra_live.live.capture import Capture, Pacing
from fra_live.live.events import ActiveEvent, EventTracker
from fra_live.live.frames import Call, FrameRecognizer, Recognition
from fra_live.results import Event, FrameResult
from fra_live.video.sources import Source

_SHARE = 0.2  # of the latest call in what calls usually take
_FIRST_CALL = 6  # the first call, which may compile, has so many times as long
_LOOK_S, _LOOKS = 1.0, 4  # a call is looked after so often, but so many times at least


class Pipeline(Capture):
    """Capture and recognition; `LiveLoop` adds the side that shows."""

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
        every_frame: bool,
    ) -> None:
        super().__init__(source, pacing, repeat, every_frame)
        self.explain = explain
        self._hang_s = hang_s
        self._recognizer, self._tracker, self._fallback = recognizer, tracker, fallback
        self._retry: Call | None = None  # which the last recognizer could not deal with
        self._worker = 0  # number of the recognition thread that counts
        self._looked: tuple[Call, float, float] | None = None  # see `_check_engine`
        self._threshold: float | None = None
        self._usual_s = math.inf  # that a call takes
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
        """Wait for a frame, and for the last result to be taken; None: no more.

        Where every frame is shown, results are carried along to later ones, so recognition need
        not wait for the showing side.
        """
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
        if self._waiting is not None:
            return self._every_frame or self._ready is None
        return self._source_ended

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
            now = time.perf_counter()
            if self._calls > 0:  # the first one may have compiled
                took_s = now - call.since_s
                usual_s = self._usual_s if self._calls > 1 else took_s
                self._usual_s = usual_s + _SHARE * (took_s - usual_s)
            self._call = None
            self._calls += 1
            self._meter.recognize()
            # A clip waits for the first call, but not for the room that its result needs.
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._stopped or worker != self._worker or self._ready is None
            )
            if worker != self._worker or self._ready is not None:
                return
            ended: tuple[Event, ...] = ()
            active: tuple[ActiveEvent, ...] = ()
            if self._tracker is not None:
                ended = tuple(self._tracker.update(result, call.frame.index))
                active = self._tracker.active
            self._ready = Recognition(call.frame, result, active, ended, call.captured_s, now)
            self._changed.notify_all()

    def _fall_back(self, why: str) -> None:
        """Replace the recognizer by the fallback's; a second failure is final."""
        make, self._fallback = self._fallback, None
        if make is None:
            raise EngineError(f"{why}.")
        with self._changed:
            self._notices.append(f"{why}; loading another engine.")
            self._calls, self._usual_s = 0, math.inf
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

        Of a longer time since the last look only a part counts: the program had been stopped
        (Ctrl-Z, a computer that slept), and the engine with it.

        Returns:
            When to look after the present call again, in `time.perf_counter()`.
        """
        if self._call is None:
            return None
        limit_s = self._hang_s * (_FIRST_CALL if self._calls == 0 else 1)
        apart_s = min(_LOOK_S, limit_s / _LOOKS)
        if self._looked is None or self._looked[0] is not self._call:
            self._looked = self._call, self._call.since_s, 0.0
        call, last, spent_s = self._looked
        spent_s += min(max(0.0, now - last), apart_s)
        self._looked = call, now, spent_s
        if spent_s < limit_s:
            return now + min(apart_s, limit_s - spent_s)
        self._call = self._looked = None
        self._worker += 1  # what the thread left behind will bring is not taken any more
        why = f"The engine has not answered for {limit_s:g} s (frame {call.frame.index})"
        if self._fallback is None:
            self._error = EngineError(f"{why}; try another one: --engine, --precision.")
            self._ended = True
            return now
        self._retry = call
        self._start_recognition(why)
        return None
