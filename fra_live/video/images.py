"""Still images: one, or a folder of them one after the other."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from fra_live.errors import SourceError
from fra_live.video.address import check_file
from fra_live.video.base import MAX_PIXELS, Frame, Source
from fra_live.video.decoding import Converter, video_stream
from fra_live.video.headers import declared_size

MAX_BYTES = 500_000_000
_MAX_SIDE = 65_500  # what OpenCV's drawing and JPEG can address
# Formats (the last is AVIF's) of which OpenCV refuses files that are little damaged.
_DAMAGED_FORMATS = "gif,mov"
_WITH_ALPHA = (b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*", b"GIF8")


def read_image(path: Path) -> np.ndarray:
    """Read a still image as people see it.

    Orientation in its metadata is applied; 16-bit and floating-point values are scaled to 8 bits;
    transparent places become white, as on a page; of an animation the first picture is taken.

    Returns:
        (H, W, 3) uint8 BGR, C-contiguous.

    Raises:
        SourceError: it is missing, empty, damaged, too large, or no image.
    """
    check_file(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path} is larger than {MAX_BYTES // 10**6} MB; make it smaller.")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    _check_size(path, declared_size(data))
    try:
        image = _decode(data)
    except (cv2.error, MemoryError, ValueError):
        image = None
    if image is None:
        image = _by_libav(data)
    if image is None:
        what = "damaged or cut off" if declared_size(data) else "no image"
        raise SourceError(
            f"{path} cannot be read, it is {what}; open it in an image viewer to check it, or save"
            " it anew as PNG or JPEG."
        )
    _check_size(path, (image.shape[0], image.shape[1]))
    return np.ascontiguousarray(image)


def _check_size(path: Path, size: tuple[int, int] | None) -> None:
    if size is None:
        return
    height, width = size
    if height * width > MAX_PIXELS or max(height, width) > _MAX_SIDE:
        raise SourceError(
            f"{path} has {width:,}×{height:,} px; at most {MAX_PIXELS // 10**6} million px and"
            f" {_MAX_SIDE:,} a side can be read: make it smaller."
        )


def _decode(data: bytes) -> np.ndarray | None:
    buffer = np.frombuffer(data, np.uint8)
    colour = cv2.imdecode(buffer, cv2.IMREAD_COLOR)  # upright, 8 bits, without transparency
    if not data.startswith(_WITH_ALPHA):
        return colour
    stored = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if stored is None:
        return colour
    if colour is None:
        return _from_float(stored)
    if stored.ndim != 3 or stored.shape[2] != 4 or stored.shape[:2] != colour.shape[:2]:
        return colour
    alpha = stored[..., 3:]
    if alpha.dtype == np.uint16:
        alpha = (alpha // 257).astype(np.uint8)
    if alpha.dtype != np.uint8 or alpha.min() == 255:
        return colour
    weight = alpha.astype(np.uint16)
    return ((colour * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def _by_libav(data: bytes) -> np.ndarray | None:
    """The first picture of a damaged GIF or AVIF; None where there is none."""
    options = {"format_whitelist": _DAMAGED_FORMATS}
    try:
        with av.open(io.BytesIO(data), mode="r", container_options=options) as container:
            stream = video_stream(container, "")
            frame = next(container.decode(stream), None)
            return None if frame is None else Converter()(frame)
    except (av.FFmpegError, SourceError, ValueError):
        return None


def _from_float(stored: np.ndarray) -> np.ndarray | None:
    """8-bit colours of a picture that holds numbers from 0 to 1."""
    if stored.dtype.kind != "f" or stored.ndim not in (2, 3):
        return None
    values = np.clip(np.nan_to_num(stored), 0.0, 1.0) * 255
    image = values.astype(np.uint8)
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return np.asarray(image[..., :3])


class ImageSource(Source):
    """One image, or many one after the other, a second each.

    Of many, those that cannot be read are passed over and named in `problem`.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        """`paths` are the images in the order wanted; a single one is read at once.

        Raises:
            SourceError: the single image cannot be read.
        """
        self.name, self.count, self._paths = name, len(paths), tuple(paths)
        self._single: np.ndarray | None = None
        if len(paths) == 1:
            self.path = paths[0]
            self._single = read_image(paths[0])
            self.size = self._single.shape[0], self._single.shape[1]
        else:
            self.rate = Fraction(1)
            self.duration_s = float(len(paths))

    def __iter__(self) -> Iterator[Frame]:
        if self._single is not None:
            yield Frame(self._single, 0.0, 0)
            return
        refused: list[SourceError] = []
        for index, path in enumerate(self._paths):
            try:
                image = read_image(path)
            except SourceError as error:
                refused.append(error)
                more = f" ({len(refused) - 1} more like it)" if len(refused) > 1 else ""
                self.problem = f"{refused[0]}{more}"
                continue
            yield Frame(image, float(index), index)
        if len(refused) == len(self._paths):
            raise SourceError(
                f"None of the {len(refused)} images can be read; the first: {refused[0]}"
            )
