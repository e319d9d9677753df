"""Several recognizers of one model side by side: more frames a second, though none sooner.

A frame keeps one core busy better than two, since small networks share work badly, so a file is
worked through faster with a core for each of several frames. Live, where the age of a frame
counts, one recognizer has all cores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.crew import OneRecognizer, T, recognize_side_by_side
from fra_live.labels import LabelSet
from fra_live.recognizer import Recognizer, load
from fra_live.results import FrameResult
from fra_live.runtime.cpu import cores

_MOST_WORKERS = 4  # each holds the networks once more; decoding and drawing need cores too


class RecognizerPool:
    """Recognizers of one model that share the frames of a source.

    Attributes:
        recognizers: one a thread.
        labels, bundle, engine: of the model.
    """

    def __init__(self, recognizers: Sequence[Recognizer]) -> None:
        """Take recognizers of one model.

        Raises:
            ValueError: there is none.
        """
        if not recognizers:
            raise ValueError("A pool needs at least one recognizer.")
        self.recognizers = tuple(recognizers)
        first = self.recognizers[0]
        self.labels: LabelSet = first.labels
        self.bundle, self.engine = first.bundle, first.engine

    @property
    def threshold(self) -> float:
        """The operating threshold of all; may be set."""
        return self.recognizers[0].threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        for recognizer in self.recognizers:
            recognizer.threshold = value

    def warm_up(self, frame: tuple[int, int] = (480, 640)) -> None:
        """Compile everything for frames of (H, W) px."""
        for recognizer in self.recognizers:
            recognizer.warm_up(frame)

    def close(self) -> None:
        """Let go of what the recognizers hold besides memory, such as threads; see theirs."""
        for recognizer in self.recognizers:
            recognizer.close()

    def __enter__(self) -> RecognizerPool:
        """Closed at the end of the `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, image: np.ndarray, /, **options: Any) -> FrameResult:
        """One frame by itself, as `Recognizer.__call__`; not while `map` runs."""
        return self.recognizers[0](image, **options)

    def map(self, frames: Iterable[T], *, explain: bool = False) -> Iterator[tuple[T, FrameResult]]:
        """Recognize frames, several at a time.

        Args:
            frames: taken as they are needed: as many as there are recognizers, and one, are
                under way.
            explain: as `Recognizer.__call__`.

        Yields:
            Each frame and its result, in the frames' order.

        Raises:
            EngineError: the backend failed; the frames before it have come.
            Exception: what `frames` raised, after the frames before it.
        """
        return recognize_side_by_side(self.recognizers, frames, explain=explain)


def load_pool(
    model: str | Path = "mobile",
    engine: str = "auto",
    precision: str = "auto",
    threads: int = 0,
    workers: int = 0,
) -> RecognizerPool:
    """Load a model several times over.

    Args:
        model, engine, precision: as for `load`.
        threads: CPU threads in all; 0 takes all cores.
        workers: recognizers; 0 takes one a core, at most four, and one on a GPU, which has no
            core idle.

    Raises:
        BundleError, EngineError: as `load`.
    """
    threads = threads or cores()
    count = workers or min(threads, _MOST_WORKERS)
    first = load(model, engine, precision, max(1, threads // count))
    if not workers and first.engine.backend != "openvino":
        count = 1
    others = (load(model, engine, precision, max(1, threads // count)) for _ in range(count - 1))
    return RecognizerPool([first, *others])


def recognize_all(
    recognizer: OneRecognizer, frames: Iterable[T], *, explain: bool = False
) -> Iterator[tuple[T, FrameResult]]:
    """Recognize frames in their order: one after the other, or as a pool does it.

    Yields:
        Each frame and its result.
    """
    if isinstance(recognizer, RecognizerPool):
        yield from recognizer.map(frames, explain=explain)
        return
    for frame in frames:
        yield frame, recognizer(frame.image, timestamp_s=frame.timestamp_s, explain=explain)
