"""What every source of pictures has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

MAX_PIXELS = 100_000_000  # a picture of 100 Mpx takes 300 MB, and several are held at a time


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture.

    Attributes:
        image: (H, W, 3) uint8 BGR, C-contiguous, upright.
        timestamp_s: s; in a file's own time, or since a live source was opened. Grows from frame
            to frame.
        index: number of the frame in its source, from 0; live sources skip the numbers of frames
            that nobody took.
    """

    image: np.ndarray = field(repr=False)
    timestamp_s: float
    index: int


class Source(ABC):
    """A camera, file, folder or URL: iterate it for its frames, once; close it afterwards.

    One thread may iterate; any thread may close it, which ends the iteration.

    Attributes:
        name: for people and for `Event.source`; credentials are removed.
        live: frames that nobody takes in time are dropped (cameras, streams).
        rate: frames/s on average; None where it is unknown or means nothing.
        size: (H, W) of the upright picture in px; None where pictures differ.
        count: number of frames, as far as the file tells; None where it does not.
        duration_s: s, as far as the file tells; None where it does not.
        path: the file, where there is one.
        problem: what was wrong with the frames so far, as a sentence; None where all is well.
            Final once the iteration has ended.
    """

    name: str
    live: bool = False
    rate: Fraction | None = None
    size: tuple[int, int] | None = None
    count: int | None = None
    duration_s: float | None = None
    path: Path | None = None
    problem: str | None = None

    @property
    def status(self) -> str:
        """What a person should know now, as a sentence (a lost camera); "" where all is well."""
        return self.problem or ""

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """The frames, in order.

        Raises:
            SourceError: not a single frame can be read, or reading became impossible.
        """

    def close(self) -> None:
        """Let go of the device or file; more calls do nothing."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
