"""One run at a time in an output folder: two would take each other's files for leftovers."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from fra_live.errors import SinkError
from fra_live.video.writing import sink_error

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_HELD = (errno.EACCES, errno.EAGAIN)


class FolderLock:
    """Held as a context manager; the system lets go of it when the process ends, however it does.

    Where the file system or the platform has no locks, nothing is locked.
    """

    def __init__(self, folder: Path, about: Path) -> None:
        """Name what is locked.

        Args:
            folder: where the lock's file lies; it must exist.
            about: the output folder, for the message.
        """
        self._path, self._about = folder / "lock", about
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Take it.

        Raises:
            SinkError: another run holds it, or its file cannot be written.
        """
        try:
            file = self._path.open("ab+", buffering=0)
        except OSError as error:
            raise sink_error(self._path, error) from error
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(b"%d\n" % os.getpid())
        except OSError as error:
            if error.errno in _HELD:
                file.seek(0)
                holder = file.read(20).strip()
                file.close()
                by = f" (process {int(holder)})" if holder.isdigit() else ""
                raise SinkError(
                    f"Another run{by} is writing to {self._about}; wait for its end, or choose"
                    " another folder."
                ) from None
            # a full disk, or no locks here: whatever is written next will tell
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
