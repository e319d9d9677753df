"""The page's recognizers, each on a thread of its own: a call that hangs keeps nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

import numpy as np

from fra_live.crew import EngineHung, OneRecognizer
from fra_live.patience import waits
from fra_live.pool import RecognizerPool
from fra_live.recognizer import Recognizer
from fra_live.results import FrameResult

_PATIENCE_S = 20.0
_FIRST_CALL = 5  # loading and the first call, which may compile, have so many times as long
_REST_S = 2.0  # without a call, then the thread ends


def patience_s(first: bool) -> float:
    """What takes longer hangs, s.

    Args:
        first: it is the first call, or loads.
    """
    return _PATIENCE_S * (_FIRST_CALL if first else 1)


class Member:
    """A recognizer on a thread of its own, to which a call that hangs is left; one call at a time.

    Attributes:
        whole: the pool that it belongs to, or the recognizer itself.
    """

    def __init__(self, recognizer: OneRecognizer, whole: Recognizer | RecognizerPool) -> None:
        self.whole = whole
        self._recognizer = recognizer
        self._changed = threading.Condition()
        self._task: tuple[Future[FrameResult], Callable[[], FrameResult]] | None = None
        self._thread: threading.Thread | None = None
        self._left: Future[FrameResult] | None = None  # what was given up
        self._warm = False

    def __call__(self, image: np.ndarray, /, **options: Any) -> FrameResult:
        """Call it, as `Recognizer.__call__`.

        Raises:
            EngineHung: it takes too long; or one that took too long still has not come back.
            Exception: what the recognizer raised.
        """
        limit_s = patience_s(first=not self._warm)
        if self._left is not None and not self._left.done():
            raise EngineHung(limit_s)
        self._left = None
        future: Future[FrameResult] = Future()
        with self._changed:
            self._task = future, partial(self._recognizer, image, **options)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        for wait_s in waits(limit_s):
            if wait([future], wait_s).done:
                result = future.result()
                self._warm = True
                return result
        self._left = future
        raise EngineHung(limit_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._task is not None, _REST_S):
                    self._thread = None  # the next call starts another one
                    return
            self._run()

    def _run(self) -> None:
        assert self._task is not None
        (future, call), self._task = self._task, None
        try:
            result = call()
        except BaseException as error:  # whatever it is, the one who waits must hear of it
            future.set_exception(error)
        else:
            future.set_result(result)


def members_of(recognizer: Recognizer | RecognizerPool) -> list[Member]:
    """One for a recognizer; one for each of a pool."""
    pool = recognizer.recognizers if isinstance(recognizer, RecognizerPool) else (recognizer,)
    return [Member(one, recognizer) for one in pool]
