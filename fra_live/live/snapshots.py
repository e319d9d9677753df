"""A still and a short clip of every event, with the seconds before it.

Files are written on a thread of their own: neither the picture on the screen nor a recognizer
waits for them, unless asked to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from fra_live.errors import FraLiveError
from fra_live.live.events import ActiveEvent
from fra_live.live.frame_ring import FrameRing, StoredFrame
from fra_live.live.job_thread import JobThread

if TYPE_CHECKING:
    from fra_live.video.sinks import VideoSink

_WAITING = 64  # pictures waiting to be written; live, those that come on top are left out


@dataclass(frozen=True)
class SnapshotParameters:
    """What is kept of an event.

    Attributes:
        stills: write the frame with the highest probability as JPEG.
        clips: write an mp4.
        before_s, after_s: how much of a clip lies before the event's start and after its end.
        longest_s: where a clip is cut off.
        max_bytes: memory for the seconds before.
    """

    stills: bool = True
    clips: bool = True
    before_s: float = 2.0
    after_s: float = 1.0
    longest_s: float = 30.0
    max_bytes: int = 150_000_000


@dataclass
class _Kept:
    """An event whose files are under way."""

    event: ActiveEvent
    name: str
    until_s: float
    peak: StoredFrame | None = None
    clip: _Clip | None = None


@dataclass
class _Clip:
    """A clip; its sink belongs to the writing thread."""

    path: Path
    size: tuple[int, int]
    first_s: float
    broken: bool = False
    sink: VideoSink | None = field(default=None, repr=False)


class EventSnapshots:
    """Writes stills and clips of one source's events; `update` for every frame, then `close`.

    Args:
        folder: where they go.
        prefix: begins every file's name, such as the source's.
        rate: frames/s of the source, about.
        parameters: see `SnapshotParameters`.
        live: leave frames out rather than wait when the disk or the encoder is slow.
    """

    def __init__(
        self,
        folder: Path,
        prefix: str = "",
        *,
        rate: Fraction | None = None,
        parameters: SnapshotParameters | None = None,
        live: bool = True,
    ) -> None:
        self.parameters = parameters or SnapshotParameters()
        self.paths: list[Path] = []
        self.left_out = 0
        self._folder, self._prefix, self._rate, self._live = folder, prefix, rate, live
        # An event is noticed some time after its start: what came before that must be kept too.
        self._ring = FrameRing(self.parameters.before_s + 2.0, self.parameters.max_bytes)
        self._kept: dict[int, _Kept] = {}
        self._done = -1
        self._last_s = -math.inf
        self._writer = JobThread(
            "event snapshots", f"The files of an event in {folder} cannot be written", _WAITING
        )

    @property
    def error(self) -> FraLiveError | None:
        """Why writing broke off; None while all is well."""
        return self._writer.error

    def update(
        self, image: np.ndarray, time_s: float, index: int, active: Sequence[ActiveEvent]
    ) -> None:
        """Take in a frame, after `EventTracker.update` with its result.

        Args:
            image: (H, W, 3) uint8 BGR, plain or annotated; must not be drawn on later.
            time_s: of the frame, s.
            index: of the frame.
            active: `EventTracker.active`.
        """
        if time_s < self._last_s:  # the source begins anew
            self._end_all()
        self._last_s = time_s
        frame = self._ring.push(image, time_s, index)
        going_on = {event.number: event for event in active}
        for kept in self._kept.values():
            if kept.clip is not None and time_s <= kept.until_s:
                done = self._writer.put(self._append(kept.clip, frame), wait=not self._live)
                self.left_out += not done
        for number, event in going_on.items():
            if number > self._done:
                self._kept[number] = self._begin(event)
                self._done = number
            if number in self._kept:
                self._follow(self._kept[number], event, frame)
        for number, kept in list(self._kept.items()):
            if number not in going_on and time_s > kept.until_s:
                self._end(self._kept.pop(number))

    def close(self) -> list[Path]:
        """Finish all files.

        Returns:
            Those that were written.

        Raises:
            SinkError: one of them could not be; the message names it.
        """
        self._end_all()
        self._writer.close()
        self._ring.clear()
        if self._writer.error is not None:
            raise self._writer.error
        return self.paths

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- events, on the caller's thread --------------------------------------------------------

    def _begin(self, event: ActiveEvent) -> _Kept:
        person = "" if event.person is None else f"_person{event.person + 1}"
        prefix = "".join(c if c.isalnum() or c in "-_." else "_" for c in self._prefix)
        name = f"{prefix}{'_' if prefix else ''}{event.start_s:08.2f}s_{event.action}{person}"
        kept = _Kept(event, f"{name}_{event.number}", 0.0)
        if self.parameters.clips:
            past = self._ring.since(event.start_s - self.parameters.before_s)
            height, width = past[-1].image.shape[:2]
            path = self._folder / f"{kept.name}.mp4"
            kept.clip = _Clip(path, (height, width), past[0].time_s)
            for frame in past:
                self._writer.put(self._append(kept.clip, frame))
        return kept

    def _follow(self, kept: _Kept, event: ActiveEvent, frame: StoredFrame) -> None:
        p = self.parameters
        kept.event = event
        kept.until_s = event.start_s + event.duration_s + p.after_s
        if not event.ending:  # it lasts at least until the next frame, whenever that comes
            kept.until_s = max(kept.until_s, frame.time_s + p.after_s)
        kept.until_s = min(kept.until_s, event.start_s + p.longest_s)
        if kept.peak is None or kept.peak.index != event.peak_frame:
            kept.peak = self._ring.find(event.peak_frame) or kept.peak or frame

    def _end_all(self) -> None:
        for kept in self._kept.values():
            self._end(kept)
        self._kept.clear()

    def _end(self, kept: _Kept) -> None:
        if kept.clip is not None:
            self._writer.put(self._finish(kept.clip))
        peak = kept.peak
        if self.parameters.stills and peak is not None:
            self._writer.put(self._still(self._folder / f"{kept.name}.jpg", peak))

    # -- files, on the writing thread ----------------------------------------------------------

    def _append(self, clip: _Clip, frame: StoredFrame) -> Callable[[], None]:
        def job() -> None:
            if clip.broken:
                return
            clip.broken = True  # unless this succeeds: one failure is told once
            if clip.sink is None:
                from fra_live.video.sinks import VideoSink

                clip.sink = VideoSink(clip.path, clip.size, self._rate)
            clip.sink.write(frame.image, frame.time_s - clip.first_s)
            clip.broken = False

        return job

    def _finish(self, clip: _Clip) -> Callable[[], None]:
        def job() -> None:
            if clip.sink is not None:
                clip.sink.close()
                self.paths.append(clip.path)

        return job

    def _still(self, path: Path, frame: StoredFrame) -> Callable[[], None]:
        def job() -> None:
            from fra_live.video.sinks import write_image

            write_image(path, frame.image)
            self.paths.append(path)

        return job
