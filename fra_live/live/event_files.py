"""Where the events of a live run go: a table, and a still and a clip of each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from fra_live.live.event_table import EventTable
from fra_live.live.frames import Recognition
from fra_live.live.snapshots import EventSnapshots
from fra_live.results import Event
from fra_live.video.sinks import JsonlSink
from fra_live.video.sources import Source


class EventFiles:
    """Writes events as they end, for one source after the other.

    Args:
        table: JSON lines, or, where its name ends in .csv, a CSV file; None for none.
        folder: for a still and a clip of every event; None for none.

    Raises:
        SinkError: the table cannot be written.
    """

    def __init__(self, table: Path | None, folder: Path | None) -> None:
        self._folder = folder
        self._lines: JsonlSink | None = None
        self._table: EventTable | None = None
        self._snapshots: EventSnapshots | None = None
        if table is not None and table.suffix.lower() == ".csv":
            self._table = EventTable(table)
        elif table is not None:
            self._lines = JsonlSink(table)

    def start(self, source: Source, *, live: bool) -> None:
        """Begin with another source.

        Args:
            source: from which the next frames come.
            live: leave frames of clips out rather than wait for the disk.

        Raises:
            SinkError: files of the last source could not be written.
        """
        self._close_snapshots()
        if self._folder is not None:
            name = source.path.stem if source.path is not None else source.name
            self._snapshots = EventSnapshots(self._folder, name, rate=source.rate, live=live)

    def frame(self, recognized: Recognition) -> None:
        """Take in a recognized frame, after its ended events were written.

        Raises:
            SinkError: stills and clips cannot be written; later ones are not tried.
        """
        snapshots = self._snapshots
        if snapshots is None:
            return
        frame = recognized.frame
        snapshots.update(frame.image, recognized.result.timestamp_s, frame.index, recognized.active)
        if snapshots.error is not None:
            self._folder = None
            self._close_snapshots()

    def write(self, events: Sequence[Event]) -> None:
        """Write events that have ended into the table.

        Raises:
            SinkError: the disk refuses; what was written is completed, later ones are not tried.
        """
        try:
            for event in events:
                if self._lines is not None:
                    self._lines.write(event.to_dict())
                if self._table is not None:
                    self._table.write(event)
        except Exception:
            self._close_table()
            raise

    def close(self) -> None:
        """Complete everything, whatever fails.

        Raises:
            SinkError: a file could not be completed; all others are.
        """
        with ExitStack() as stack:
            stack.callback(self._close_table)
            stack.callback(self._close_snapshots)

    def _close_table(self) -> None:
        lines, table, self._lines, self._table = self._lines, self._table, None, None
        with ExitStack() as stack:
            for sink in (lines, table):
                if sink is not None:
                    stack.callback(sink.close)

    def _close_snapshots(self) -> None:
        snapshots, self._snapshots = self._snapshots, None
        if snapshots is not None:
            snapshots.close()
