"""Video out: H.264 in mp4 that every browser plays, with true times and the source's sound."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from fra_live.errors import SinkError
from fra_live.video.files import DECODING_ERRORS
from fra_live.video.sound import SoundTrack
from fra_live.video.writing import PartFile, sink_error

_DEFAULT_RATE = Fraction(30)
_LEAST_TICKS = 10_000  # a second; below, the mp4 writer would choose its own
_MOST_TICKS = 120_000
_COMMON_TICKS = 90_000
# In H.264's tables colour space, primaries and transfer have the same number.
_BT709, _BT601 = (1, Colorspace.ITU709), (6, Colorspace.ITU601)
_LIMITED_RANGE = 1
_INTERPOLATION = (  # else every colour comes out one or two levels darker
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP
)
_ROUNDING_S = 0.0006
_BT709_FROM = 720  # rows, as decoders assume


class VideoSink:
    """An annotated copy of a video; open, write, close.

    As a context manager it is completed at the end, or removed where an error ended it. Without
    a single frame there is no file. One thread at a time may use it.

    Attributes:
        path: the final name.
        frames: frames written so far.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: Fraction | None,
        *,
        source: Path | None = None,
        crf: int = 20,
        preset: str = "veryfast",
        recoverable: bool = False,
    ) -> None:
        """Open `path` under a temporary name.

        Args:
            path: the mp4 file.
            size: (H, W) of the frames in px; odd sides are extended by one px.
            rate: frames/s on average; the true times are those given with the frames.
            source: a file whose sound is copied; its times are the frames' times.
            crf: quality of x264, 0 (lossless) to 51.
            preset: speed of x264.
            recoverable: written in fragments, so that what is left after a crash or power cut
                plays up to the last second; a little larger, and slower to seek in.

        Raises:
            SinkError: it cannot be written, or H.264 cannot hold the size.
        """
        if min(size) < 1 or max(size) > 16_384:
            raise SinkError(f"{path}: H.264 cannot hold pictures of {size[1]}×{size[0]} px.")
        self.path, self.frames, self._open = path, 0, True
        self._size = size
        self._time_base, self._rate = _time_base(rate), rate or _DEFAULT_RATE
        self._step = max(1, round(1 / self._rate / self._time_base))
        self._first_s: float | None = None
        self._last = -1
        self._file = PartFile(path)
        muxing = {"movflags": "+faststart"}
        if recoverable:  # a fragment a second, on the disk as soon as it is whole
            flags = "+frag_keyframe+empty_moov+default_base_moof"
            muxing = {"movflags": flags, "frag_duration": "1000000", "flush_packets": "1"}
        # The file's clock, which says when picture and sound begin, would tick in ms.
        muxing["movie_timescale"] = str(self._time_base.denominator)
        self._reformatter = VideoReformatter()
        tag, self._colours = _BT709 if size[0] >= _BT709_FROM else _BT601
        try:
            self._container = av.open(
                f"file:{self._file.part}", "w", format="mp4", container_options=muxing
            )
            height, width = (side + side % 2 for side in size)
            # No B-frames: with them the mp4 needs an edit list to start at its true time and is
            # told too short where frame times vary, and players differ in what they make of it.
            options = {"preset": preset, "crf": str(crf), "bf": "0"}
            self._stream = self._container.add_stream(
                "libx264",
                rate=self._rate,
                options=options,
                width=width,
                height=height,
                time_base=self._time_base,
            )
            self._stream.pix_fmt = "yuv420p"
            context = self._stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = tag
            context.color_range = _LIMITED_RANGE
            self._sound = SoundTrack(source, self._container) if source else None
        except DECODING_ERRORS as error:
            self._file.discard()
            raise sink_error(path, error) from error

    @property
    def problem(self) -> str | None:
        """What could not be kept of the sound, as a sentence."""
        return self._sound.problem if self._sound else None

    def write(self, image: np.ndarray, timestamp_s: float) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 BGR; another size than the sink's is fitted in, black around.
            timestamp_s: s; must grow, and is moved by the least step where it does not.

        Raises:
            SinkError: the disk is full or the encoder refuses.
        """
        ticks = max(self._ticks(timestamp_s), self._last + 1, 0)
        try:
            frame = av.VideoFrame.from_ndarray(_even(_fit(image, self._size)), "bgr24")
            frame = self._reformatter.reformat(
                frame,
                format="yuv420p",
                dst_colorspace=self._colours,
                dst_color_range=_LIMITED_RANGE,
                interpolation=_INTERPOLATION,
                threads=1,
            )
            frame.pts, frame.time_base = ticks, self._time_base
            frame.duration = self._step  # counts for the last one
            self._container.mux(self._stream.encode(frame))
            if self._sound:
                self._sound.copy(until_s=ticks * self._time_base)
        except DECODING_ERRORS as error:
            raise sink_error(self.path, error) from error
        self._last = ticks
        self.frames += 1

    def _ticks(self, time_s: float) -> int:
        """Put times that a file has rounded to whole ms back to where its rate has them."""
        if self._first_s is None:
            self._first_s = time_s
        passed = time_s - self._first_s
        even = round(passed * self._rate) / self._rate
        if abs(even - passed) < _ROUNDING_S:
            time_s = self._first_s + float(even)
        return round(time_s / self._time_base)

    def close(self) -> None:
        """Complete the file; more calls do nothing.

        Raises:
            SinkError: it cannot be written; it is removed then.
        """
        if not self._open:
            return
        if not self.frames:
            self.abort()
            return
        try:
            self._container.mux(self._stream.encode(None))
            if self._sound:
                self._sound.copy(until_s=None)
            self._container.close()
        except DECODING_ERRORS as error:
            self.abort()
            raise sink_error(self.path, error) from error
        self._open = False
        if self._sound:
            self._sound.close()
        self._file.commit()

    def abort(self) -> None:
        """Remove what was written."""
        if not self._open:
            return
        self._open = False
        if self._sound:
            self._sound.close()
        with contextlib.suppress(*DECODING_ERRORS):
            self._container.close()
        self._file.discard()

    def abandon(self) -> None:
        """Take the name from what was written, and touch nothing else.

        For a writer that hangs in another thread.
        """
        self._open = False
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def _time_base(rate: Fraction | None) -> Fraction:
    """Ticks in which the frames of this rate have whole-numbered times."""
    ticks = rate.numerator if rate else _COMMON_TICKS
    if ticks > _MOST_TICKS:
        ticks = _COMMON_TICKS
    return Fraction(1, ticks * -(-_LEAST_TICKS // ticks))


def _fit(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    scale = min(size[0] / height, size[1] / width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    top, left = (size[0] - inner[1]) // 2, (size[1] - inner[0]) // 2
    bottom, right = size[0] - inner[1] - top, size[1] - inner[0] - left
    return cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_CONSTANT)


def _even(image: np.ndarray) -> np.ndarray:
    """4:2:0 colours need even sides; the last row or column is doubled."""
    bottom, right = image.shape[0] % 2, image.shape[1] % 2
    if bottom or right:
        image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(image)
