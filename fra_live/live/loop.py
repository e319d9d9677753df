"""The loop: capture, recognition and display, each on a thread of its own.

It knows nothing of windows, pages and files: it takes frames from a source, has them recognized
and hands them to whoever asks, together with how old they are. At any time at most one frame
waits for the recognizer, one is being recognized, one has been and one is to be shown, so neither
memory nor age can grow; a frame that cannot be dealt with in time is passed over, not queued. A
recognized frame is never thrown away: each is handed over once, with the events that it ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from fra_live.live.capture import Pacing
from fra_live.live.events import EventTracker
from fra_live.live.figures import LoopFigures
from fra_live.live.frames import FrameRecognizer, LiveFrame
from fra_live.live.showing import Showing
from fra_live.results import Event
from fra_live.video.sources import Source

__all__ = ["FrameRecognizer", "LiveFrame", "LiveLoop", "LoopFigures", "Pacing"]

_log = logging.getLogger(__name__)
_JOIN_S = 5.0  # a thread that takes longer to end is left behind


class LiveLoop(Showing):
    """Runs a source through a recognizer; iterate it, or call `get` from a user interface.

    Use it as a context manager, or call `close`, which waits for the threads and closes the
    source. Only one thread may take frames.

    Args:
        source: an open source; the loop closes it.
        recognizer: called by one thread only.
        tracker: makes events of the results; None for none.
        pacing: "newest" takes what is newest and passes over the rest; "clock" gives a file's
            frames at their own times and passes over those that come too late; "every" gives
            every frame, as fast as it goes. By default "newest" for live sources, else "clock".
        explain: results carry their explanation; may be set while the loop runs.
        repeat: opens the source anew when it ends, so that the loop goes on for ever.
        fallback: makes another recognizer for when the engine fails or hangs; used once.
        hang_s: a call of the recognizer that takes longer is given up; the first call, which may
            compile, has six times as long.
        every_frame: show frames as they are captured, up to 40 a second, each with the latest
            result carried along to it, while the newest is being recognized whenever the
            recognizer is free; else only recognized frames are shown. Not with pacing "every".
            See `LiveFrame`.
    """

    def __init__(
        self,
        source: Source,
        recognizer: FrameRecognizer,
        *,
        tracker: EventTracker | None = None,
        pacing: Pacing | None = None,
        explain: bool = False,
        repeat: Callable[[], Source] | None = None,
        fallback: Callable[[], FrameRecognizer] | None = None,
        hang_s: float = 10.0,
        every_frame: bool = False,
    ) -> None:
        chosen: Pacing = pacing or ("newest" if source.live else "clock")
        super().__init__(
            source, recognizer, tracker, chosen, explain, repeat, fallback, hang_s, every_frame
        )

    @property
    def source(self) -> Source:
        """The source, as it was last opened."""
        return self._source

    @property
    def recognizer(self) -> FrameRecognizer:
        """The recognizer in use: the one given, or the fallback's."""
        with self._changed:
            return self._recognizer

    @property
    def ended(self) -> bool:
        """No frame will come any more."""
        with self._changed:
            return self._nothing_left

    @property
    def every_frame(self) -> bool:
        """Whether frames are shown that are not recognized; may be set while the loop runs."""
        return self._every_frame

    @every_frame.setter
    def every_frame(self, wanted: bool) -> None:
        with self._changed:
            self._every_frame = wanted and self._pacing != "every"
            if not self._every_frame:
                self._next = None
            self._changed.notify_all()

    @property
    def paused(self) -> bool:
        """Whether frames are held back."""
        return self._paused

    def pause(self, paused: bool = True) -> None:
        """Hold a file, or show nothing new of a camera, until `pause(False)`."""
        with self._changed:
            self._paused = paused
            self._steps = 0
            self._changed.notify_all()

    def step(self) -> None:
        """Let one more frame through while paused."""
        with self._changed:
            self._steps = 1
            self._changed.notify_all()

    def set_threshold(self, threshold: float) -> None:
        """Set the operating threshold, 0..1, from the next frame on."""
        with self._changed:
            self._threshold = threshold

    def figures(self) -> LoopFigures:
        """Frames, drops, frames/s and ages so far."""
        return self._meter.figures()

    def notices(self) -> list[str]:
        """Sentences for the status line that came up since the last call."""
        with self._changed:
            notices = list(self._notices)
            self._notices.clear()
            return notices

    def shown(self, frame: LiveFrame) -> float:
        """Tell that a frame is on the screen now.

        Returns:
            Its age in ms, from capture to this moment.
        """
        now = time.perf_counter()
        age_ms = 1000 * (now - frame.captured_s)
        if not frame.again:
            self._meter.show(age_ms, 1000 * (now - frame.recognized_s))
        return age_ms

    def __iter__(self) -> Iterator[LiveFrame]:
        """Frames until the source ends; each counts as shown when the next is asked for."""
        while (frame := self.get()) is not None:
            yield frame
            self.shown(frame)

    def stop(self) -> None:
        """Let no further frame through; returns at once, `close` waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> tuple[Event, ...]:
        """Stop, wait for the threads, close the source and end the events.

        Returns:
            The events that were still going on, and those that ended with a frame which nobody
            took; nothing at a second call.
        """
        self.stop()
        if self._source.live:
            self._source.close()  # which ends a wait for a frame that may never come
        deadline = time.perf_counter() + _JOIN_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.perf_counter()))
            if thread.is_alive():
                _log.warning("The %s thread does not end; it is left behind.", thread.name)
        if not self._threads[0].is_alive():  # else it may be in the middle of reading
            self._source.close()
        with self._changed:
            self._worker += 1  # whoever is left behind touches nothing any more
            tracker, self._tracker = self._tracker, None
            ended = () if self._ready is None else self._ready.ended
            self._waiting = self._next = self._call = self._retry = self._ready = None
        return ended if tracker is None else (*ended, *tracker.finish())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
