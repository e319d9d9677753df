"""What travels through the loop, from the source's frame to the one that is shown."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fra_live.live.events import ActiveEvent
from fra_live.results import Event, FrameResult
from fra_live.video.sources import Frame

_RECENT = 15  # ages that change with every frame cannot be read


class FrameRecognizer(Protocol):
    """What the loop needs of a recognizer."""

    threshold: float

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """One (H, W, 3) uint8 BGR frame in, one result out."""
        ...


@dataclass(frozen=True)
class Call:
    """A frame that is being recognized, since `since_s`; both times in `time.perf_counter()`."""

    frame: Frame
    captured_s: float
    since_s: float


@dataclass(frozen=True)
class Recognition:
    """A recognized frame.

    Attributes:
        frame: as the source gave it.
        result: what was found in it.
        active: events that are going on.
        ended: events that ended with it.
        captured_s: `time.perf_counter()` at its capture, or, for a file, when it was due.
        done_s: `time.perf_counter()` when it had been recognized.
    """

    frame: Frame
    result: FrameResult
    active: tuple[ActiveEvent, ...]
    ended: tuple[Event, ...]
    captured_s: float
    done_s: float


@dataclass(frozen=True)
class LiveFrame:
    """A frame on its way to the screen.

    Attributes:
        image: (H, W, 3) uint8 BGR as the source gave it; not to be drawn on.
        result: what was found in it; where it is `carried`, what was found in an earlier frame,
            with the outlines moved to where they are in this one. `result.timestamp_s` is the
            earlier frame's then.
        active_events: events that are going on.
        ended_events: events that ended with `recognition`.
        age_ms: from capture to now, when it is handed over.
        fps: frames per second that are being shown.
        index: number of the frame in its source.
        captured_s: `time.perf_counter()` at its capture, or, for a file, when it was due.
        timestamp_s: time of the frame in its source, s.
        recognized_s: `captured_s` of the frame in which `result` was found.
        recognized_fps: frames per second that are being recognized.
        recognition: the frame that was recognized since the last one was handed over; None where
            none was. Every recognized frame comes once, and what is written down comes from here.
        carried: see `result`.
        again: the frame was handed over before; now it comes with a newer result.
    """

    image: np.ndarray = field(repr=False)
    result: FrameResult
    active_events: tuple[ActiveEvent, ...]
    ended_events: tuple[Event, ...]
    age_ms: float
    fps: float
    index: int
    captured_s: float
    timestamp_s: float
    recognized_s: float
    recognized_fps: float
    recognition: Recognition | None = field(repr=False)
    carried: bool = False
    again: bool = False


class RecentAges:
    """Means over the last frames of how old they, and their results, were on the screen."""

    def __init__(self) -> None:
        self._ages_ms: deque[tuple[float, float]] = deque(maxlen=_RECENT)

    def __len__(self) -> int:
        return len(self._ages_ms)

    def add(self, frame: LiveFrame, age_ms: float) -> None:
        """A frame is on the screen, `age_ms` after its capture."""
        if not frame.again:
            self._ages_ms.append((age_ms, age_ms + _earlier_ms(frame)))

    def means(self, frame: LiveFrame) -> tuple[float, float]:
        """Age of frames and of their results, ms; before the first, those of this frame."""
        ages_ms = self._ages_ms or ((frame.age_ms, frame.age_ms + _earlier_ms(frame)),)
        own, of_result = (sum(column) / len(ages_ms) for column in zip(*ages_ms, strict=True))
        return own, of_result


def _earlier_ms(frame: LiveFrame) -> float:
    return 1000 * (frame.captured_s - frame.recognized_s)
