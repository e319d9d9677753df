"""What a word on the command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from fra_live.errors import SourceError
from fra_live.video.address import Kind, is_image, natural_key, parse_address, redact

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.mark.parametrize("spec", [2, "2", " 2 ", "/dev/video2"])
def test_cameras(spec: str | int) -> None:
    address = parse_address(spec)
    assert (address.kind, address.index, address.name) == (Kind.CAMERA, 2, "camera 2")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://cam/stream", "rtsp://cam/stream"),
        ("rtsp://me:secret@cam:554/stream", "rtsp://cam:554/stream"),
        ("rtsp://me:se@cr@et@cam/stream", "rtsp://cam/stream"),  # @ in the password
        ("rtsp://me:sec/ret@cam/stream", "rtsp://cam/stream"),  # / in it, not escaped
        ("rtsp://me:sec?ret@cam/stream", "rtsp://cam/stream"),
        ("rtsp://me:sec#ret@cam/stream", "rtsp://cam/stream"),
        ("http://cam/a?user=me&pwd=secret", "http://cam/a"),
        ("http://cam/a#secret", "http://cam/a"),
        ("http://cam:80/@me/live", "http://cam:80/@me/live"),  # @ in a path is no password
        ("http://[::1]:80/@me", "http://[::1]:80/@me"),
        ("http://me:secret@[::1]/x", "http://[::1]/x"),
    ],
)
def test_credentials_are_cut_out(url: str, shown: str) -> None:
    assert redact(url) == shown
    address = parse_address(url)
    assert (address.kind, address.name, address.url) == (Kind.URL, shown, url)


def test_unknown_schemes_are_refused_without_the_password() -> None:
    with pytest.raises(SourceError, match=r"^ftp://cam/x: 'ftp' is not supported") as caught:
        parse_address("ftp://me:secret@cam/x")
    assert "secret" not in str(caught.value)


def test_files_by_content_then_suffix(tmp_path: Path) -> None:
    for name, data, image in [
        ("a.png", PNG, True),
        ("b.mp4", PNG, True),  # a picture, whatever its name
        ("c.jpg", b"\0\0\0\x20ftypisom" + bytes(20), False),
        ("d.jpg", b"hello", True),  # text: an image that will be refused as one
        ("e.avif", b"\0\0\0\x20ftypavif" + bytes(20), True),
        ("f.mjpeg", b"\xff\xd8\xff\xe0" + bytes(20), False),
        ("g.txt", b"hello", False),
        ("h.jpg", b"\x1aE\xdf\xa3" + bytes(20), False),
        ("i.png", b"RIFF\0\0\0\0WEBP" + bytes(20), True),
        ("j.png", b"RIFF\0\0\0\0AVI " + bytes(20), False),
    ]:
        path = tmp_path / name
        path.write_bytes(data)
        assert is_image(path) is image, name
        assert parse_address(path).kind is (Kind.IMAGE if image else Kind.VIDEO)
        assert parse_address(f"file://{path}").paths == (path,)


def test_folders_and_globs_give_images_in_natural_order(tmp_path: Path) -> None:
    for name in ("i10.png", "i2.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(PNG)
    address = parse_address(tmp_path)
    assert address.kind is Kind.IMAGES
    assert [p.name for p in address.paths] == ["i2.png", "i10.png"]
    assert [p.name for p in parse_address(str(tmp_path / "i1*.png")).paths] == ["i10.png"]


def test_a_name_with_brackets_is_a_file_when_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a[1].png"
    path.write_bytes(PNG)
    assert parse_address(str(path)).paths == (path,)


def test_natural_order() -> None:
    names = ["b2", "a10", "A9", "a", "1", "10", "2"]
    ordered = sorted(map(Path, names), key=natural_key)
    assert [p.name for p in ordered] == ["1", "2", "10", "a", "A9", "a10", "b2"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "The source is empty"),
        ("-1", "There is no camera -1"),
        ("nothing.mp4", r"nothing\.mp4 does not exist\."),
        ("none*.png", r"none\*\.png holds no images"),
        ("a\0b.mp4", "does not exist"),
        ("x" * 5000, "cannot be read: "),
    ],
)
def test_refusals(spec: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=said) as caught:
        parse_address(spec)
    assert len(str(caught.value)) < 400


def test_empty_files_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "void.mp4").touch()
    with pytest.raises(SourceError, match=r"void\.mp4 is empty \(0 bytes\)"):
        parse_address(tmp_path / "void.mp4")
    with pytest.raises(SourceError, match="holds no images"):
        parse_address(tmp_path)
    import os

    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match="is not a file"):
        parse_address(tmp_path / "pipe.mp4")
