"""Whether a container file is as long as it says: the sign of a recording that was cut off.

Decoders end quietly where the bytes end, so this is read from the outermost boxes of the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_MAX_BOXES = 1_000_000
_SEGMENT = b"\x18\x53\x80\x67"
_EBML = b"\x1a\x45\xdf\xa3"


def missing_part(path: Path) -> str | None:
    """What a file lacks.

    Returns:
        A clause ("it ends after 3,000 of 5,000 bytes"), or None where nothing is known to lack:
        other formats than mp4/mov, Matroska/WebM and AVI do not tell.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            file.seek(0)
            if head[:4] == _EBML:
                return _ends_early(_matroska_end(file), size)
            if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
                return _ends_early(int.from_bytes(head[4:8], "little") + 8, size)
            if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
                return _mp4(file, size)
    except OSError:
        pass
    return None


def _ends_early(end: int | None, size: int) -> str | None:
    if end is None or end <= size:
        return None
    return f"it ends after {size:,} of {end:,} bytes"


def _mp4(file: BinaryIO, size: int) -> str | None:
    position, index = 0, False
    for _ in range(_MAX_BOXES):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            break
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:], "big")
        if length == 0:  # goes to the end of the file
            length = size - position
        if length < 8:
            break  # damaged: no boxes from here on
        if position + length > size:
            if not index and head[4:8] != b"moov":
                return "it was cut off before its index was written"
            return _ends_early(position + length, size)
        index = index or head[4:8] == b"moov"
        position += length
    return None if index else "its index is missing"


def _matroska_end(file: BinaryIO) -> int | None:
    """Where the segment ends; None where its length was left open, as in a live recording."""
    for _ in range(16):  # the header, perhaps padding, then the segment
        name = file.read(4)
        first = file.read(1)
        if len(name) < 4 or not first or first[0] == 0:
            return None
        extra = 8 - first[0].bit_length()
        length = int.from_bytes(bytes([first[0] & (0x7F >> extra)]) + file.read(extra), "big")
        if length == (1 << (7 * (extra + 1))) - 1:
            return None
        if name == _SEGMENT:
            return file.tell() + length
        if name[0] < 0x10:
            return None  # not a four-byte name: damaged
        if name[0] >= 0x20:  # a shorter name, so this is no segment; none is expected here
            return None
        file.seek(length, os.SEEK_CUR)
    return None
