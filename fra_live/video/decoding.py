"""PyAV behind one door: containers opened safely, decoded frames made upright BGR arrays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from fra_live.errors import SourceError
from fra_live.video.base import MAX_PIXELS

# Demuxers of recorded video. Left out on purpose: playlists and patterns (concat, hls, dash, sdp,
# image2), by which a file that was sent to us could read other files of this machine.
FILE_FORMATS = (
    "aiff,apng,asf,av1,avi,dv,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp3,mpeg,"
    "mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,wav,wtv,yuv4mpegpipe"
)
_BT709_FROM = 720  # rows; what does not say its colours is BT.709 from here on, else BT.601
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
# Without accurate rounding every colour comes out one or two levels darker.
_INTERPOLATION = Interpolation.BILINEAR | Interpolation.ACCURATE_RND


def open_file(path: Path) -> InputContainer:
    """Open a recorded file.

    Raises:
        av.FFmpegError, ValueError, OSError: it is none, or damaged beyond use.
    """
    options = {"format_whitelist": FILE_FORMATS, "protocol_whitelist": "file"}
    # "file:" keeps a name such as "concat:a" from being taken for a protocol.
    return av.open(f"file:{path}", "r", container_options=options, metadata_errors="replace")


def reason(error: BaseException) -> str:
    """What went wrong, without the address: libav puts it, credentials and all, in its errors."""
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text).rstrip(".")


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """The stream to read: the first that is no cover picture.

    Raises:
        SourceError: there is none, or it cannot be decoded here.
    """
    tracks = [
        s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic
    ]
    if not tracks:
        raise SourceError(f"{name} has no video track.")
    stream = tracks[0]
    if getattr(stream, "codec_context", None) is None:
        raise SourceError(f"{name} uses a video codec that cannot be decoded; convert it to H.264.")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise SourceError(
            f"{name} has pictures of {width}×{height} px; at most {MAX_PIXELS // 10**6} million px"
            " can be read: make it smaller."
        )
    return stream


def start_time_s(container: InputContainer) -> Fraction:
    """Where the file's own time begins, as players count it, s."""
    return Fraction(container.start_time or 0, av.time_base)


def display_matrix(frame: av.VideoFrame) -> np.ndarray | None:
    """The 2×2 int32 part of the frame's display matrix; None where it says nothing."""
    # Not frame.side_data: a frame keeps that, and that the frame, so that neither leaves the memory
    # until Python looks for circles.
    side_data: Any = SideDataContainer(frame)  # type: ignore[call-arg]  # its types are wrong
    for data in side_data:
        if data.type.name == "DISPLAYMATRIX":
            matrix = np.frombuffer(bytes(data), np.int32)
            return matrix[:9].reshape(3, 3)[:2, :2] if matrix.size >= 9 else None
    return None


def turn_upright(image: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """Apply a display matrix: quarter turns and mirrorings; other angles count as the nearest.

    Args:
        image: (H, W, 3).
        matrix: [[a, b], [c, d]] sends (x, y) to (a·x + c·y, b·x + d·y), y down.

    Returns:
        (H, W, 3) or (W, H, 3), C-contiguous.
    """
    if matrix is None or not matrix.any():
        return image
    (a, b), (c, d) = matrix.astype(np.int64)
    turned = abs(b) + abs(c) > abs(a) + abs(d)
    if turned:
        image = image.transpose(1, 0, 2)
    mirrored, flipped = (c < 0, b < 0) if turned else (a < 0, d < 0)
    if mirrored:
        image = image[:, ::-1]
    if flipped:
        image = image[::-1]
    return np.ascontiguousarray(image)


class Converter:
    """Makes decoded frames what people see: upright, square pixels, right colours."""

    def __init__(self, aspect: Fraction | None = None) -> None:
        """Keep what frames of one stream share; `aspect` is a pixel's width over its height."""
        self._reformatter = VideoReformatter()  # a frame's own would set up anew for each frame
        self._aspect = aspect if aspect and Fraction(1, 4) <= aspect <= 4 else Fraction(1)

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """(H, W, 3) uint8 BGR, C-contiguous, of a decoded frame."""
        colours = None
        if frame.colorspace == _UNSPECIFIED:
            colours = Colorspace.ITU709 if frame.height >= _BT709_FROM else Colorspace.ITU601
        height, width = frame.height, frame.width
        if self._aspect > 1:
            width = round(width * self._aspect)
        elif self._aspect < 1:
            height = round(height / self._aspect)
        plain = self._reformatter.reformat(
            frame,
            width,
            height,
            "bgr24",
            src_colorspace=colours,
            interpolation=_INTERPOLATION,
            threads=1,
        )
        image = np.asarray(plain.to_ndarray(), np.uint8)
        return turn_upright(image, display_matrix(frame))
