"""One run of a live source: the loop, its events and its recording, without any screen.

It owns every file that is being written and finishes them all, whatever ends the run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Unpack

import numpy as np

from fra_live.labels import LabelSet
from fra_live.live.capture import Pacing
from fra_live.live.event_files import EventFiles
from fra_live.live.events import EventParameters, EventTracker, event_of_still
from fra_live.live.frames import FrameRecognizer, LiveFrame
from fra_live.live.loop import LiveLoop
from fra_live.live.overlay import Overlay, OverlayOptions
from fra_live.live.picture import Look, draw_frame
from fra_live.live.recorder import Recorder, free_name
from fra_live.results import Event, FrameResult
from fra_live.video.images import ImageSource
from fra_live.video.sinks import write_image
from fra_live.video.sources import Source

_USUAL_RATE = Fraction(30)  # frames/s, where a source does not tell


class LabelledRecognizer(FrameRecognizer, Protocol):
    """A recognizer that tells what it recognizes."""

    labels: LabelSet


class Session:
    """Runs sources, one after the other, through one recognizer; `start`, `take`, `close`.

    Args:
        recognizer: for all sources.
        parameters: of the events.
        events: JSON lines or CSV file for the events, written as they end.
        event_folder: for a still and a clip of each event.
        folder: where recordings and snapshots go.
        fallback: makes another recognizer when the engine fails.
        hang_s: see `LiveLoop`.

    Attributes:
        loop: of the present source.
        stills: the present source gives still images, which have no time.
        event_count: events that have ended so far.

    Raises:
        SinkError: `events` cannot be written.
    """

    loop: LiveLoop

    def __init__(
        self,
        recognizer: LabelledRecognizer,
        *,
        parameters: EventParameters | None = None,
        events: Path | None = None,
        event_folder: Path | None = None,
        folder: Path = Path(),
        fallback: Callable[[], FrameRecognizer] | None = None,
        hang_s: float = 10.0,
    ) -> None:
        self.labels = recognizer.labels
        self.stills = False
        self.event_count = 0
        self._recognizer: FrameRecognizer = recognizer
        self._parameters, self._folder = parameters, folder
        self._fallback, self._hang_s = fallback, hang_s
        self._files = EventFiles(events, event_folder)
        self._recorder: Recorder | None = None
        self._recorder_overlay: Overlay | None = None
        self._started = False

    def start(
        self,
        source: Source,
        *,
        pacing: Pacing | None = None,
        explain: bool = False,
        repeat: Callable[[], Source] | None = None,
    ) -> list[Event]:
        """Run a source, in place of the present one; the session closes it.

        Returns:
            The present source's events that were still going on.

        Raises:
            SinkError: a file of the present source could not be completed; the new one runs.
        """
        with ExitStack() as stack:
            # The new source runs even where a file of the last one could not be completed.
            stack.callback(self._start_loop, source, pacing, explain, repeat)
            ended = self._end_loop()
            self._files.start(source, live=source.live or pacing != "every")
        return ended

    def _start_loop(
        self,
        source: Source,
        pacing: Pacing | None,
        explain: bool,
        repeat: Callable[[], Source] | None,
    ) -> None:
        self.stills = isinstance(source, ImageSource)
        tracker = None
        if not self.stills:
            tracker = EventTracker(source.name, self.labels, self._parameters)
        self.loop = LiveLoop(
            source,
            self._recognizer,
            tracker=tracker,
            pacing=pacing,
            explain=explain,
            repeat=repeat,
            fallback=self._fallback,
            hang_s=self._hang_s,
        )
        self._started = True
        self.cut()

    def take(self, frame: LiveFrame) -> list[Event]:
        """Write down what a frame brings of events, and what ended with it.

        Returns:
            The events that ended.

        Raises:
            SinkError: they cannot be written; later ones are not tried.
        """
        ended = list(frame.ended_events)
        if self.stills:
            ended = event_of_still(self.loop.source.name, self.labels, frame.result)
        self.event_count += len(ended)
        with ExitStack() as stack:  # one of them may fail without the other
            stack.callback(self._files.write, ended)
            if not self.stills:
                self._files.frame(frame)
        return ended

    def draw(self, overlay: Overlay, frame: LiveFrame, **how: Unpack[Look]) -> np.ndarray:
        """A frame as it is shown, see `draw_frame`: (h, w, 3) uint8 BGR."""
        return draw_frame(overlay, frame, tracked=not self.stills, **how)

    def snapshot(self, overlay: Overlay, frame: LiveFrame, *, mirror: bool = False) -> Path:
        """Save a frame as it is shown, without figures and messages.

        Raises:
            SinkError: it cannot be written.
        """
        path = free_name(self._folder, ".png")
        write_image(path, self.draw(overlay, frame, mirror=mirror))
        return path

    # -- recording -----------------------------------------------------------------------------

    @property
    def recording(self) -> Recorder | None:
        """The recording that goes on."""
        return self._recorder

    def start_recording(self, result: FrameResult) -> Path:
        """Record from the next frame on.

        Args:
            result: of a frame of the size to record.

        Returns:
            The file that will be there when the recording has been stopped.

        Raises:
            SinkError: it cannot be written.
        """
        rate = self.loop.source.rate or _USUAL_RATE
        path = free_name(self._folder, ".mp4")
        self._recorder = Recorder(path, result.frame, rate)
        self._recorder_overlay = Overlay(self.labels)
        return path

    def record(self, frame: LiveFrame, options: OverlayOptions, *, mirror: bool = False) -> None:
        """Add a frame to the recording, if there is one."""
        recorder, overlay = self._recorder, self._recorder_overlay
        if recorder is None or overlay is None:
            return

        def picture() -> np.ndarray:
            overlay.options = options  # the overlay is the recorder's thread's own
            return self.draw(overlay, frame, mirror=mirror)

        recorder.write(picture, frame.result.timestamp_s)

    def cut(self) -> None:
        """Leave a stretch of time out of the recording: a pause, or another camera's clock."""
        if self._recorder is not None:
            self._recorder.cut()

    def stop_recording(self) -> Path | None:
        """Finish the recording.

        Returns:
            Its file; None where nothing was recorded.

        Raises:
            SinkError: it broke off.
        """
        recorder, self._recorder = self._recorder, None
        return None if recorder is None else recorder.close()

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> list[Event]:
        """Finish everything: recording, loop, source, events and their file.

        Returns:
            The events that were still going on.

        Raises:
            SinkError: a file could not be completed; all others are.
        """
        ended: list[Event] = []
        with ExitStack() as stack:  # calls all of these, whatever any of them raises
            stack.callback(self._files.close)
            stack.callback(lambda: ended.extend(self._end_loop()))
            stack.callback(self.stop_recording)
        return ended

    def _end_loop(self) -> list[Event]:
        if not self._started:
            return []
        self._started = False
        ended = list(self.loop.close())
        if self.loop.recognizer is not self._recognizer:  # the engine failed in this run
            self._recognizer, self._fallback = self.loop.recognizer, None
        self.event_count += len(ended)
        self._files.write(ended)
        return ended
