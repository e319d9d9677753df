"""Which input is at work, noted on the disk, so that it can be blamed for the program's death.

A fault in a codec ends the whole program without a word. Python's fault handler still writes one
into the note before it goes. A program that was killed from outside, or whose machine lost its
power, leaves the note as it was: then the input may be as good as any.
"""

from __future__ import annotations

import contextlib
import faulthandler
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from fra_live.video.writing import sink_error

_NAME = "at-work"
_FATAL = b"Fatal Python error: "
_MOST_READ = 10_000  # bytes; what is told comes first


@dataclass(frozen=True)
class Death:
    """How an earlier run ended.

    Attributes:
        key: of the input's record, see `Record.key`.
        fault: what the program died of by itself ("Segmentation fault"); None: somebody or
            something else ended it.
    """

    key: str
    fault: str | None


class CrashNote:
    """The note of one output folder; held as a context manager while a run goes on.

    Where somebody has enabled Python's fault handler already, it stays theirs, and no death looks
    like the program's own.

    Attributes:
        death: how the last run ended; None: as it should.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is that of the records; it must exist."""
        self._path = folder / _NAME
        self.death: Death | None = None
        self._file: IO[bytes] | None = None
        self._ours = False

    def __enter__(self) -> Self:
        """Read what the last run left.

        Raises:
            SinkError: the note cannot be written.
        """
        try:
            self._file = self._path.open("ab+", buffering=0)  # a fault is appended
            self._file.seek(0)
            self.death = _read(self._file.read(_MOST_READ))
        except OSError as error:
            raise sink_error(self._path, error) from error
        self._ours = not faulthandler.is_enabled()
        if self._ours:
            faulthandler.enable(self._file, all_threads=False)
        return self

    def begin(self, key: str) -> None:
        """The input of this record is at work from now on, until the next or `end`."""
        self.end()
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk; whatever is written next will tell
                self._file.write(key.encode() + b"\n")

    def end(self) -> None:
        """No input is at work."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.truncate(0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()
        if self._ours:
            faulthandler.disable()
        if self._file is not None:
            self._file.close()
            self._file = None


def _read(note: bytes) -> Death | None:
    key, _, rest = note.partition(b"\n")
    if not key:
        return None
    _, fatal, said = rest.partition(_FATAL)
    fault = said.partition(b"\n")[0].decode("utf-8", "replace") if fatal else None
    return Death(key.decode("ascii", "replace"), fault)
