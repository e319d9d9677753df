"""What has been done in an output folder: one small file an input, so that a run can resume.

A record is written, unfinished, before anything else of its input, and again, complete, after
everything else. So at any moment, whatever happens, the folder tells which files are ours and
which of them are whole; the tables of the folder are made from the complete records.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fra_live.crashes import Death
from fra_live.errors import SinkError
from fra_live.video.address import natural_key
from fra_live.video.sinks import JsonlSink
from fra_live.video.writing import PartFile, part_path, sink_error, write_atomic

FOLDER = ".fra-live"
EVENTS, FRAMES, RESULTS = "events.jsonl", "frames.jsonl", "results.jsonl"
_FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What was made of one input.

    Attributes:
        input: its resolved path.
        size, mtime_ns: of the input, by which a change shows.
        settings: fingerprint of the model and of everything else that decides the result.
        output: the annotated copy, relative to the output folder.
        complete: the copy is whole.
        output_bytes: its size.
        frames: frames recognized.
        frame_lines: whether their lines were kept as well.
        problem: what was wrong with the input, as a sentence.
        events: lines for events.jsonl.
        result: of an image, the line for results.jsonl.
        fault: what the program died of while it was at work on the input; None: it did not.
        deaths: how often it died there for reasons that may have been others.
    """

    input: str
    size: int
    mtime_ns: int
    settings: str
    output: str
    complete: bool = False
    output_bytes: int = 0
    frames: int = 0
    frame_lines: bool = False
    problem: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    fault: str | None = None
    deaths: int = 0

    @property
    def key(self) -> str:
        """Stem of the record's files."""
        return hashlib.sha256(self.input.encode("utf-8", "surrogateescape")).hexdigest()[:20]


class Records:
    """The records of one output folder."""

    def __init__(self, out: Path, overwrite: bool = False) -> None:
        """Read them; damaged ones count as missing.

        Raises:
            SinkError: the folder cannot be made or written to, or holds tables of somebody else.
        """
        self.out, self.folder = out, records_folder(out)
        PartFile(self.folder / "test").discard()
        self._records = {record.input: record for record in _load(self.folder)}
        if self._records or overwrite:
            return
        for name in (EVENTS, FRAMES, RESULTS):
            if (out / name).exists():
                raise SinkError(
                    f"{out / name} exists and is not from an earlier run; choose another folder,"
                    " or allow overwriting."
                )

    def get(self, source: Path) -> Record | None:
        """The record of a resolved input path."""
        return self._records.get(str(source))

    def save(self, record: Record) -> None:
        """Write a record.

        Raises:
            SinkError: it cannot be written.
        """
        text = json.dumps({"format": _FORMAT, **asdict(record)}, allow_nan=False)
        write_atomic(self.folder / f"{record.key}.json", text.encode())
        self._records[record.input] = record

    def blame(self, death: Death) -> None:
        """Note in the input's record that the last run died at it, and clear up after it.

        Raises:
            SinkError: the record cannot be written.
        """
        for record in list(self._records.values()):
            if record.key == death.key and not record.complete:
                self.save(replace(record, fault=death.fault, deaths=record.deaths + 1))
                for path in (self.out / record.output, self.frames_path(record)):
                    with contextlib.suppress(OSError):
                        part_path(path).unlink(missing_ok=True)

    def frames_path(self, record: Record) -> Path:
        """Where an input's frame lines are kept."""
        return self.folder / f"{record.key}.frames.jsonl"

    def is_whole(self, record: Record) -> bool:
        """Whether a record is complete and its files are still there."""
        try:
            return (
                record.complete
                and (self.out / record.output).stat().st_size == record.output_bytes
                and (not record.frame_lines or self.frames_path(record).is_file())
            )
        except OSError:
            return False

    def owner(self, output: str) -> str | None:
        """The input whose copy has this name (upper and lower case being the same)."""
        for record in self._records.values():
            if record.output.casefold() == output.casefold():
                return record.input
        return None

    def inputs(self) -> set[Path]:
        """Resolved paths of all inputs that were ever given."""
        return {Path(r.input) for r in self._records.values()}

    def write_events(self) -> Path:
        """Make events.jsonl anew from all whole records, in the order of their copies' names.

        Raises:
            SinkError: it cannot be written.
        """
        path = self.out / EVENTS
        _write_lines(path, (line for r in self._whole() for line in r.events))
        return path

    def write_results(self) -> Path | None:
        """Make results.jsonl anew; None, and no file, where no image was processed."""
        path = self.out / RESULTS
        lines = [r.result for r in self._whole() if r.result is not None]
        if not lines:
            path.unlink(missing_ok=True)
            return None
        _write_lines(path, lines)
        return path

    def write_frames(self) -> Path | None:
        """Make frames.jsonl anew; None, and no file, where no lines were kept."""
        path = self.out / FRAMES
        parts = [self.frames_path(r) for r in self._whole() if r.frame_lines]
        if not parts:
            path.unlink(missing_ok=True)
            return None
        file = PartFile(path)
        try:
            with file.part.open("wb") as joined:
                for part in parts:
                    with part.open("rb") as lines:
                        shutil.copyfileobj(lines, joined)
        except OSError as error:
            file.discard()
            raise sink_error(path, error) from error
        file.commit()
        return path

    def _whole(self) -> list[Record]:
        whole = [r for r in self._records.values() if self.is_whole(r)]
        return sorted(whole, key=lambda r: (natural_key(Path(r.output)), r.output))


def records_folder(out: Path) -> Path:
    """The folder of an output folder's records, made where it is missing.

    Raises:
        SinkError: it cannot be made.
    """
    folder = out / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise sink_error(out, error) from error
    return folder


def copies_in(folder: Path) -> set[Path]:
    """Resolved paths of the copies that were ever made in an output folder; else nothing."""
    return {(folder / record.output).resolve() for record in _load(folder / FOLDER)}


def _load(folder: Path) -> list[Record]:
    records = []
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            values = json.loads(path.read_bytes())
            if values.pop("format") == _FORMAT:
                records.append(Record(**values))
    return records


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with JsonlSink(path) as sink:
        for line in lines:
            sink.write(line)


def fingerprint(values: Mapping[str, Any]) -> str:
    """A short name for settings: equal settings have equal names."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
