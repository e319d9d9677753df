"""What a file holds by the simplest way of reading it: with Pillow, or else with libav."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from fra_live.video.base import MAX_PIXELS
from fra_live.video.decoding import display_matrix
from tests.damaged.films import FRAMES, PHOTO_NUMBER
from tests.damaged.pictures import read_number

_LEAST_SIDE = 16


@dataclass
class Plain:
    """What a file holds by the simplest way of reading it.

    Attributes:
        numbers: of its pictures.
        warped: its metadata turn or stretch the pictures.
    """

    numbers: frozenset[int] = frozenset()
    warped: bool = False


def read_plainly(path: Path) -> Plain:
    """Read a file with Pillow, or else with libav."""
    still = _plain_photo(path)
    if still is not None:
        return Plain(still)
    # What a decoder leaves out of a damaged picture shows whatever the memory held before, by
    # chance an earlier picture, or what H.264 guesses: read with old memory and guesses, and with
    # new memory and none, such a picture differs.
    with_old, with_new = _plain_film(path, keep=False), _plain_film(path, keep=True)
    return Plain(with_old.numbers & with_new.numbers, with_old.warped)


def _plain_photo(path: Path) -> frozenset[int] | None:
    """The number in a still image; None: it is none."""
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("ignore")
            if image.width * image.height > MAX_PIXELS or min(image.size) < _LEAST_SIDE:
                return frozenset()
            if getattr(image, "n_frames", 1) > 1:
                return None
            number = read_number(np.asarray(image.convert("RGB")))
    except Exception:  # whatever Pillow raises, it does not read this
        return None
    return frozenset({number}) & {PHOTO_NUMBER}


def _plain_film(path: Path, keep: bool) -> Plain:
    found, kept, warped = set(), [], False
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            if not container.streams.video or "pipe" in container.format.name:
                return Plain()
            stream = container.streams.video[0]
            if stream.codec_context is None:  # an unknown codec
                return Plain()
            stream.codec_context.thread_count = 1  # else it differs from time to time
            if keep and stream.codec_context.name == "h264":
                stream.codec_context.options = {"enable_er": "0"}
            warped = stream.sample_aspect_ratio not in (None, 0, 1)
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    continue
                for frame in frames:
                    warped = warped or display_matrix(frame) is not None
                    if min(frame.width, frame.height) >= _LEAST_SIDE:
                        found.add(read_number(frame.to_ndarray(format="bgr24")))
                    if keep:
                        kept.append(frame)
    except (av.FFmpegError, ValueError, OSError, MemoryError):
        pass
    return Plain(frozenset(found & set(range(FRAMES))), warped)
