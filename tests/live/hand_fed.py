"""A camera and a recognizer that go on when a test says so, for the loop's tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from fra_live.live.loop import LiveFrame, LiveLoop
from fra_live.video.base import Frame, Source
from tests.live.loop_parts import SlowRecognizer
from tests.live.test_carrying import photo


class HandFed(Source):
    """A camera that gives a frame whenever a test says so."""

    live = True

    def __init__(self) -> None:
        self.name, self.rate = "by hand", Fraction(30)
        self.image = photo(3, (96, 128))
        self._fed = threading.Semaphore(0)
        self._closed = False

    def feed(self, count: int = 1) -> None:
        self._fed.release(count)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while self._fed.acquire() and not self._closed:
            # The picture moves on by two px a frame.
            yield Frame(np.roll(self.image, 2 * index, axis=1), index / 30, index)
            index += 1

    def close(self) -> None:
        self._closed = True
        self.feed()


class Gated(SlowRecognizer):
    """Recognizes a frame whenever a test lets it."""

    def __init__(self) -> None:
        super().__init__(drinking=(0.0, 1e9))
        self.gate = threading.Semaphore(0)
        self.begun: list[int] = []
        self.on_call = lambda call: self.gate.acquire()

    def __call__(self, image: np.ndarray, /, **given: float) -> object:  # type: ignore[override]
        self.begun.append(round(30 * given["timestamp_s"]))
        return super().__call__(image, **given)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


def taken(loop: LiveLoop) -> LiveFrame:
    frame = loop.get(timeout_s=10)
    assert frame is not None
    loop.shown(frame)
    return frame
