"""Files that are whole but odd, or no pictures at all, each made by hand."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.damaged.films import FRAMES, PHOTO_NUMBER, encode, photo, saved
from tests.damaged.pictures import SIZE, numbered

_ALL = frozenset(range(FRAMES))
_ONE = frozenset({PHOTO_NUMBER})  # what a photo tells
_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Odd:
    """See `generator.Case`."""

    name: str
    write: Callable[[Path], None]
    least: frozenset[int] | None
    large: bool = False
    count: int | None = None


def odd_cases() -> list[Odd]:
    """All of them; no two have the same stem."""
    return [*_no_pictures(), *_photos(), *_films(), *_times(), *_names(), *_places()]


def _bytes(
    name: str,
    make: Callable[[], bytes],
    least: frozenset[int] | None,
    large: bool = False,
    count: int | None = None,
) -> Odd:
    def write(path: Path) -> None:
        path.write_bytes(make())

    return Odd(name, write, least, large, count)


def _no_pictures() -> list[Odd]:
    def zipped() -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.txt", "a" * 1000)
        return file.getvalue()

    text = b"Dear all, please find attached the video.\n" * 40
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n"
    contents: dict[str, bytes] = {
        "one-byte": b"\0", "text": text, "html": b"<!doctype html><video src=a.mp4></video>",
        "zeros": bytes(3000), "noise": np.random.default_rng(1).bytes(3000), "zip": zipped(),
        "playlist": playlist, "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "only-ftyp": b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "only-ebml": b"\x1aE\xdf\xa3" * 9,
        "only-riff": b"RIFF\xff\xff\xff\xffAVI LIST", "only-soi": b"\xff\xd8\xff\xe0",
        "only-png": b"\x89PNG\r\n\x1a\n", "only-webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    }  # fmt: skip
    found = [_bytes(f"empty-{s}.{s}", bytes, _NONE) for s in ("mp4", "mkv", "avi", "jpg", "png")]
    for label, data in contents.items():
        for suffix in ("mp4", "jpg"):
            found.append(_bytes(f"{label}-{suffix}.{suffix}", lambda d=data: d, _NONE))
    found += [
        _bytes("sound-m4a.mp4", lambda: encode("m4a", sound="aac", numbers=()), _NONE),
        _bytes("sound-wav.avi", lambda: encode("wav", sound="pcm_s16le", numbers=()), _NONE),
        _bytes("sound-mp3.mkv", lambda: encode("mp3", sound="libmp3lame", numbers=()), _NONE),
        _bytes("huge-png.png", _png_bomb, _NONE),
        _bytes("huge-jpg.jpg", _jpeg_bomb, _NONE),
        _bytes("huge-gif.gif", lambda: b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(40), _NONE),
    ]
    return found


def _png_bomb() -> bytes:
    """A PNG that asks for 60,000×60,000 px."""
    data = photo("png").data
    return data[:16] + struct.pack(">II", 60_000, 60_000) + data[24:]


def _jpeg_bomb() -> bytes:
    data = photo("jpg").data
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", 65_500, 65_500) + data[at + 4 :]


def _photos() -> list[Odd]:
    def picture(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
        return Image.fromarray(numbered(7, size)[..., ::-1]).convert(mode)

    def put(
        name: str, kind: str, mode: str = "RGB", size: tuple[int, int] = SIZE,
        least: frozenset[int] | None = _ONE, large: bool = False, count: int | None = None,
        **options: Any,
    ) -> Odd:  # fmt: skip
        data = lambda: saved(picture(mode, size), kind, **options)  # noqa: E731
        return _bytes(name, data, least, large, count)

    moving = [Image.fromarray(numbered(i)[..., ::-1]) for i in (7, 8, 9)]
    found = [
        put("cmyk.jpg", "JPEG", "CMYK", quality=95), put("grey.jpg", "JPEG", "L"),
        put("grey.png", "PNG", "L"), put("black-white.png", "PNG", "1"),
        put("grey-alpha.png", "PNG", "LA"), put("alpha.png", "PNG", "RGBA"),
        put("palette.png", "PNG", "P"), put("alpha.webp", "WEBP", "RGBA"),
        put("alpha.tiff", "TIFF", "RGBA"), put("cmyk.tiff", "TIFF", "CMYK", least=None),
        put("odd-sides.jpg", "JPEG", size=(47, 63)), put("odd-sides.png", "PNG", size=(33, 41)),
        put("photo-8k.jpg", "JPEG", size=(4320, 7680), large=True),
        put("photo-8k.png", "PNG", size=(4320, 7680), large=True),
        put("pixel.png", "PNG", size=(1, 1), least=_NONE),
        put("pixel.jpg", "JPEG", size=(1, 1), least=_NONE),
        put("pixel.gif", "GIF", "P", size=(1, 1), least=_NONE),
        put("line.png", "PNG", size=(1, 4000), least=_NONE),
        put("column.png", "PNG", size=(4000, 1), least=_NONE),
        put("column.jpg", "JPEG", size=(4000, 1), least=_NONE),
        put("strip.png", "PNG", size=(16, 4000)), put("tower.png", "PNG", size=(4000, 16)),
        put("least.png", "PNG", size=(16, 16)), put("less.png", "PNG", size=(15, 15), least=_NONE),
        put("photo-as-film.mp4", "JPEG"), put("photo-as-film2.avi", "PNG"),
        put("png-as-jpg.jpg", "PNG"), put("webp-as-gif.gif", "WEBP", quality=95),
        put("no-suffix", "JPEG"), put("two.dots.jpg.png", "JPEG"),
    ]  # fmt: skip
    deep = numbered(7).astype(np.uint16) * 257
    found.append(_bytes("grey-16.tiff", lambda: saved(Image.fromarray(deep[..., 0]), "TIFF"), _ONE))
    for kind, suffix in (("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png"), ("TIFF", "tiff")):
        found.append(
            _bytes(
                f"moving-{suffix}.{suffix}",
                lambda k=kind: saved(moving[0], k, save_all=True, append_images=moving[1:]),
                _ONE,
            )
        )
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        found.append(put(f"exif-{orientation}.jpg", "JPEG", exif=exif.tobytes(),
                         least=_ONE if orientation == 1 else _NONE, count=1))  # fmt: skip
    return found


def _films() -> list[Odd]:
    def put(
        name: str, least: frozenset[int] | None = _ALL, large: bool = False,
        count: int | None = None, **options: Any,
    ) -> Odd:  # fmt: skip
        suffix = options.pop("suffix", name.rpartition(".")[2])
        return _bytes(name, lambda: encode(suffix, **options), least, large, count)

    found = [
        put("no-sound.mp4"), put("film-as-photo.jpg", suffix="mp4"),
        put("film-as-avi.avi", suffix="mkv"), put("film-no-suffix", suffix="mp4"),
        put("odd-size.mp4", codec="libx264", pixels="yuv444p", size=(47, 63)),
        put("least-size.mp4", size=(16, 16)), put("wide.mp4", size=(16, 1600)),
        put("too-small.mp4", size=(8, 8), least=_NONE),
        put("pixel-film.avi", codec="rawvideo", pixels="bgr24", size=(1, 1), least=_NONE),
        put("one-frame.mp4", numbers=[7], least=_ONE), put("deep.mkv", pixels="yuv420p10le"),
        put("rgb.avi", codec="rawvideo", pixels="bgr24"),
        put("planes.mkv", codec="libx264rgb", pixels="rgb24"),
        put("png-film.mov", codec="png", pixels="rgb24"), put("two-films.mkv", tracks=2),
        put("many-sounds.mkv", sound="libopus", sound_tracks=12),
        put("wide-pixels.mp4", aspect=Fraction(2, 1)), put("tall-pixels.mp4",
                                                           aspect=Fraction(1, 2)),
        put("film-8k.mp4", numbers=[0, 1], size=(4320, 7680), least=frozenset({0, 1}), large=True),
        put("av1.mp4", codec="libsvtav1"), put("hevc.mp4", codec="libx265"),
    ]  # fmt: skip
    for turn in (90, 180, 270):  # the fields lie elsewhere then
        found.append(put(f"turned-{turn}.mp4", least=_NONE, count=FRAMES, rotation=turn))
    return found


def _times() -> list[Odd]:
    def put(name: str, pts: list[int], **options: Any) -> Odd:
        suffix = name.rpartition(".")[2]
        options = {"time_base": Fraction(1, 100), "pts": pts} | options
        least = options.pop("least", _ALL)
        return _bytes(name, lambda: encode(suffix, **options), least)

    # (An mp4 may say itself that players should leave out what lies before its time 0.)
    even = [10 * i for i in range(FRAMES)]
    varied = [0, 3, 10, 11, 12, 60, 61, 200, 300, 301, 302, 1000]
    keep = {"avoid_negative_ts": "disabled"}
    return [
        put("varied.mp4", varied), put("varied.mkv", varied), put("varied.webm", varied,
                                                                 codec="libvpx"),
        put("negative.mkv", [t - 50 for t in even], muxing=keep),
        put("negative.mp4", [t - 50 for t in even], muxing=keep, least=None),
        put("late.mp4", [t + 100_000 for t in even]), put("late.mkv", [t + 5000 for t in even]),
        put("dense.mkv", list(range(FRAMES)), time_base=Fraction(1, 1000)),
        put("sparse.mp4", [t * 30 for t in even]),
        _bytes("repeating.mkv", lambda: _same_times(even), _ALL),
        _bytes("backward.mkv", lambda: _same_times(even[::-1]), _ALL),
    ]  # fmt: skip


def _same_times(wanted: list[int]) -> bytes:
    """An intra-only mkv whose blocks have their times written over: repeating, or backward."""
    data = bytearray(encode("mkv", codec="mjpeg", pixels="yuvj420p"))
    at, found = 0, 0
    while found < len(wanted) and (at := data.find(b"\xff\xd8", at)) >= 0:
        # a simple block: track (0x81), time in ms (16 bits), flags, then the picture itself
        if data[at - 4] == 0x81:
            time = 0 if wanted[0] < wanted[-1] and found % 3 else 10 * wanted[found]
            data[at - 3 : at - 1] = struct.pack(">h", min(time, 32_000))
            found += 1
        at += 2
    assert found == len(wanted)
    return bytes(data)


def _names() -> list[Odd]:
    names = (
        "-dash.jpg", "with space.jpg", "Grüße 👋.jpg", "new\nline.jpg", "percent%05d.jpg",
        "star[a-z]*.jpg", "quote'\".jpg", "x" * 240 + ".jpg", "concat:a|b.jpg", "$(touch x).jpg",
        os.fsdecode(b"bytes\xff\xfe.jpg"), "UPPER.JPG", "..dots.jpg", "tab\tand;semi.jpg",
        "pipe:0.jpg", "http:__a.jpg",
    )  # fmt: skip
    found = [_bytes(name, lambda: photo("jpg").data, _ONE) for name in names]
    films = ("-film.mp4", "film %d.mp4", "film\n2.mp4", "pipe:1.mp4", os.fsdecode(b"film\xff.mp4"))
    return found + [_bytes(name, lambda: encode("mp4"), _ALL) for name in films]


def _places() -> list[Odd]:
    """Things in the place of a file."""

    def linked(path: Path) -> None:
        target = path.with_name(".linked")
        target.write_bytes(photo("jpg").data)
        path.symlink_to(target.name)

    return [
        Odd("linked-photo.jpg", linked, _ONE),
        Odd("linked-nowhere.jpg", lambda path: path.symlink_to("nowhere"), _NONE),
        Odd("linked-self.mp4", lambda path: path.symlink_to(path.name), _NONE),
        Odd("pipe.mp4", lambda path: os.mkfifo(path), _NONE),
        Odd("device.mp4", lambda path: path.symlink_to("/dev/zero"), _NONE),
        Odd("folder.mp4", lambda path: path.mkdir(), _NONE),
        Odd("missing.mp4", lambda path: None, _NONE),
    ]
