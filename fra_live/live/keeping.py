"""What a person keeps of a run: snapshots and recordings, drawn as they are shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Unpack

import numpy as np

from fra_live.errors import FraLiveError
from fra_live.labels import LabelSet
from fra_live.live.frames import LiveFrame
from fra_live.live.loop import LiveLoop
from fra_live.live.overlay import Overlay, OverlayOptions
from fra_live.live.picture import Look, draw_frame
from fra_live.live.recorder import Recorder, free_name
from fra_live.live.status import StatusLines, clock
from fra_live.results import FrameResult
from fra_live.video.sinks import write_image

_USUAL_RATE = Fraction(30)  # frames/s, where a source does not tell


class Keeping:
    """Draws the frames of a loop, saves them and records them; `Session` adds the run itself.

    Args:
        labels: what is recognized.
        folder: where recordings and snapshots go.

    Attributes:
        labels: what is recognized.
        loop: of the present source.
        stills: the present source gives still images, which have no time.
    """

    loop: LiveLoop

    def __init__(self, labels: LabelSet, folder: Path) -> None:
        self.labels, self.stills = labels, False
        self._folder = folder
        self._recorder: Recorder | None = None
        self._recorder_overlay: Overlay | None = None

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
        """Add a frame to the recording, if there is one and it has not got it yet."""
        recorder, overlay = self._recorder, self._recorder_overlay
        if recorder is None or overlay is None or frame.again:
            return

        def picture() -> np.ndarray:
            overlay.options = options  # the overlay is the recorder's thread's own
            return self.draw(overlay, frame, mirror=mirror)

        recorder.write(picture, frame.timestamp_s)

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


class KeepingKeys:
    """Saves and records when a key asks for it; the status line says what became of it.

    Args:
        kept: does it.
        status: takes the notes.
    """

    def __init__(self, kept: Keeping, status: StatusLines) -> None:
        self._kept, self._status = kept, status

    @property
    def lasting(self) -> list[str]:
        """What goes on, a line each."""
        recorder = self._kept.recording
        return [] if recorder is None else [f"Recording {clock(recorder.duration_s)}"]

    def take(self, frame: LiveFrame, options: OverlayOptions, *, mirror: bool) -> None:
        """Add a frame to the recording, if there is one."""
        recorder = self._kept.recording
        if recorder is not None:
            self._kept.record(frame, options, mirror=mirror)
            if recorder.error is not None:
                self._stop()

    def snapshot(self, overlay: Overlay, frame: LiveFrame | None, *, mirror: bool) -> None:
        """Save a frame, if there is one."""
        if frame is None:
            return
        try:
            path = self._kept.snapshot(overlay, frame, mirror=mirror)
            self._status.note(f"Saved {path}")
        except FraLiveError as error:
            self._status.note(str(error))

    def toggle_recording(self, frame: LiveFrame | None) -> None:
        """Stop the recording, or begin one of frames like this one."""
        if self._kept.recording is not None:
            self._stop()
        elif frame is not None:
            try:
                self._kept.start_recording(frame.result)
            except FraLiveError as error:
                self._status.note(str(error))

    def _stop(self) -> None:
        recorder = self._kept.recording
        try:
            path = self._kept.stop_recording()
        except FraLiveError as error:
            self._status.note(str(error))
            return
        left_out = recorder.left_out if recorder is not None else 0
        lacking = f", {left_out} frames left out" if left_out else ""
        self._status.note(f"Recorded {path}{lacking}")
