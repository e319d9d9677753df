"""Recognizers at work on the frames of a source, each in a thread of its own.

It never waits for ever: a call that hangs is left to its thread, which does not keep the program
alive. Whoever uses it may then put other recognizers in the place of those that failed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

import numpy as np

from fra_live.errors import EngineError
from fra_live.patience import waits
from fra_live.results import FrameResult

_LEAVING_S = 5.0  # a call that is under way when the work ends is waited for so long


class TimedImage(Protocol):
    """A frame of a source."""

    @property
    def image(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR."""
        ...

    @property
    def timestamp_s(self) -> float:
        """Its time in the source, s."""
        ...


class OneRecognizer(Protocol):
    """What recognizes one frame."""

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """See `Recognizer.__call__`."""
        ...


class EngineHung(EngineError):
    """A call has not come back within `patience_s`."""

    def __init__(self, patience_s: float) -> None:
        super().__init__(f"The engine has not answered for {patience_s:g} s.")
        self.patience_s = patience_s


T = TypeVar("T", bound=TimedImage)
Rescue = Callable[[T, Exception], Sequence[OneRecognizer]]


class _Crew(Generic[T]):
    """The threads of some recognizers."""

    def __init__(self, recognizers: Sequence[OneRecognizer], explain: bool) -> None:
        self.size, self._explain = len(recognizers), explain
        # Never longer than what is under way, which `recognize_side_by_side` limits.
        self._tasks: SimpleQueue[tuple[T, Future[FrameResult]] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(r,), name="recognition", daemon=True)
            for r in recognizers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, frame: T) -> Future[FrameResult]:
        future: Future[FrameResult] = Future()
        self._tasks.put((frame, future))
        return future

    def dismiss(self, futures: Iterable[Future[FrameResult]], wait_s: float = _LEAVING_S) -> None:
        """End the threads, each after the call that it is in; more calls do nothing."""
        for future in futures:
            future.cancel()
        threads, self._threads = self._threads, []
        for _ in threads:
            self._tasks.put(None)
        for thread in threads:
            thread.join(wait_s)

    def _work(self, recognizer: OneRecognizer) -> None:
        while (task := self._tasks.get()) is not None:
            frame, future = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = recognizer(
                    frame.image, timestamp_s=frame.timestamp_s, explain=self._explain
                )
            except BaseException as error:  # whatever it is, the one who waits must hear of it
                future.set_exception(error)
            else:
                future.set_result(result)


def recognize_side_by_side(
    recognizers: Sequence[OneRecognizer],
    frames: Iterable[T],
    *,
    explain: bool = False,
    patience_s: Callable[[], float | None] = lambda: None,
    rescue: Rescue[T] | None = None,
) -> Generator[tuple[T, FrameResult], None, None]:
    """Recognize frames, several at a time.

    Args:
        recognizers: each works at one frame at a time, in a thread.
        frames: taken as they are needed: as many as there are recognizers, and one, are under
            way.
        explain: as `Recognizer.__call__`.
        patience_s: asked for every frame: how long it may take, s; None: for ever.
        rescue: called with the first frame that has no result and what its recognizer raised
            (`EngineHung` where it does not answer); gives the recognizers that go on with that
            frame, or raises.

    Yields:
        Each frame and its result, in the frames' order.

    Raises:
        EngineError: the backend failed or hangs; the frames before have come.
        Exception: what `frames` raised, after the frames before it.
    """
    crew: _Crew[T] = _Crew(recognizers, explain)
    under_way: deque[tuple[T, Future[FrameResult]]] = deque()

    def first() -> tuple[T, FrameResult]:
        """The result of the frame that has been under way for longest."""
        nonlocal crew
        while True:
            frame, future = under_way[0]
            try:
                result = _answer(future, patience_s())
            except Exception as error:
                hung = isinstance(error, EngineHung)
                crew.dismiss((f for _, f in under_way), 0.0 if hung else _LEAVING_S)
                if rescue is None:
                    raise
                crew = _Crew(rescue(frame, error), explain)
                for place, (again, _) in enumerate(under_way):
                    under_way[place] = again, crew.submit(again)
            else:
                under_way.popleft()
                return frame, result

    source, failure = iter(frames), None
    try:
        while True:
            try:
                frame = next(source)
            except StopIteration:
                break
            except Exception as error:  # the frames before it are still to come
                failure = error
                break
            under_way.append((frame, crew.submit(frame)))
            while len(under_way) > crew.size:
                yield first()
        while under_way:
            yield first()
    finally:
        crew.dismiss(f for _, f in under_way)
    if failure is not None:
        raise failure


def _answer(future: Future[FrameResult], patience_s: float | None) -> FrameResult:
    for wait_s in waits(patience_s):
        if wait([future], wait_s).done:
            return future.result()
    raise EngineHung(patience_s or 0.0)
