"""A recognizer with others in reserve, for work that must not end with an engine.

An engine that raises or hangs in the middle of a run is given up: the next one that works goes on
with the very frame that it left, and a sentence tells.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from fra_live.crew import EngineHung, OneRecognizer, T, recognize_side_by_side
from fra_live.errors import EngineError
from fra_live.pool import RecognizerPool, load_pool
from fra_live.results import FrameResult

_FIRST_CALL = 5  # the first call, which may compile, has so many times as long
# What follows on what, the fastest first; the plainest comes at the end of every list.
_ORDER = (("tensorrt", "auto"), ("torch", "auto"), ("openvino", "auto"), ("openvino", "f32"))
_LAST = ("torch", "f32")


class Reserve(OneRecognizer, Protocol):
    """A recognizer that can take another's place."""

    threshold: float


class Watched(OneRecognizer, Protocol):
    """A recognizer that can be replaced."""

    @property
    def threshold(self) -> float:
        """The operating threshold."""
        ...


class Standby:
    """Calls a recognizer, or a pool, and replaces it where it fails; see the module.

    One thread at a time may use it.
    """

    def __init__(
        self,
        recognizer: Watched,
        reserves: Iterable[Callable[[], Reserve]] = (),
        patience_s: float | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Keep what is used now and what may be used later.

        Args:
            recognizer: used first.
            reserves: load others, tried in turn and once each; they get the first one's threshold.
            patience_s: a frame that takes longer means that the engine hangs; None: wait for ever.
            tell: gets a sentence whenever another one carries on.
        """
        self._now: Watched | Reserve = recognizer
        self._reserves, self._patience_s, self._tell = iter(reserves), patience_s, tell
        self._warm = False

    def map(
        self, frames: Iterable[T], name: str, *, explain: bool = False
    ) -> Generator[tuple[T, FrameResult], None, None]:
        """Recognize frames: several at a time where it is a pool.

        Args:
            frames: taken as they are needed.
            name: of the source, for the sentences.
            explain: as `Recognizer.__call__`.

        Yields:
            Each frame and its result, in the frames' order.

        Raises:
            EngineError: the engine fails or hangs, and so does every other that was in reserve.
        """

        def rescue(frame: T, error: Exception) -> Sequence[OneRecognizer]:
            index = getattr(frame, "index", None)
            where = name if index is None else f"frame {index} of {name}"
            return self._replace(where, error)

        results = recognize_side_by_side(
            _members(self._now), frames, explain=explain, patience_s=self._patience, rescue=rescue
        )
        with closing(results):
            for pair in results:
                self._warm = True
                yield pair

    def __call__(self, image: np.ndarray, name: str, *, explain: bool = False) -> FrameResult:
        """Recognize a still image, (H, W, 3) uint8 BGR; otherwise as `map`."""
        ((_, result),) = self.map([_Still(image)], name, explain=explain)
        return result

    def _patience(self) -> float | None:
        if self._patience_s is None or self._warm:
            return self._patience_s
        return self._patience_s * _FIRST_CALL

    def _replace(self, where: str, error: Exception) -> Sequence[OneRecognizer]:
        if isinstance(error, MemoryError):  # another engine needs no less
            raise error
        if isinstance(error, EngineHung):
            what = f"has not answered for {error.patience_s:g} s at {where}"
        else:
            what = f"failed at {where} ({_clause(error)})"
        why, obstacles = f"The engine{_named(self._now, ' ({})')} {what}", []
        for load in self._reserves:
            try:
                reserve = load()
            except Exception as obstacle:  # a library of another version may raise anything
                obstacles.append(_clause(obstacle))
                continue
            reserve.threshold = self._now.threshold
            self._now, self._warm = reserve, False
            self._tell(f"{why}; {_named(reserve, '{}') or 'another one'} carries on from there.")
            return _members(reserve)
        others = f" ({'; '.join(obstacles)})" if obstacles else ""
        raise EngineError(f"{why}, and no other engine is left{others}; see 'fra-live doctor'.")


@dataclass(frozen=True)
class _Still:
    """A still image as a frame."""

    image: np.ndarray = field(repr=False)
    timestamp_s: float = 0.0


def _members(recognizer: OneRecognizer) -> Sequence[OneRecognizer]:
    return recognizer.recognizers if isinstance(recognizer, RecognizerPool) else (recognizer,)


def _named(recognizer: OneRecognizer, form: str) -> str:
    engine = getattr(recognizer, "engine", None)
    return form.format(f"{engine.backend} in {engine.precision}") if engine is not None else ""


def _clause(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def reserves_of(
    pool: RecognizerPool, model: str | Path, threads: int = 0
) -> list[Callable[[], RecognizerPool]]:
    """What loads the engines that may follow on a pool's own, the fastest first.

    Args:
        pool: in use.
        model, threads: as it was loaded with, see `load_pool`.
    """
    backend = pool.engine.backend
    backends = [name for name, _ in _ORDER]
    after = backends.index(backend) + 1 if backend in backends else 0
    following = [*_ORDER[after:], _LAST]

    def loading(backend: str, precision: str) -> Callable[[], RecognizerPool]:
        return lambda: load_pool(model, backend, precision, threads)

    return [loading(*engine) for engine in following]
