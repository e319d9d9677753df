"""Sinks: video, JSON lines and images; none is seen under its name before it is complete."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from fra_live.errors import SinkError
from fra_live.video.encoding import VideoSink
from fra_live.video.writing import PartFile, sink_error, write_atomic

__all__ = ["JsonlSink", "VideoSink", "write_image"]

IMAGE_FORMATS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_JPEG_QUALITY = 95


class JsonlSink:
    """One JSON object a line, each written at once; open, write, close.

    As a context manager it is completed at the end, or removed where an error ended it.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` under a temporary name.

        Raises:
            SinkError: it cannot be written.
        """
        self._file = PartFile(path)
        self._open = True
        try:
            self._text = self._file.part.open(
                "w", encoding="utf-8", errors="backslashreplace", newline="\n"
            )
        except OSError as error:
            self._file.discard()
            raise sink_error(path, error) from error

    @property
    def path(self) -> Path:
        """The final name."""
        return self._file.path

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line; NumPy values are written as the numbers they are.

        Raises:
            SinkError: the disk is full, or a value is no JSON.
        """
        try:
            text = json.dumps(line, ensure_ascii=False, allow_nan=False, default=_plain)
            self._text.write(text + "\n")
            self._text.flush()  # so that the file can be followed, and a crash loses nothing
        except (OSError, TypeError, ValueError) as error:
            raise sink_error(self.path, error) from error

    def close(self) -> None:
        """Complete the file; more calls do nothing.

        Raises:
            SinkError: it cannot be written.
        """
        if not self._open:
            return
        self._open = False
        try:
            self._text.close()
        except OSError as error:
            self._file.discard()
            raise sink_error(self.path, error) from error
        self._file.commit()

    def abort(self) -> None:
        """Remove what was written."""
        if self._open:
            self._open = False
            with contextlib.suppress(OSError):
                self._text.close()
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


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an image, or nothing; the suffix says how.

    Args:
        path: ending in .png, .jpg, .webp, .bmp or .tiff.
        image: (H, W, 3) uint8 BGR.

    Raises:
        SinkError: the suffix is unknown, the format cannot hold it, or the disk refuses.
    """
    suffix = path.suffix.lower()
    if suffix not in IMAGE_FORMATS:
        raise SinkError(f"{path}: images are written as {', '.join(IMAGE_FORMATS)}.")
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix in (".jpg", ".jpeg") else []
    try:
        good, data = cv2.imencode(suffix, image, options)
    except cv2.error:
        good = False
    if not good:
        height, width = image.shape[:2]
        raise SinkError(f"{path}: {suffix} cannot hold a picture of {width}×{height} px.")
    write_atomic(path, data.tobytes())


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
