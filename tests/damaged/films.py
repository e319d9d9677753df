"""Sound films and photos whose every picture tells its number, to be damaged afterwards."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from PIL import Image

from tests.damaged.pictures import SIZE, numbered

os.environ.setdefault("SVT_LOG", "0")  # an encoder that prints otherwise

FRAMES = 12
PHOTO_NUMBER = 7


@dataclass(frozen=True)
class Film:
    """A sound file.

    Attributes:
        suffix: of its name.
        data: its contents.
        packets: (first, end) byte of every picture's packet, in order; None where pictures are
            not found by place (mp4 needs its index, gif and mpeg depend on what stood before).
        intra: every picture stands for itself.
    """

    suffix: str
    data: bytes
    packets: tuple[tuple[int, int], ...] | None
    intra: bool


# fmt: off
_FILMS: dict[str, dict[str, Any]] = {
    "mp4": {"codec": "libx264", "sound": "aac"},
    "mp4-faststart": {"suffix": "mp4", "codec": "libx264", "sound": "aac",
                      "muxing": {"movflags": "+faststart"}},
    "mp4-fragments": {"suffix": "mp4", "codec": "libx264",
                      "muxing": {"movflags": "+frag_keyframe+empty_moov"}},
    "mp4-b": {"suffix": "mp4", "codec": "libx264", "b_frames": 2},
    "mov": {"codec": "mjpeg", "pixels": "yuvj420p", "sound": "pcm_mulaw", "intra": True},
    "mkv": {"codec": "libx264", "sound": "libopus", "placed": True},
    "mkv-ffv1": {"suffix": "mkv", "codec": "ffv1", "placed": True, "intra": True},
    "webm": {"codec": "libvpx", "sound": "libopus", "placed": True},
    "webm-vp9": {"suffix": "webm", "codec": "libvpx-vp9", "placed": True},
    "avi": {"codec": "mjpeg", "pixels": "yuvj420p", "sound": "pcm_mulaw", "placed": True,
            "intra": True},
    "avi-mpeg4": {"suffix": "avi", "codec": "mpeg4", "sound": "libmp3lame"},
    "ts": {"codec": "libx264", "sound": "aac"},
    "mpg": {"codec": "mpeg2video", "sound": "mp2", "rate": 25},
    "flv": {"codec": "libx264"},
    "wmv": {"codec": "wmv2"},
    "gif": {"codec": "gif", "pixels": "rgb8"},
}
# fmt: on
FILM_NAMES = tuple(_FILMS)


def film(name: str) -> Film:
    """A sound film of one of `FILM_NAMES`."""
    options = dict(_FILMS[name])
    suffix = options.pop("suffix", name)
    placed, intra = options.pop("placed", False), options.pop("intra", False)
    data = encode(suffix, **options)
    packets = tuple(_packets(data)) if placed else None
    return Film(f".{suffix}", data, packets, intra)


def _packets(data: bytes) -> list[tuple[int, int]]:
    with av.open(io.BytesIO(data)) as container:
        found = [p for p in container.demux(video=0) if p.size]
    # A container writes some bytes before a packet's own; without them it cannot be found.
    return [(p.pos, p.pos + p.size + 32) for p in found if p.pos is not None]


def encode(
    suffix: str,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    sound: str | None = None,
    rate: int = 10,
    size: tuple[int, int] = SIZE,
    numbers: Sequence[int] = range(FRAMES),
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    b_frames: int = 0,
    tracks: int = 1,
    sound_tracks: int = 1,
    sound_rate: int | None = None,
    rotation: int | None = None,
    aspect: Fraction | None = None,
    muxing: dict[str, str] | None = None,
) -> bytes:
    """A film of numbered pictures, with sound where a codec for it is given.

    Args:
        suffix: the container, by the usual suffix.
        pts: times of the pictures in `time_base`; by default one after the other.
        tracks: video tracks, all alike but the first one being the one to read.
    """
    formats = {"mkv": "matroska", "ts": "mpegts", "mpg": "mpeg", "wmv": "asf", "m4a": "mp4"}
    file = io.BytesIO()
    options = {"fflags": "+bitexact"} | (muxing or {})  # no random identities, no version
    folder = ExitStack()
    target: Any = file
    if muxing and "faststart" in muxing.get("movflags", ""):  # is written twice, so needs a name
        target = Path(folder.enter_context(TemporaryDirectory())) / "film"
    container = av.open(target, "w", format=formats.get(suffix, suffix), container_options=options)
    with folder, container:
        streams: list[Any] = []
        for _ in range(tracks if len(numbers) else 0):
            extra = {"time_base": time_base} if time_base else {}
            stream: Any = container.add_stream(
                codec, rate=rate, width=size[1], height=size[0], **extra
            )
            stream.pix_fmt, stream.gop_size = pixels, 4
            stream.thread_count = 1  # so that the same bytes come out everywhere
            if codec in ("libx264", "mpeg4", "mpeg2video"):
                stream.codec_context.max_b_frames = b_frames
            if codec == "libx264":
                stream.options = {"crf": "18", "preset": "veryfast"}
            if codec == "libvpx-vp9":
                stream.options = {"deadline": "realtime", "cpu-used": "8"}
            if codec == "libx265":
                stream.options = {"x265-params": "log-level=none"}
            if codec == "ffv1":
                stream.gop_size = 1
            if aspect:
                stream.codec_context.sample_aspect_ratio = aspect
            if rotation is not None:
                stream.set_display_rotation(rotation)
            streams.append(stream)
        audio = [_Sound(container, sound, sound_rate) for _ in range(sound_tracks if sound else 0)]
        for index, number in enumerate(numbers):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(numbered(number, size), "bgr24")
                frame = frame.reformat(format=pixels)
                frame.pts = index if pts is None else pts[index]
                frame.time_base = time_base or Fraction(1, rate)
                container.mux(stream.encode(frame))
            for track in audio:
                track.write((index + 1) / rate)
        for stream in streams:
            container.mux(stream.encode(None))
        for track in audio:
            track.write(0.5 if not len(numbers) else 0.0)
            container.mux(track.stream.encode(None))
        container.close()
        return file.getvalue() if target is file else bytes(target.read_bytes())


class _Sound:
    """A hum."""

    def __init__(self, container: Any, codec: str, rate: int | None) -> None:
        self._container, self._done = container, 0
        self._rate = rate or (48_000 if codec in ("libopus", "mp2") else 16_000)
        self.stream = container.add_stream(codec, rate=self._rate)
        self.stream.codec_context.layout = "mono"

    def write(self, until_s: float) -> None:
        format_ = self.stream.codec_context.format.name
        while self._done / self._rate < until_s:
            wave = 0.3 * np.sin(np.arange(self._done, self._done + 960) * 0.05)
            samples = (wave * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate, frame.pts = self._rate, self._done
            frame.time_base = Fraction(1, self._rate)
            self._done += 960
            resampled = av.AudioResampler(format_, "mono", self._rate).resample(frame)
            for part in resampled:
                part.pts = frame.pts
                self._container.mux(self.stream.encode(part))


# fmt: off
_PHOTOS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "jpg": ("JPEG", "RGB", {"quality": 90}),
    "jpg-progressive": ("JPEG", "RGB", {"quality": 90, "progressive": True}),
    "png": ("PNG", "RGB", {}),
    "png-16": ("PNG", "I;16", {}),
    "webp": ("WEBP", "RGB", {"quality": 90}),
    "webp-lossless": ("WEBP", "RGBA", {"lossless": True}),
    "gif": ("GIF", "P", {}),
    "bmp": ("BMP", "RGB", {}),
    "tiff": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "jp2": ("JPEG2000", "RGB", {}),
    "avif": ("AVIF", "RGB", {"quality": 90}),
}
# fmt: on
PHOTO_NAMES = tuple(_PHOTOS)


def photo(name: str, number: int = PHOTO_NUMBER, size: tuple[int, int] = SIZE) -> Film:
    """A sound still image of one of `PHOTO_NAMES`."""
    kind, mode, options = _PHOTOS[name]
    picture = Image.fromarray(numbered(number, size)[..., ::-1])
    if mode == "I;16":
        picture = Image.fromarray(numbered(number, size)[..., 0].astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    return Film(f".{name.split('-')[0]}", saved(picture, kind, **options), None, True)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """A Pillow image as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
