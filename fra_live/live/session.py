"""One run of a live source: the loop and its events, without any screen.

It owns every file that is being written and finishes them all, whatever ends the run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from fra_live.labels import LabelSet
from fra_live.live.capture import Pacing
from fra_live.live.event_files import EventFiles
from fra_live.live.events import EventParameters, EventTracker, event_of_still
from fra_live.live.frames import FrameRecognizer, LiveFrame
from fra_live.live.keeping import Keeping
from fra_live.live.loop import LiveLoop
from fra_live.results import Event
from fra_live.video.images import ImageSource
from fra_live.video.sources import Source


class LabelledRecognizer(FrameRecognizer, Protocol):
    """A recognizer that tells what it recognizes."""

    labels: LabelSet


class Session(Keeping):
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
        every_frame: show frames of films and cameras that are not recognized too, see `LiveLoop`;
            may be set while a source runs.
        loop: of the present source.
        stills: the present source gives still images, which have no time.
        event_count: events that have ended so far.

    Raises:
        SinkError: `events` cannot be written.
    """

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
        super().__init__(recognizer.labels, folder)
        self.event_count = 0
        self._recognizer: FrameRecognizer = recognizer
        self._parameters = parameters
        self._fallback, self._hang_s = fallback, hang_s
        self._files = EventFiles(events, event_folder)
        self._started = self._every_frame = False

    @property
    def every_frame(self) -> bool:
        """See the class; not of still images, where nothing can be carried along."""
        return self._every_frame and not self.stills

    @every_frame.setter
    def every_frame(self, wanted: bool) -> None:
        self._every_frame = wanted
        if self._started:
            self.loop.every_frame = self.every_frame

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
            every_frame=self.every_frame,
        )
        self._started = True
        self.cut()

    def take(self, frame: LiveFrame) -> list[Event]:
        """Write down what a frame brings of events, and what ended with it.

        That is what was recognized since the last frame; see `LiveFrame.recognition`.

        Returns:
            The events that ended.

        Raises:
            SinkError: they cannot be written; later ones are not tried.
        """
        recognized = frame.recognition
        if recognized is None:
            return []
        ended = list(recognized.ended)
        if self.stills:
            ended = event_of_still(self.loop.source.name, self.labels, recognized.result)
        self.event_count += len(ended)
        with ExitStack() as stack:  # one of them may fail without the other
            stack.callback(self._files.write, ended)
            if not self.stills:
                self._files.frame(recognized)
        return ended

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
