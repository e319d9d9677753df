"""What is to be done with an input of `process`: nothing any more, or a copy under which name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fra_live.errors import SinkError, SourceError
from fra_live.records import Record, Records
from fra_live.video.inputs import Input

_MOST_DEATHS = 3  # at one input, where nothing tells that it is to blame


class Claims:
    """Gives each input its record, and its copy a name that is nobody else's.

    Attributes:
        records: of the output folder.
        frames_jsonl: a line a frame is wanted as well.
    """

    def __init__(
        self,
        records: Records,
        inputs: Sequence[Input],
        settings: str,
        frames_jsonl: bool = False,
        *,
        overwrite: bool = False,
        again: bool = False,
    ) -> None:
        """Keep what all inputs share.

        Args:
            records: of the output folder.
            inputs: all of this run, none of which may be written over.
            settings: fingerprint of what decides the results beside the input.
            frames_jsonl: a line a frame is wanted as well.
            overwrite: nothing counts as done, and files of others may be written over.
            again: inputs that an earlier run died at are tried once more.
        """
        self.records, self.frames_jsonl = records, frames_jsonl
        self._settings, self._overwrite, self._again = settings, overwrite, again
        self._protected = {entry.path.resolve() for entry in inputs} | records.inputs()

    def make(self, entry: Input) -> tuple[Record, bool]:
        """The input's record, saved unfinished, or whole where there is nothing left to do.

        Returns:
            The record, and whether all is done.

        Raises:
            SourceError: it cannot be read, or an earlier run died at it.
            SinkError: its copy or its record cannot be written.
        """
        try:
            source = entry.path.resolve()
            stat = source.stat()
        except OSError as error:
            raise SourceError(f"{entry.path} cannot be read: {error.strerror}.") from error
        now = stat.st_size, stat.st_mtime_ns
        old, deaths = self.records.get(source), 0
        if old is not None and now == (old.size, old.mtime_ns):
            if self._is_done(old, entry):
                return old, True
            if not (self._again or self._overwrite):
                _check_past(entry.path, old)
            deaths = old.deaths
        if old is not None and not self._is_input(self.records.out / old.output):
            output = old.output
        else:
            output = self._name(entry)
        record = Record(str(source), *now, self._settings, output, deaths=deaths)
        self.records.save(record)
        return record, False

    def _is_done(self, record: Record, entry: Input) -> bool:
        enough = record.frame_lines or entry.image or not self.frames_jsonl
        as_before = enough and record.settings == self._settings and not self._overwrite
        return as_before and self.records.is_whole(record)

    def _name(self, entry: Input) -> str:
        """A name for the copy that is nobody else's."""
        for name in entry.copy_names():
            path = self.records.out / name
            if self.records.owner(name.as_posix()) or self._is_input(path):
                continue
            if path.exists() and not self._overwrite:
                raise SinkError(
                    f"{path} exists and is not from an earlier run; move it away, choose another"
                    " folder, or allow overwriting."
                )
            return name.as_posix()
        raise SinkError(f"There are too many files named {entry.relative.stem}.")

    def _is_input(self, path: Path) -> bool:
        if path.resolve() in self._protected:
            return True
        # The same file under another name: a link, or capitals where they mean nothing.
        return path.exists() and any(p.exists() and p.samefile(path) for p in self._protected)


def _check_past(path: Path, record: Record) -> None:
    """Refuse an input that would bring the program down once more."""
    if record.fault:
        died = f"the program died while it was at work on it ({record.fault})"
    elif record.deaths >= _MOST_DEATHS:
        died = f"the program was ended {record.deaths} times while it was at work on it"
    else:
        return
    raise SourceError(f"{path} is left out: {died}; give --again to try once more, or convert it.")
