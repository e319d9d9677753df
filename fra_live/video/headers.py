"""Width and height of an image file, read from its first bytes, before anything is decoded.

A PNG of some kilobytes may ask for gigabytes of memory; this is how it is refused in time.
"""

from __future__ import annotations

import re
import struct
from typing import Literal


def declared_size(data: bytes) -> tuple[int, int] | None:
    """What an encoded image says of its size.

    Args:
        data: the file's contents.

    Returns:
        (H, W) in px as stored, before any rotation; None where the format is not known.
    """
    try:
        if data[:3] == b"\xff\xd8\xff":
            return _jpeg(data)
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            width, height = struct.unpack(">II", data[16:24])
        elif data[:4] == b"GIF8":
            width, height = struct.unpack("<HH", data[6:10])
        elif data[:2] == b"BM":
            width, height = struct.unpack("<ii", data[18:26])
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        elif data[:4] in (b"II*\0", b"MM\0*"):
            return _tiff(data)
        elif data[4:8] == b"ftyp":
            return _largest(data, b"ispe", 8)
        elif data[4:8] == b"jP  ":
            at = data.index(b"ihdr")
            height, width = struct.unpack(">II", data[at + 4 : at + 12])
        elif match := re.match(rb"P[1-6]\s(?:\s*#[^\n]*\n)*\s*(\d{1,9})\s+(\d{1,9})\s", data):
            width, height = int(match[1]), int(match[2])
        else:
            return None
    except (struct.error, ValueError, IndexError):
        return None
    return abs(height), abs(width)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # padding, no contents
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return height, width
        at += 2 + length
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif data[12:16] == b"VP8 ":
        width, height = (v & 0x3FFF for v in struct.unpack("<HH", data[26:30]))
    else:
        return None
    return height, width


def _tiff(data: bytes) -> tuple[int, int] | None:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    at = int.from_bytes(data[4:8], order)
    size = {}
    for _ in range(int.from_bytes(data[at : at + 2], order)):
        entry = data[at + 2 : at + 14]
        at += 12
        tag, kind = int.from_bytes(entry[:2], order), int.from_bytes(entry[2:4], order)
        if tag in (256, 257):
            size[tag] = int.from_bytes(entry[8:10] if kind == 3 else entry[8:12], order)
    return (size[257], size[256]) if len(size) == 2 else None


def _largest(data: bytes, name: bytes, offset: int) -> tuple[int, int] | None:
    """The largest size among boxes of one name: an AVIF may hold a small picture beside it."""
    found = []
    for match in re.finditer(re.escape(name), data[:100_000]):
        at = match.start() + offset
        if at + 8 <= len(data):
            width, height = struct.unpack(">II", data[at : at + 8])
            found.append((height, width))
    return max(found, key=lambda s: s[0] * s[1], default=None)
