"""Reading ahead and writing behind: threads on both sides of the recognizer, so it never waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

from fra_live.patience import waits

T = TypeVar("T")
_CAPACITY = 4


class Stalled(Exception):
    """The thread on the other side has done nothing for too long; it is left to itself."""


class _Channel(Generic[T]):
    """Hands things from one thread to another, a few at a time."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: T, patience_s: float | None = None) -> bool:
        """Wait for room and hand over; False: nobody takes anything any more."""
        with self._changed:
            self._wait(lambda: self._closed or len(self._items) < self._capacity, patience_s)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, patience_s: float | None = None) -> list[T]:
        """Wait for the next thing; empty: there will be none."""
        with self._changed:
            self._wait(lambda: self._closed or bool(self._items), patience_s)
            if not self._items:
                return []
            self._changed.notify_all()
            return [self._items.popleft()]

    def close(self, discard: bool = False) -> None:
        """Take nothing more; what is inside can still be taken unless it is discarded."""
        with self._changed:
            self._closed = True
            if discard:
                self._items.clear()
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool], patience_s: float | None) -> None:
        if not any(self._changed.wait_for(ready, wait_s) for wait_s in waits(patience_s)):
            raise Stalled


class ReadAhead(Generic[T]):
    """Runs through something in a thread, a few steps ahead of whoever iterates this.

    What the thread raises is raised to the one who iterates, after the items before it. Use it as
    a context manager: leaving it ends the thread. Where a step takes longer than `patience_s`,
    the one who iterates gets `Stalled`, and the thread is not waited for.
    """

    def __init__(
        self, items: Iterable[T], capacity: int = _CAPACITY, patience_s: float | None = None
    ) -> None:
        self._items, self._patience_s, self._stalled = items, patience_s, False
        self._channel = _Channel[T](capacity)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        try:
            while taken := self._channel.take(self._patience_s):
                yield taken[0]
        except Stalled:
            self._stalled = True
            raise
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close(discard=True)
        if not self._stalled:
            self._thread.join()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._channel.put(item):
                    return
        except BaseException as error:  # whatever it is, the other thread must hear of it
            self._error = error
        finally:
            self._channel.close()


class WriteBehind(Generic[T]):
    """Hands things to a function in a thread, a few steps behind.

    Use it as a context manager: leaving it waits until all are dealt with, or drops the rest
    where an error ended it. Where the function takes longer than `patience_s`, `Stalled` is
    raised, and the thread is not waited for.

    Attributes:
        stalled: that has happened; what the function uses must be left alone.
    """

    def __init__(
        self,
        write: Callable[[T], None],
        capacity: int = _CAPACITY,
        patience_s: float | None = None,
    ) -> None:
        self._write, self._patience_s, self.stalled = write, patience_s, False
        self._done = 0
        self._channel = _Channel[T](capacity)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write behind", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Hand over one thing; raises what the function raised at an earlier one."""
        try:
            taken = self._channel.put(item, self._patience_s)
        except Stalled:
            self.stalled = True
            raise
        if not taken:
            self._thread.join()
            if self._error is not None:
                raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close(discard=kind is not None)
        while not self.stalled and self._thread.is_alive():
            before = self._done
            self.stalled = not any(
                self._moved(before, wait_s) for wait_s in waits(self._patience_s)
            )
        if kind is None and self.stalled:
            raise Stalled
        if kind is None and self._error is not None:
            raise self._error

    def _moved(self, before: int, wait_s: float) -> bool:
        """Whether the thread has ended, or dealt with more things than `before`, after a wait."""
        self._thread.join(wait_s)
        return not self._thread.is_alive() or self._done != before

    def _run(self) -> None:
        try:
            while taken := self._channel.take():
                self._write(taken[0])
                self._done += 1
        except BaseException as error:  # as above
            self._error = error
        finally:
            self._channel.close(discard=True)


def in_time(function: Callable[[], T], patience_s: float | None) -> T:
    """Call a function in a thread of its own.

    Args:
        function: what it returns or raises is returned or raised.
        patience_s: how long it may take, s; None: for ever.

    Raises:
        Stalled: it took longer; its thread is left to itself.
    """
    with ReadAhead((call() for call in (function,)), 1, patience_s) as answers:
        return next(iter(answers))
