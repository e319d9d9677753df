"""What travels through the loop, from the source's frame to the one that is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fra_live.live.events import ActiveEvent
from fra_live.results import Event, FrameResult
from fra_live.video.sources import Frame


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
class Ready:
    """A recognized frame that nobody has taken yet."""

    frame: Frame
    result: FrameResult
    active: tuple[ActiveEvent, ...]
    ended: tuple[Event, ...]
    captured_s: float


@dataclass(frozen=True)
class LiveFrame:
    """A frame on its way to the screen.

    Attributes:
        image: (H, W, 3) uint8 BGR as the source gave it; not to be drawn on.
        result: what was found in it.
        active_events: events that are going on.
        ended_events: events that ended with this frame.
        age_ms: from capture to now, when it is handed over.
        fps: frames per second that are being shown.
        index: number of the frame in its source.
        captured_s: `time.perf_counter()` at its capture, or, for a file, when it was due.
    """

    image: np.ndarray = field(repr=False)
    result: FrameResult
    active_events: tuple[ActiveEvent, ...]
    ended_events: tuple[Event, ...]
    age_ms: float
    fps: float
    index: int
    captured_s: float
