"""What a file's own figures say of its end, on files of a few bytes made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from fra_live.video.headers import declared_size
from fra_live.video.integrity import missing_part


def box(name: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """A box of an mp4 file; `length` is what it says of itself."""
    return (8 + len(body) if length is None else length).to_bytes(4, "big") + name + body


def large_box(name: bytes, body: bytes, length: int | None = None) -> bytes:
    """The same with its length in 64 bits."""
    given = 16 + len(body) if length is None else length
    return (1).to_bytes(4, "big") + name + given.to_bytes(8, "big") + body


def element(name: bytes, length: bytes, body: bytes = b"") -> bytes:
    """An element of a Matroska file, its length as it is stored."""
    return name + length + body


TYPE = box(b"ftyp", b"isom")
HEADER = element(b"\x1aE\xdf\xa3", b"\x84", bytes(4))
SEGMENT = b"\x18S\x80g"
INDEX_CUT_OFF = "it was cut off before its index was written"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TYPE + box(b"moov") + box(b"mdat", bytes(9)), None),
        (TYPE + box(b"moov") + box(b"mdat", bytes(9), 100), "it ends after 37 of 120 bytes"),
        (TYPE + box(b"mdat", bytes(9), 100), INDEX_CUT_OFF),
        (TYPE + box(b"moov", bytes(9), 100), "it ends after 29 of 112 bytes"),
        (TYPE + box(b"mdat", bytes(9)), "its index is missing"),
        (TYPE + box(b"mdat", bytes(9), 0), "its index is missing"),  # it goes to the end
        (TYPE + box(b"moov") + box(b"mdat", bytes(9), 0), None),
        (TYPE + box(b"moov") + box(b"mdat", bytes(9), 5), None),  # damaged, no more is known
        (TYPE + large_box(b"mdat", bytes(9)) + box(b"moov"), None),
        (TYPE + large_box(b"mdat", bytes(9), 1 << 40), INDEX_CUT_OFF),
        (TYPE + box(b"moov") + b"\0\0", None),  # a rest that is no box
    ],
)
def test_mp4(data: bytes, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert missing_part(path) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (HEADER + element(SEGMENT, b"\x85", bytes(5)), None),
        (HEADER + element(SEGMENT, b"\x85", bytes(2)), "it ends after 16 of 19 bytes"),
        (HEADER + element(SEGMENT, b"\x40\x64", bytes(2)), "it ends after 17 of 115 bytes"),
        (HEADER + element(SEGMENT, b"\xff", bytes(2)), None),  # open, as in a live recording
        (HEADER + element(SEGMENT, b"\x00", bytes(2)), None),  # longer than lengths may be
        (HEADER + element(b"\x05abc", b"\x82", bytes(2)), None),  # no name of four bytes
        (HEADER + element(b"\xecabc", b"\x82", bytes(2)), None),  # padding, and nothing else
        (HEADER + b"\x18S", None),
    ],
)
def test_matroska(data: bytes, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(data)
    assert missing_part(path) == said


def test_others(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(b"RIFF" + (100).to_bytes(4, "little") + b"AVI " + bytes(8))
    assert missing_part(path) == "it ends after 20 of 108 bytes"
    path.write_bytes(b"RIFF" + (12).to_bytes(4, "little") + b"AVI " + bytes(8))
    assert missing_part(path) is None
    path.write_bytes(b"anything else at all")
    assert missing_part(path) is None
    assert missing_part(tmp_path / "none.mp4") is None


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + bytes(12)


FRAME = b"\xff\xc0\x00\x11\x08\x00\x2c\x00\x3e"  # 62×44 px
TABLE = b"\xff\xdb\x00\x04\x00\x00"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (jpeg(TABLE, FRAME), (44, 62)),
        (jpeg(b"\xff\xff\xff", FRAME), (44, 62)),  # padded
        (jpeg(b"\xff\x01", TABLE, FRAME), (44, 62)),  # a marker without contents
        (jpeg(b"\xff\xc4\x00\x04\x00\x00", FRAME), (44, 62)),  # a table, though it looks like one
        (jpeg(TABLE, b"\x00\x00", FRAME), None),  # lost
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x3d\0\0\x2b\0\0" + bytes(4), (44, 62)),
        (b"RIFF\0\0\0\0WEBPVP9 " + bytes(20), None),
        (b"BM" + bytes(16) + b"\x3e\0\0\0\xd4\xff\xff\xff", (44, 62)),  # rows from the top down
        (b"P6\n# a comment\n62 44\n255\n" + bytes(9), (44, 62)),
        (b"\0\0\0\x18ftypavif" + bytes(8), None),
    ],
)
def test_declared_sizes(data: bytes, size: tuple[int, int] | None) -> None:
    assert declared_size(data) == size
