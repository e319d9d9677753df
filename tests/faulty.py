"""Recognizers whose engine fails or hangs at some calls."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from fra_live.errors import EngineError
from fra_live.results import FrameResult
from tests.red import RedFinder


class Faulty:
    """A recognizer that is called through: at some calls it raises, or does not come back.

    Args:
        recognizer: the real one.
        fails: told the number of a call, from 0; raises, waits, or does nothing.
    """

    def __init__(self, recognizer: Any, fails: Callable[[int], object]) -> None:
        self._recognizer, self._fails, self.calls = recognizer, fails, 0
        self.labels, self.bundle = recognizer.labels, recognizer.bundle
        self.engine, self.threshold = recognizer.engine, recognizer.threshold

    def __call__(self, image: np.ndarray, **options: Any) -> FrameResult:
        self.calls += 1
        self._fails(self.calls - 1)
        result: FrameResult = self._recognizer(image, **options)
        return result


def raising(first: int, last: int | None = None) -> Callable[[int], None]:
    def fails(call: int) -> None:
        if call >= first and (last is None or call <= last):
            raise EngineError("The network is\n gone.")

    return fails


class Engined(RedFinder):
    """Tells what runs it."""

    def __init__(self, backend: str) -> None:
        super().__init__()
        self.engine = SimpleNamespace(backend=backend, precision="f32")


def unavailable() -> RedFinder:
    raise EngineError("There is no driver.")
