"""Events as CSV, for people who count in spreadsheets."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path
from types import TracebackType
from typing import Self

from fra_live.results import Event
from fra_live.video.writing import PartFile, sink_error

COLUMNS = (
    "source", "action", "person", "start_s", "end_s", "duration_s",
    "peak_score", "peak_frame", "x0", "y0", "x1", "y1",
)  # fmt: skip


def event_row(event: Event) -> list[str]:
    """The cells of one event, in the order of `COLUMNS`; what is not known is empty."""
    values = event.to_dict()
    box = values["box_xyxy"] or ["", "", "", ""]
    duration = round(values["end_s"] - values["start_s"], 3)
    cells = [
        values["source"], values["action"], values["person"], values["start_s"], values["end_s"],
        duration, values["peak_score"], values["peak_frame"], *box,
    ]  # fmt: skip
    return ["" if cell is None else str(cell) for cell in cells]


class EventTable:
    """A CSV file of events; open, write, close.

    Each row is on disk at once; the file has its name when it is complete. As a context manager
    it is completed at the end, or removed where an error ended it.

    Args:
        path: the file.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file = PartFile(path)
        self._open = True
        try:
            # A byte order mark: without it some spreadsheets take UTF-8 for something else.
            self._text = self._file.part.open("w", encoding="utf-8-sig", newline="")
            self._rows = csv.writer(self._text)
            self._rows.writerow(COLUMNS)
        except OSError as error:
            raise sink_error(path, error) from error

    @property
    def path(self) -> Path:
        """The final name."""
        return self._file.path

    def write(self, event: Event) -> None:
        """Append one event.

        Raises:
            SinkError: the disk refuses.
        """
        try:
            self._rows.writerow(event_row(event))
            self._text.flush()
        except (OSError, ValueError) as error:
            raise sink_error(self.path, error) from error

    def close(self) -> None:
        """Complete the file; more calls do nothing.

        Raises:
            SinkError: it cannot be written.
        """
        if not self._open:
            return
        self._open = False
        try:
            self._text.close()
        except OSError as error:
            self._file.discard()
            raise sink_error(self.path, error) from error
        self._file.commit()

    def abort(self) -> None:
        """Remove what was written."""
        if self._open:
            self._open = False
            with contextlib.suppress(OSError):
                self._text.close()
            self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
