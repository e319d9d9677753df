"""Sources: a camera, a file, a folder or a URL in, frames out, by one grammar."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from fra_live.video.address import Kind, parse_address
from fra_live.video.base import Frame, Source
from fra_live.video.devices import CameraDevice, StreamDevice, list_cameras, open_stream
from fra_live.video.files import FileSource
from fra_live.video.images import ImageSource, read_image
from fra_live.video.live import LiveSource

__all__ = ["Frame", "Source", "list_cameras", "open_source", "read_image"]


def open_source(
    spec: str | int | Path,
    *,
    size: tuple[int, int] | None = None,
    rate: float | None = None,
    timeout_s: float = 10.0,
) -> Source:
    """Open whatever gives pictures.

    Args:
        spec: camera index (0, "0", "/dev/video0"); video file or image; folder or glob of
            images; rtsp, http, … URL. A URL that has an end, such as a video on a web server,
            is read like a file, every frame; any other is live.
        size: (H, W) wanted of a camera, px; it may choose another.
        rate: frames/s wanted of a camera.
        timeout_s: how long a server may take to answer.

    Returns:
        An open source; use it as a context manager.

    Raises:
        SourceError: there is nothing, or nothing that can be read; the sentence says what to do.
    """
    address = parse_address(spec)
    if address.kind is Kind.IMAGE:
        return ImageSource(address.name, address.paths)
    if address.kind is Kind.IMAGES:
        return ImageSource(address.name, address.paths)
    if address.kind is Kind.VIDEO:
        return FileSource.open(address.paths[0], address.name)
    if address.kind is Kind.CAMERA:
        return _camera(address.name, address.index, size, rate)
    return _url(address.name, address.url, timeout_s)


def _camera(name: str, index: int, size: tuple[int, int] | None, rate: float | None) -> Source:
    return LiveSource[np.ndarray](name, lambda: CameraDevice(index, size, rate))


def _url(name: str, url: str, timeout_s: float) -> Source:
    container = open_stream(name, url, timeout_s)
    endless = not container.duration or container.duration <= 0
    if not endless and not url.lower().startswith("rtsp"):
        return FileSource(name, container)
    waiting = [container]

    def connect() -> StreamDevice:
        return StreamDevice(name, waiting.pop() if waiting else open_stream(name, url, timeout_s))

    return LiveSource[av.VideoFrame](name, connect)
