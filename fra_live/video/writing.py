"""Files that get their name only when they are complete."""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path

from fra_live.errors import SinkError

_MAX_NAME = 200  # bytes; file systems allow 255


def part_path(path: Path) -> Path:
    """Where a file is written until it is complete: a hidden name beside it, same suffix."""
    stem = path.stem
    if len(os.fsencode(stem)) > _MAX_NAME:
        stem = f"{zlib.crc32(os.fsencode(stem)):08x}"
    return path.with_name(f".{stem}.part{path.suffix}")


def sink_error(path: Path, error: BaseException) -> SinkError:
    """The error of a file that cannot be written, as one sentence."""
    why = str(getattr(error, "strerror", None) or error or type(error).__name__).rstrip(".")
    return SinkError(f"{path} cannot be written: {why}.")


class PartFile:
    """The temporary name of a file that is being written.

    Attributes:
        path: the final name.
        part: the name to write under.
    """

    def __init__(self, path: Path) -> None:
        """Make the folder and see that it can be written to.

        Raises:
            SinkError: it cannot.
        """
        self.path, self.part = path, part_path(path)
        try:
            if path.is_dir():
                raise SinkError(f"{path} is a folder; give the name of a file.")
            path.parent.mkdir(parents=True, exist_ok=True)
            self.part.open("wb").close()
        except (OSError, ValueError) as error:
            raise sink_error(path, error) from error

    def commit(self) -> None:
        """Give the complete file its name.

        Raises:
            SinkError: the disk refuses; nothing is left under either name.
        """
        try:
            with self.part.open("rb+") as file:
                os.fsync(file.fileno())  # after a power cut too, the name stands for all of it
            self.part.replace(self.path)
        except OSError as error:
            self.discard()
            raise sink_error(self.path, error) from error

    def discard(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError):
            self.part.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file, or none.

    Raises:
        SinkError: it cannot be written.
    """
    file = PartFile(path)
    try:
        file.part.write_bytes(data)
    except OSError as error:
        file.discard()
        raise sink_error(path, error) from error
    file.commit()
