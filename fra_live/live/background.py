"""Work that takes a while, beside a window that must not freeze."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A function that runs in a thread of its own; the thread never keeps the process alive.

    Args:
        work: the function.
        discard: called with its result when nobody wants that any more.
    """

    def __init__(self, work: Callable[[], T], discard: Callable[[T], object] | None = None) -> None:
        self._work, self._discard = work, discard
        self._changed = threading.Condition()
        self._done = self._abandoned = False
        self._result: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="background", daemon=True).start()

    def done(self, timeout_s: float = 0.0) -> bool:
        """Whether there is a result or an error, after waiting for it at most so long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done, timeout_s)

    def failed(self) -> bool:
        """Whether it has ended with an error."""
        with self._changed:
            return self._error is not None

    def result(self) -> T:
        """Wait for the result; raises what the function raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._done)
        if self._error is not None:
            raise self._error
        return self._result[0]

    def abandon(self) -> None:
        """Want the result no more; it is discarded, now or as soon as it is there."""
        with self._changed:
            self._abandoned = True
            result = self._result.pop() if self._result else None
        if result is not None and self._discard is not None:
            self._discard(result)

    def _run(self) -> None:
        try:
            result = self._work()
        except BaseException as error:
            with self._changed:
                self._error, self._done = error, True
                self._changed.notify_all()
            return
        with self._changed:
            abandoned = self._abandoned
            if not abandoned:
                self._result.append(result)
            self._done = True
            self._changed.notify_all()
        if abandoned and self._discard is not None:
            self._discard(result)
