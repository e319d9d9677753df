"""The devices behind live sources: a camera through OpenCV, a network stream through PyAV."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer

from fra_live.errors import SourceError
from fra_live.video.decoding import Converter, reason, video_stream
from fra_live.video.files import DECODING_ERRORS

READ_TIMEOUT_S = 5.0  # a stream that sends nothing for so long is lost
_EMPTY_READS_S = 0.5
_PROTOCOLS = "crypto,http,httpproxy,https,rtmp,rtmps,rtp,rtsp,rtsps,srt,tcp,tls,udp"  # no files


def list_cameras() -> list[int]:
    """Indices of the cameras that this machine shows; only Linux tells without opening them."""
    if sys.platform != "linux":
        return [i for i in range(4) if _opens(i)]
    found = []
    for entry in Path("/sys/class/video4linux").glob("video*"):
        number = re.fullmatch(r"video(\d+)", entry.name)
        index = entry / "index"
        # One camera shows several nodes; the first of them gives the pictures.
        if number and (not index.is_file() or index.read_text().strip() == "0"):
            found.append(int(number[1]))
    return sorted(found)


def _opens(index: int) -> bool:
    capture = cv2.VideoCapture(index)
    try:
        return bool(capture.isOpened())
    finally:
        capture.release()


class CameraDevice:
    """A camera of this machine."""

    def __init__(
        self, index: int, size: tuple[int, int] | None = None, rate: float | None = None
    ) -> None:
        """Open it and see that it gives a picture.

        Args:
            index: number of the camera.
            size: (H, W) wanted in px; the camera may choose another.
            rate: frames/s wanted.

        Raises:
            SourceError: there is none, or it gives no picture.
        """
        self.name = f"Camera {index}"
        if sys.platform == "linux":
            _check_node(index)
        backends = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}
        self._capture = cv2.VideoCapture(index, backends.get(sys.platform, cv2.CAP_ANY))
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(_no_camera(index))
        # Motion JPEG first: uncompressed pictures of HD size do not fit through USB 2 at 30/s.
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[1])
        if rate is not None:
            self._capture.set(cv2.CAP_PROP_FPS, rate)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        try:
            self.read()
        except SourceError:
            self.close()
            raise SourceError(
                f"{self.name} opens but gives no picture; close other programs that use it, or"
                " plug it in again."
            ) from None

    def read(self) -> np.ndarray:
        """The next picture.

        Raises:
            SourceError: the camera is gone.
        """
        deadline = time.perf_counter() + _EMPTY_READS_S
        while True:
            try:
                good, image = self._capture.read()
            except cv2.error:
                break
            if good and image is not None and image.size:
                return np.asarray(image)
            if not self._capture.isOpened() or time.perf_counter() > deadline:
                break
            time.sleep(0.02)  # a failed read returns at once
        raise SourceError(f"{self.name} is lost.")

    def image(self, picture: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 BGR."""
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture

    def close(self) -> None:
        """Let go of it."""
        self._capture.release()


def _check_node(index: int) -> None:
    node = Path(f"/dev/video{index}")
    if not node.exists():
        raise SourceError(_no_camera(index))
    if not os.access(node, os.R_OK | os.W_OK):
        raise SourceError(
            f"You may not use {node}: run 'sudo usermod -aG video $USER' and log in again."
        )


def _no_camera(index: int) -> str:
    others = [i for i in list_cameras() if i != index]
    if others:
        return f"Camera {index} cannot be opened; these were found: {', '.join(map(str, others))}."
    return (
        f"Camera {index} cannot be opened, and no other was found: plug one in, or give a video"
        " file or URL."
    )


class StreamDevice:
    """A stream without an end, such as a network camera's."""

    def __init__(self, name: str, container: InputContainer) -> None:
        """Take over an open stream.

        Raises:
            SourceError: it holds no video that can be decoded.
        """
        self.name = name
        self._container = container
        try:
            self._stream = video_stream(container, name)
            self._stream.thread_type = "SLICE"  # threads over frames would hold frames back
            self._convert = Converter(self._stream.sample_aspect_ratio)
            self._pictures: Iterator[av.VideoFrame] = self._decode()
            # An HLS stream comes in pieces of seconds; shown at once, they would be dropped.
            self._paced = container.format.name == "hls"
            self._due: float | None = None
            self._ahead: list[av.VideoFrame] = []
            self._ahead.append(self.read())  # a stream that sends no picture is not open
        except SourceError:
            container.close()
            raise

    def read(self) -> av.VideoFrame:
        """The next picture.

        Raises:
            SourceError: the stream ended, broke, or sent nothing for `READ_TIMEOUT_S`.
        """
        if self._ahead:
            return self._ahead.pop()
        try:
            picture = next(self._pictures)
        except StopIteration:
            raise SourceError(f"{self.name} has ended.") from None
        except (av.ExitError, TimeoutError):
            raise SourceError(f"{self.name} has sent nothing for {READ_TIMEOUT_S:g} s.") from None
        except DECODING_ERRORS as error:
            raise SourceError(f"{self.name} broke off: {reason(error)}.") from None
        if self._paced:
            self._wait_for(picture)
        return picture

    def image(self, picture: av.VideoFrame) -> np.ndarray:
        """(H, W, 3) uint8 BGR, upright."""
        return self._convert(picture)

    def close(self) -> None:
        """Hang up."""
        self._pictures = iter(())  # it knows this device: decoder and all would stay in the memory
        self._container.close()

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            try:
                pictures = packet.decode()
            except DECODING_ERRORS:
                continue  # damaged on the way; the next key picture sets it right
            yield from pictures

    def _wait_for(self, picture: av.VideoFrame) -> None:
        if picture.pts is None or self._stream.time_base is None:
            return
        now, time_s = time.perf_counter(), float(picture.pts * self._stream.time_base)
        if self._due is None or not -1 < self._due + time_s - now < 30:
            self._due = now - time_s
        time.sleep(min(max(0.0, self._due + time_s - now), 1.0))


def open_stream(name: str, url: str, timeout_s: float) -> InputContainer:
    """Open a URL.

    Args:
        name: for messages, without credentials.
        url: with them.
        timeout_s: how long the server may take to answer.

    Raises:
        SourceError: it does not answer in time, refuses, or sends no video.
    """
    options = {
        "rtsp_transport": "tcp",  # lost UDP packets are torn pictures
        "protocol_whitelist": _PROTOCOLS,
    }
    try:
        return av.open(
            url,
            "r",
            container_options=options,
            metadata_errors="replace",
            timeout=(timeout_s, READ_TIMEOUT_S),
        )
    except (av.ExitError, TimeoutError):
        raise SourceError(
            f"{name} did not answer within {timeout_s:g} s; check the address and the network."
        ) from None
    except DECODING_ERRORS as error:
        raise SourceError(
            f"{name} cannot be opened: {reason(error)}; check address, user and password."
        ) from None
