"""Which files are meant."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fra_live.video.inputs import Input, expand_inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "clip10.mp4",
        "clip2.mp4",
        "sub/photo.JPG",
        "sub/deep/film.mkv",
        ".hidden/clip.mp4",
        ".clip.part.mp4",
        "notes.txt",
        "out/clip2.mp4",
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 32)
    (tmp_path / "in" / "code.ts").write_text("export const x = 1;")
    (tmp_path / "in" / "stream.ts").write_bytes(b"\x47" + bytes(187))
    return tmp_path / "in"


def names(found: list[Input]) -> list[str]:
    return [entry.relative.as_posix() for entry in found]


def test_folders_are_searched_to_the_bottom(folder: Path) -> None:
    found, refused = expand_inputs([folder], folder / "out")
    assert names(found) == [
        "clip2.mp4", "clip10.mp4", "stream.ts", "sub/deep/film.mkv", "sub/photo.JPG",
    ]  # fmt: skip
    assert [entry.image for entry in found] == [False, False, False, False, True]
    assert refused == []


def test_copies_are_no_inputs(folder: Path) -> None:
    def made(where: Path) -> set[Path]:
        return {(folder / "clip2.mp4").resolve()} if where == folder else set()

    assert "clip2.mp4" not in names(expand_inputs([folder], folder, made)[0])
    assert "in/clip2.mp4" not in names(expand_inputs([folder.parent], Path("out"), made)[0])
    assert names(expand_inputs([f"{folder}/clip*.mp4"], folder, made)[0]) == ["clip10.mp4"]
    # unless asked for by name
    assert names(expand_inputs([folder / "clip2.mp4"], folder, made)[0]) == ["clip2.mp4"]


def test_each_file_once(folder: Path) -> None:
    (folder / "link.mp4").symlink_to(folder / "clip2.mp4")
    specs = [folder / "clip2.mp4", f"{folder}/*2.mp4", str(folder / "link.mp4"), folder / "sub"]
    assert names(expand_inputs(specs, folder / "out")[0]) == [
        "clip2.mp4", "deep/film.mkv", "photo.JPG",
    ]  # fmt: skip


def test_what_is_refused_and_why(folder: Path) -> None:
    (folder / "void.mp4").touch()
    (folder / "empty").mkdir()
    specs = ["none.mp4", "none*.mp4", folder / "void.mp4", folder / "empty", "0",
             "rtsp://me:secret@cam/x", folder / "clip2.mp4"]  # fmt: skip
    found, refused = expand_inputs(specs, folder / "out")
    assert names(found) == ["clip2.mp4"]
    said = [str(error) for _, error in refused]
    assert said[0] == "none.mp4 does not exist."
    assert said[1] == "No file matches none*.mp4."
    assert "void.mp4 is empty" in said[2]
    assert "holds no videos or images" in said[3]
    assert said[4] == "camera 0 is no recorded file; use 'fra-live live' for it."
    assert said[5] == "rtsp://cam/x is no recorded file; use 'fra-live live' for it."


@pytest.mark.parametrize(
    ("path", "image", "first"),
    [
        ("a/clip.mp4", False, ["a/clip.mp4", "a/clip-annotated.mp4", "a/clip-2.mp4"]),
        ("clip.MOV", False, ["clip.mp4", "clip-mov.mp4", "clip-annotated.mp4"]),
        ("i.jpeg", True, ["i.jpeg", "i-annotated.jpeg", "i-2.jpeg"]),
        ("i.gif", True, ["i.png", "i-gif.png", "i-annotated.png"]),
    ],
)
def test_names_of_copies(path: str, image: bool, first: list[str]) -> None:
    entry = Input(Path("x") / path, Path(path), image)
    assert [name.as_posix() for name in entry.copy_names()[:3]] == first


@contextmanager
def without_privileges() -> Iterator[None]:
    """Permissions do not stop root."""
    root = os.name != "nt" and os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_what_may_not_be_read_is_told_and_the_rest_found() -> None:
    with tempfile.TemporaryDirectory() as name:  # which others may enter, unlike pytest's
        folder = Path(name)
        for path in ("a.mp4", "secret.ts", "closed/b.mp4", "listed/c.mp4"):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(b"\x47" * 300)
        for path, mode in (("", 0o755), ("secret.ts", 0), ("closed", 0), ("listed", 0o444)):
            (folder / path).chmod(mode)
        try:
            with without_privileges():
                found, refused = expand_inputs([folder], folder / "out")
                nothing = expand_inputs([folder / "closed"], folder / "out")
        finally:
            for path in ("closed", "listed"):
                (folder / path).chmod(0o755)
    # Those that may not be read are told when their turn comes.
    assert names(found) == ["a.mp4", "listed/c.mp4", "secret.ts"]
    assert [(path, str(error)) for path, error in refused] == [
        (folder / "closed", f"{folder / 'closed'} cannot be read: Permission denied."),
    ]
    assert nothing[0] == [] and len(nothing[1]) == 1
