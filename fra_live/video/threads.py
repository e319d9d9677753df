"""Reading ahead and writing behind: threads on both sides of the recognizer, so it never waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
_CAPACITY = 4


class _Channel(Generic[T]):
    """Hands things from one thread to another, a few at a time."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: T) -> bool:
        """Wait for room and hand over; False: nobody takes anything any more."""
        with self._changed:
            self._wait(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self) -> list[T]:
        """Wait for the next thing; empty: there will be none."""
        with self._changed:
            self._wait(lambda: self._closed or bool(self._items))
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

    def _wait(self, ready: Callable[[], bool]) -> None:
        while not self._changed.wait_for(ready, 1.0):  # the limit lets Ctrl-C through on Windows
            pass


class ReadAhead(Generic[T]):
    """Runs through something in a thread, a few steps ahead of whoever iterates this.

    What the thread raises is raised to the one who iterates, after the items before it. Use it as
    a context manager: leaving it ends the thread.
    """

    def __init__(self, items: Iterable[T], capacity: int = _CAPACITY) -> None:
        self._items = items
        self._channel = _Channel[T](capacity)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while taken := self._channel.take():
            yield taken[0]
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
    where an error ended it.
    """

    def __init__(self, write: Callable[[T], None], capacity: int = _CAPACITY) -> None:
        self._write = write
        self._channel = _Channel[T](capacity)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write behind", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Hand over one thing; raises what the function raised at an earlier one."""
        if not self._channel.put(item):
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
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while taken := self._channel.take():
                self._write(taken[0])
        except BaseException as error:  # as above
            self._error = error
        finally:
            self._channel.close(discard=True)
