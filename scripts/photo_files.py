"""Photos that the user has downloaded: found in folders and zips, checked, and laid out.

Shared by the scripts that prepare public data sets. Nothing is ever unpacked: single members are
read, checked, and written under names that the annotations give, so no archive can reach
outside the target folder.
"""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

MAX_PHOTO = 64 << 20  # bytes; a member that claims more is no photo of these sets
_TAIL = 4096  # a JPEG's end marker lies this near to its end, whatever was appended

Reader = Callable[[], bytes]


class PreparationError(Exception):
    """A failure told in one sentence."""


class GivenFiles:
    """Files in folders (searched with their subfolders and zips) and in zips, by their names.

    Args:
        paths: folders and zip files.

    Raises:
        PreparationError: a path does not exist or a zip cannot be read.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._readers: dict[str, list[tuple[str, Reader]]] = {}
        self._archives: list[zipfile.ZipFile] = []
        for path in paths:
            if path.is_dir():
                for file in sorted(p for p in path.rglob("*") if p.is_file()):
                    self._add(file)
            elif path.is_file():
                self._add(path)
            else:
                raise PreparationError(f"{path} does not exist.")

    def _add(self, path: Path) -> None:
        if path.suffix.lower() != ".zip":
            self._readers.setdefault(path.name, []).append((str(path), lambda: _read(path)))
            return
        try:
            archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise PreparationError(f"{path} is no readable zip ({error}).") from error
        self._archives.append(archive)
        for member in archive.infolist():
            if not member.is_dir():
                name = member.filename.replace("\\", "/").rsplit("/", 1)[-1]
                where = f"{path}: {member.filename}"
                reader = _member_reader(archive, member)
                self._readers.setdefault(name, []).append((where, reader))

    def find(self, name: str) -> Iterator[tuple[str, Reader]]:
        """All files of that name: where each lies, and a function that reads it.

        The function raises PreparationError, without the file's name, where it cannot.
        """
        yield from self._readers.get(name, [])

    def close(self) -> None:
        """Close the zips."""
        for archive in self._archives:
            archive.close()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_PHOTO:
            raise PreparationError("is far too large for a photo")
        return path.read_bytes()
    except OSError as error:
        raise PreparationError(f"cannot be read ({error.strerror})") from error


def _member_reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Reader:
    def read() -> bytes:
        try:
            with archive.open(member) as file:
                data = file.read(MAX_PHOTO + 1)  # never more, whatever the header claims
                if len(data) > MAX_PHOTO:
                    raise PreparationError("is far too large for a photo")
                return data
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise PreparationError(f"cannot be read ({error})") from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise PreparationError(f"is damaged in its zip ({error})") from error

    return read


def plain_name(name: object) -> str:
    """A file name out of an annotation file, sure to name a file in the folder itself.

    Raises:
        PreparationError: it is anything else.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or {"/", "\\", "\0"} & set(name):
        raise PreparationError(f"{name!r} in the annotations is no plain file name.")
    return name


def check_photo(data: bytes, width: int, height: int) -> str | None:
    """What is wrong with a photo of which the annotations say that it has width x height px.

    Returns:
        The rest of a sentence, or None.
    """
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-_TAIL:]:
        return "is cut short; download it again"
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        return "cannot be decoded as an image; download it again"
    found_height, found_width = image.shape[:2]
    if (found_width, found_height) != (width, height):
        return (
            f"is {found_width}x{found_height} px where {width}x{height} were annotated; "
            "use the original files, not resized copies"
        )
    return None


def lay_out(given: GivenFiles, name: str, size: tuple[int, int], target: Path) -> str | None:
    """Find a photo, check it and write it into a folder.

    Args:
        given: where to look; of several files of that name the first that is right is taken.
        name: its plain file name.
        size: (width, height) in px.
        target: the folder.

    Returns:
        One sentence that says what is wrong, or None.
    """
    problem = f"{name} was not found in what was given."
    for where, read in given.find(name):
        try:
            data = read()
            wrong = check_photo(data, *size)
        except PreparationError as error:
            wrong = str(error)
        if wrong is None:
            write(target / name, data)
            return None
        problem = f"{where} {wrong}."
    return problem


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        PreparationError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise PreparationError(f"{path} cannot be written ({error.strerror}).") from error


def tell(prepare: Callable[[], list[str]]) -> int:
    """Run a preparation and print its problems, one sentence each, on stderr.

    Returns:
        The exit status: 1 where there was any problem.
    """
    try:
        problems = prepare()
    except PreparationError as error:
        problems = [str(error)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0
