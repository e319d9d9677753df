"""The showing side of the loop: which frame is handed over next, and with which result.

Where every frame is shown, a frame does not wait for its own recognition: it comes at once, with
the latest result carried along to it. It comes with its own result where that is there in a
moment, while the loop is paused, and at the end.
"""

from __future__ import annotations

import math
import time

from fra_live.live.capture import Captured
from fra_live.live.carrying import Carrier
from fra_live.live.frames import LiveFrame, Recognition
from fra_live.live.pipeline import Pipeline

_QUICK_S = 0.02  # a recognizer that usually takes no longer is waited for …
_QUICK_TIMES = 1.5  # … for so many times as long
# Showing takes time from a slow recognizer: so far apart are frames that are not recognized, and so
# many come at most for each that is.
_PACE_S, _MOST_CARRIED = 0.025, 8
_HELD_S = 0.1  # a result that waits so long for the next frame is shown with the last one


class Showing(Pipeline):
    """Capture, recognition, and the frames in the order in which they are shown."""

    _given: Captured | None = None  # the last one handed over …
    _given_s = -math.inf  # … and when
    _reference: Recognition | None = None  # the last one recognized
    _carried_from: Recognition | None = None
    _carrier: Carrier | None = None

    def get(self, timeout_s: float | None = None) -> LiveFrame | None:
        """The next frame to show.

        Args:
            timeout_s: wait at most so long; None: until there is one or the source has ended.

        Returns:
            The frame; None when none came in time or the loop has `ended`.

        Raises:
            FraLiveError: the source broke, or the recognizer failed or hangs.
        """
        until = math.inf if timeout_s is None else time.perf_counter() + timeout_s
        with self._changed:
            while isinstance(chosen := self._choose(now := time.perf_counter()), float):
                if self._error is not None and self._ended:
                    raise self._error
                if self._ended or self._stopped or now >= until:
                    return None
                check = self._check_engine(now)
                wake = min(until, chosen, math.inf if check is None else check)
                self._changed.wait(None if wake == math.inf else max(0.0, wake - now))
            ready, self._ready, self._given_s = self._ready, None, now
            if chosen is self._next:
                self._next = None
            self._changed.notify_all()
        return self._hand_over(chosen, ready)

    @property
    def _nothing_left(self) -> bool:
        """Whether no frame will come any more; the lock is held."""
        showable = self._next is not None and self._reference is not None
        return self._stopped or (self._ended and self._ready is None and not showable)

    def _choose(self, now: float) -> Captured | float:
        """The frame to hand over now, or when to choose again; the lock is held."""
        ready, following, given = self._ready, self._next, self._given
        if following is not None and ready is not None:
            if ready.frame is following[0] or not self._paused:
                return following
        elif following is not None and self._reference is not None:
            due = self._due(following, now)
            return following if now >= due else due
        if ready is None:
            return math.inf
        own = ready.frame, ready.captured_s
        if given is None or given[0].index < ready.frame.index:
            return own
        at_once = not self._every_frame or self._paused or self._source_ended
        if at_once or ready.frame is self._newest or now >= ready.done_s + _HELD_S:
            return given
        return ready.done_s + _HELD_S

    def _due(self, following: Captured, now: float) -> float:
        """When a frame is handed over that has no result of its own yet; the lock is held."""
        if self._paused:
            return math.inf
        if self._usual_s > _QUICK_S:
            usual_s = 0.0 if self._usual_s == math.inf else self._usual_s
            return self._given_s + max(_PACE_S, usual_s / _MOST_CARRIED)
        patience_s = _QUICK_TIMES * self._usual_s
        if self._call is not None and self._call.frame is following[0]:
            return self._call.since_s + patience_s
        if self._call is None and self._waiting is not None:  # it is just being taken
            return following[1] + patience_s
        return now

    def _hand_over(self, chosen: Captured, ready: Recognition | None) -> LiveFrame:
        self._reference = reference = ready or self._reference
        assert reference is not None  # else nothing is chosen
        (frame, captured_s), given, self._given = chosen, self._given, chosen
        carried = frame is not reference.frame
        result = reference.result
        if carried:
            if self._carrier is None or self._carried_from is not reference:
                self._carrier = self._carrier or Carrier()
                self._carrier.refer(reference.frame.image, reference.result)
                self._carried_from = reference
            later_s = frame.timestamp_s - reference.frame.timestamp_s
            result = self._carrier.carry(frame.image, later_s)
        fps, recognized_fps = self._meter.fps()
        return LiveFrame(
            frame.image,
            result,
            reference.active,
            () if ready is None else ready.ended,
            age_ms=1000 * (time.perf_counter() - captured_s),
            fps=fps,
            index=frame.index,
            captured_s=captured_s,
            timestamp_s=frame.timestamp_s,
            recognized_s=reference.captured_s,
            recognized_fps=recognized_fps,
            recognition=ready,
            carried=carried,
            again=given is not None and given[0] is frame,
        )
