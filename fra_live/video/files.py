"""A recorded video: every frame that can be read, each at its own time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer

from fra_live.errors import SourceError
from fra_live.video.base import Frame, Source
from fra_live.video.decoding import Converter, open_file, reason, start_time_s, video_stream
from fra_live.video.integrity import missing_part

DECODING_ERRORS = (av.FFmpegError, ValueError, OSError, MemoryError)
_DEFAULT_STEP = Fraction(1, 25)  # s, where a file tells no rate
_SET_BACK_S = 1  # times that go back further mean that the file's clock was set anew
_LONGEST_GAP_S = 3600  # and so does a jump forward over more than an hour
_FRAME_THREADS_FROM = 2_100_000  # px: more than 1080p
_MAX_FAILED_READS = 20
_MAX_BARREN_PACKETS = 2000
_CLOSING_S = 5.0


class Timeline:
    """Makes a file's times grow from frame to frame, and leaves good ones as they are."""

    def __init__(self, step: Fraction) -> None:
        """`step` is the time between two frames where the file gives none, s."""
        self._step, self._shift = step, Fraction(0)
        self._last: Fraction | None = None

    def __call__(self, time_s: Fraction | None) -> Fraction:
        """The time of the next frame, s; None: the file does not tell."""
        last = self._last
        if time_s is not None:
            time_s += self._shift
        if last is None:
            time_s = time_s or Fraction(0)
            self._shift = max(Fraction(0), -time_s)
            self._last = time_s + self._shift
            return self._last
        following = last + self._step
        if time_s is None:
            self._last = following
        elif last - time_s > _SET_BACK_S or time_s - last > _LONGEST_GAP_S:
            self._shift += following - time_s
            self._last = following
        else:  # repeated or slightly disordered times are spread at the usual rate
            self._last = time_s if time_s > last else following
        return self._last


class FileSource(Source):
    """Every frame of a video file, or of a URL that has an end.

    Rotation and non-square pixels are applied to the picture. A damaged or cut file gives all
    frames that can be read; `problem` then says what was missing.
    """

    def __init__(self, name: str, container: InputContainer, path: Path | None = None) -> None:
        """Decode the first frame of an open container, which is closed with the source.

        Args:
            name: for messages.
            container: see `open_file` and `devices.open_stream`.
            path: the file; None for a URL.

        Raises:
            SourceError: it is no video, or not one frame of it can be read.
        """
        self.name, self.path, self._container = name, path, container
        self._lock = threading.Lock()
        self._failures = self._packets = self._frames = 0
        self._stopped: str | None = None
        self._first_dts: int | None = None
        self._lag: int | None = None
        try:
            self._stream = stream = video_stream(self._container, name)
            large = stream.codec_context.width * stream.codec_context.height > _FRAME_THREADS_FROM
            if large:
                # This may lose the frames that are in flight at a damaged place.
                stream.thread_type = "AUTO"
            else:
                # Threads over slices would decode a damaged film differently each time.
                context = stream.codec_context
                stream.thread_type, context.thread_count = "NONE", 1
                if context.name == "h264":
                    # What H.264 guesses for lost parts outlives the next key frame, with which
                    # all would be well again; so it is told not to guess.
                    context.options = {"enable_er": "0"}
            self._convert = Converter(stream.sample_aspect_ratio)
            rate = stream.average_rate or stream.guessed_rate
            self.rate = rate if rate and 0 < rate < 1000 else None
            self.count = stream.frames or None
            duration = self._container.duration
            self.duration_s = duration / av.time_base if duration and duration > 0 else None
            self._timeline = Timeline(1 / self.rate if self.rate else _DEFAULT_STEP)
            self._reading: Iterator[Frame] = self._read()
            first = next(self._reading, None)
        except DECODING_ERRORS as error:
            self.close()
            raise _refusal(name, path, reason(error)) from None
        except SourceError:
            self.close()
            raise
        if first is None:
            self.close()
            raise _refusal(name, path, self._stopped or "no picture in it can be decoded")
        self.size = first.image.shape[0], first.image.shape[1]
        self._iterator: Iterator[Frame] = chain([first], self._reading)

    @classmethod
    def open(cls, path: Path, name: str | None = None) -> FileSource:
        """Open a file.

        Raises:
            SourceError: it is no video, or not one frame of it can be read.
        """
        name = name or str(path)
        try:
            container = open_file(path)
        except DECODING_ERRORS as error:
            raise _refusal(name, path, reason(error)) from None
        return cls(name, container, path)

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._lock:
                frame = next(self._iterator, None)
            if frame is None:
                return
            yield frame

    def close(self) -> None:
        """Close the file; where another thread iterates, after the frame that it is reading.

        A decoder that hangs keeps the file: closing it would take the ground from under it.
        """
        if not self._lock.acquire(timeout=_CLOSING_S):
            return
        try:
            # The reading, which knows this source, goes too: else decoder and pictures stay in the
            # memory until Python looks for circles, tens of MB a file.
            self._iterator = self._reading = iter(())
            self._container.close()
        finally:
            self._lock.release()

    def _read(self) -> Iterator[Frame]:
        base = self._stream.time_base or Fraction(1, 1000)
        start = start_time_s(self._container)
        for picture in self._pictures():
            ticks = self._ticks(picture)
            time_s = self._timeline(None if ticks is None else ticks * base - start)
            try:
                image = self._convert(picture)
            except DECODING_ERRORS:
                self._failures += 1
                continue
            yield Frame(image, float(time_s), self._frames)
            self._frames += 1
        self.problem = self._problem()

    def _ticks(self, picture: av.VideoFrame) -> int | None:
        """The picture's own time in the stream's time base, as far as the file tells."""
        if self._container.format.name != "avi":
            return picture.dts if picture.pts is None else picture.pts
        # AVI tells only in which order pictures are decoded, and the decoder gives each the time
        # of the packet that pushed it out: late by a constant number of pictures.
        if picture.dts is None or self._first_dts is None:
            return None
        if self._lag is None:
            self._lag = picture.dts - self._first_dts
        return picture.dts - self._lag

    def _pictures(self) -> Iterator[av.VideoFrame]:
        """Decoded pictures, over damaged places, down to the last one inside the decoder."""
        barren = failed_reads = 0
        packets = self._container.demux(self._stream)
        while barren < _MAX_BARREN_PACKETS:
            try:
                packet = next(packets)
            except StopIteration:
                return  # the last packets, empty ones, have emptied the decoder
            except DECODING_ERRORS as error:
                failed_reads += 1
                if failed_reads >= _MAX_FAILED_READS:
                    self._stopped = reason(error)
                    break
                packets = self._container.demux(self._stream)  # goes on behind the bad place
                continue
            self._packets += bool(packet.size)
            if self._first_dts is None:
                self._first_dts = packet.dts
            try:
                pictures = packet.decode()
            except DECODING_ERRORS:
                self._failures += bool(packet.size)
                pictures = []
            barren = 0 if pictures else barren + 1
            yield from pictures
        else:
            self._stopped = f"no picture in {barren:,} packets"
        try:
            yield from self._stream.decode(None)
        except DECODING_ERRORS:
            return

    def _problem(self) -> str | None:
        lacking = missing_part(self.path) if self.path else None
        declared = self.count if self._container.format.name.startswith("mov") else None
        if lacking:
            pass
        elif self._stopped:
            lacking = f"reading stopped ({self._stopped})"
        elif declared and self._packets < declared:
            lacking = f"{declared - self._packets:,} of {declared:,} pictures cannot be found"
        elif self._failures:
            lacking = f"{self._failures:,} damaged pictures were left out"
        if lacking is None:
            return None
        return f"{self.name} is incomplete: {lacking}; {self._frames:,} frames could be used."


def _refusal(name: str, path: Path | None, why: str) -> SourceError:
    lacking = missing_part(path) if path else None
    if lacking:
        return SourceError(
            f"{name} cannot be read: {lacking}; repair it with a tool such as untrunc, or record it"
            " again."
        )
    return SourceError(
        f"{name} is no video that can be read ({why}); play it in a video player to check it, or"
        " convert it to mp4."
    )
