"""Recognizes a camera's pictures beside the requests that bring them: the newest when it is free.

Requests do not wait for it, but for the first picture of a camera, and in views that show what is
inside the method, or hide faces: there every picture is recognized.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from fra_live.errors import EngineError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.results import FrameResult

_REST_S = 2.0  # without a picture, then the thread ends
_OLDEST_S = 2.0  # a result is carried so far, not further
_LONGEST_S = 10.0  # somebody waits, then the page is told and asks again
_QUICK_S, _QUICK_TIMES = 0.02, 1.5  # a quick recognizer is waited for, so many times as long
_SHARE = 0.2  # of the latest call in what calls usually take


@dataclass(eq=False)
class Picture:
    """A picture of a camera.

    Attributes:
        number: in the order in which they came.
        image: (H, W, 3) uint8 BGR.
        time_s: since the camera's first one.
        threshold, options: what was chosen when it came.
        result: once it was recognized.
    """

    number: int
    image: np.ndarray = field(repr=False)
    time_s: float
    threshold: float
    options: OverlayOptions
    result: FrameResult | None = None


class Beside:
    """One camera's recognitions, one at a time, on a thread that ends when no pictures come.

    Args:
        recognizer: the session's view of it.
        changed: guards all fields, here and with the camera; notified of every result.
        note: takes every recognized picture, in order, with `changed` held.

    Attributes:
        reference: the picture that was recognized last.
        count: of pictures that were recognized.
    """

    def __init__(
        self,
        recognizer: SharedRecognizer,
        changed: threading.Condition,
        note: Callable[[Picture, FrameResult], None],
    ) -> None:
        self.reference: Picture | None = None
        self.count = 0
        self._recognizer, self._changed, self._note = recognizer, changed, note
        self._pending: deque[Picture] = deque()
        self._thread: threading.Thread | None = None
        self._usual_s = math.inf
        self._done_s: deque[float] = deque(maxlen=20)
        self._error: Exception | None = None
        self._failures = self._told = 0

    @property
    def fps(self) -> float | None:
        """Pictures recognized per second lately; None while nobody knows."""
        if len(self._done_s) < 3:
            return None
        return (len(self._done_s) - 1) / max(1e-3, self._done_s[-1] - self._done_s[0])

    def put(self, picture: Picture) -> int:
        """Have a picture recognized, unless a newer one comes first; `changed` is held.

        Returns:
            What `wait` needs.
        """
        self._pending.append(picture)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
            self._thread.start()
        self._changed.notify_all()
        return self._failures

    def wait(self, picture: Picture, failures: int) -> FrameResult | None:
        """Wait until a picture can be shown; `changed` is held.

        Args:
            picture: that was put.
            failures: what `put` returned.

        Returns:
            Its own result; None where that of `reference` is to be carried along to it.

        Raises:
            FraLiveError: the engine failed, which is told at least once every time; or nothing
                has come for long.
        """
        carried = picture.options.suits_carried

        def failed() -> bool:
            late = self._failures > failures and not (carried and self._near(picture))
            return late or self._failures > self._told

        def done() -> bool:
            return picture.result is not None or failed()

        if carried and self._usual_s <= _QUICK_S:
            self._changed.wait_for(done, _QUICK_TIMES * self._usual_s)
        if not self._changed.wait_for(
            lambda: done() or (carried and self._near(picture)), _LONGEST_S
        ):
            if picture in self._pending:  # nobody waits for it any more
                self._pending.remove(picture)
            raise EngineError(
                f"No picture was recognized for {_LONGEST_S:g} s; if the engine does not come back,"
                " another one is tried."
            )
        if picture.result is None and self._error is not None and failed():
            self._told = self._failures
            raise self._error
        return picture.result

    def _near(self, picture: Picture) -> bool:
        """Whether there is a result that may be carried along to a picture."""
        reference = self.reference
        return reference is not None and picture.time_s - reference.time_s <= _OLDEST_S

    # -- on the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        while self._wait_for_work():
            try:
                with self._recognizer.turn() as recognize:
                    with self._changed:
                        picture = self._take()
                    if picture is None:
                        continue
                    begin = time.perf_counter()
                    result = recognize(
                        picture.image,
                        timestamp_s=picture.time_s,
                        explain=picture.options.view != 1,
                    )
                    took_s = time.perf_counter() - begin
            except Exception as error:  # whatever it is, the page must hear of it
                with self._changed:
                    self._error, self._failures = error, self._failures + 1
                    self._changed.notify_all()
                continue
            with self._changed:
                self._deliver(picture, replace(result, threshold=picture.threshold), took_s)

    def _wait_for_work(self) -> bool:
        with self._changed:
            if self._changed.wait_for(lambda: bool(self._pending), _REST_S):
                return True
            self._thread = None  # the next picture starts another one
            return False

    def _take(self) -> Picture | None:
        """The newest picture; those before that must be recognized come first; None: all went."""
        if not self._pending:
            return None
        must = (p for p in self._pending if not p.options.suits_carried)
        picture = next(must, self._pending[-1])
        while self._pending and self._pending[0].number <= picture.number:
            self._pending.popleft()
        return picture

    def _deliver(self, picture: Picture, result: FrameResult, took_s: float) -> None:
        usual_s = self._usual_s if self._usual_s < math.inf else took_s
        self._usual_s = usual_s + _SHARE * (took_s - usual_s)
        self._done_s.append(time.perf_counter())
        self.count += 1
        picture.result, self.reference = result, picture
        self._note(picture, result)
        self._changed.notify_all()
