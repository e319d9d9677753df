"""Recorded files in, annotated copies and tables of events out; many at a time, and resumable.

For every video an mp4 with its sound, for every image an image, and over all of them
events.jsonl, results.jsonl (a line an image) and, on demand, frames.jsonl (a line a frame).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from fra_live.annotate import PATIENCE_S, Annotator, FrameRecognizer
from fra_live.errors import SinkError, SourceError
from fra_live.live.events import EventParameters
from fra_live.live.overlay import OverlayOptions
from fra_live.locking import FolderLock
from fra_live.records import Record, Records, copies_in, fingerprint, records_folder
from fra_live.reports import InputReport, ProcessReport, Progress
from fra_live.video.base import Frame, Source
from fra_live.video.inputs import Input, expand_inputs

__all__ = ["InputReport", "ProcessReport", "Progress", "process"]


def process(
    inputs: Sequence[str | Path],
    out: Path,
    recognizer: FrameRecognizer,
    *,
    frames_jsonl: bool = False,
    overlay_options: OverlayOptions | None = None,
    event_parameters: EventParameters | None = None,
    overwrite: bool = False,
    patience_s: float | None = PATIENCE_S,
    progress: Callable[[Progress], None] | None = None,
) -> ProcessReport:
    """Annotate recorded files.

    An input that was done before, with the same model and settings, and has not changed since,
    is skipped. One that cannot be read is refused, and the others go on. No input is ever
    written over, and nothing gets its name before it is complete.

    Args:
        inputs: video files and images, folders (searched to the bottom), globs.
        out: folder of the results; made where it is missing.
        recognizer: made by `fra_live.load`; called from this thread.
        frames_jsonl: write a line a frame as well.
        overlay_options: what is drawn.
        event_parameters: how results become events.
        overwrite: do everything anew, and write over files that are not from an earlier run.
        patience_s: how long a single frame may take to be read or written; an input whose decoder
            hangs is refused then. None: for ever.
        progress: called at every frame and at the end of every input.

    Raises:
        SinkError: `out` cannot be written to, or another run is at work in it.
        FraLiveError: the recognizer failed.
    """
    annotator = Annotator(recognizer, overlay_options, event_parameters, patience_s)
    with FolderLock(records_folder(out), out):
        records = Records(out, overwrite)
        found, refused = expand_inputs(inputs, out, copies_in)
        total = len(found) + len(refused)
        run = _Run(annotator, records, found, total, frames_jsonl, overwrite, progress)
        try:
            reports = [run.refuse(path, error) for path, error in refused]
            reports += [run.take(entry) for entry in found]
        finally:  # also after Ctrl-C: what is done is in the tables
            events = records.write_events()
            results, frames = records.write_results(), records.write_frames()
    return ProcessReport(tuple(reports), events, results, frames)


class _Run:
    """One call of `process`."""

    def __init__(
        self,
        annotator: Annotator,
        records: Records,
        inputs: Sequence[Input],
        total: int,
        frames_jsonl: bool,
        overwrite: bool,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._annotator, self._records, self._total = annotator, records, total
        self._frames_jsonl, self._overwrite = frames_jsonl, overwrite
        self._progress = progress or (lambda _: None)
        self._number = 0
        self._protected = {entry.path.resolve() for entry in inputs} | records.inputs()
        recognizer = annotator.recognizer
        self._settings = fingerprint(
            {
                "manifest": dict(recognizer.bundle.manifest),
                "threshold": recognizer.threshold,
                "overlay": asdict(annotator.options),
                "events": asdict(annotator.parameters),
            }
        )

    def refuse(self, path: Path, error: Exception) -> InputReport:
        """Report an input that cannot be processed."""
        return self._report(InputReport(path, "refused", problem=str(error)))

    def take(self, entry: Input) -> InputReport:
        """Process one input, unless that was done before."""
        try:
            record, done = self._begin(entry)
            if not done:
                record = self._annotate(entry, record)
        except (SourceError, SinkError) as error:
            return self.refuse(entry.path, error)
        return self._report(
            InputReport(
                entry.path,
                "skipped" if done else "done",
                self._records.out / record.output,
                record.frames,
                len(record.events),
                record.problem,
            )
        )

    def _report(self, report: InputReport) -> InputReport:
        self._number += 1
        self._progress(
            Progress(
                report.path,
                self._number,
                self._total,
                report.frames,
                report.frames,
                1.0,
                state=report.state,
                message=report.problem,
            )
        )
        return report

    def _begin(self, entry: Input) -> tuple[Record, bool]:
        """The input's record, and whether there is nothing left to do."""
        try:
            source = entry.path.resolve()
            stat = source.stat()
        except OSError as error:
            raise SourceError(f"{entry.path} cannot be read: {error.strerror}.") from error
        old = self._records.get(source)
        now = (stat.st_size, stat.st_mtime_ns, self._settings)
        if old is not None and not self._overwrite and self._records.is_whole(old):
            enough = old.frame_lines or entry.image or not self._frames_jsonl
            if now == (old.size, old.mtime_ns, old.settings) and enough:
                return old, True
        if old is not None and not self._is_input(self._records.out / old.output):
            output = old.output
        else:
            output = self._name(entry)
        record = Record(str(source), *now, output)
        self._records.save(record)
        return record, False

    def _name(self, entry: Input) -> str:
        """A name for the copy that is nobody else's."""
        for name in entry.copy_names():
            path = self._records.out / name
            if self._records.owner(name.as_posix()) or self._is_input(path):
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

    def _annotate(self, entry: Input, record: Record) -> Record:
        records, started = self._records, time.perf_counter()
        output = records.out / record.output

        def step(source: Source, frame: Frame) -> None:
            frames, share = frame.index + 1, None
            if source.count:
                share = frames / source.count
            elif source.duration_s:
                share = frame.timestamp_s / source.duration_s
            self._progress(
                Progress(
                    entry.path,
                    self._number + 1,
                    self._total,
                    frames,
                    source.count,
                    None if share is None else min(1.0, share),
                    frames / (time.perf_counter() - started),
                )
            )

        if entry.image:
            made = self._annotator.image(entry.path, output)
        else:
            lines = records.frames_path(record) if self._frames_jsonl else None
            made = self._annotator.video(entry.path, output, lines, step)
        if made.result is not None:
            made.result["output"] = record.output
        record = replace(
            record,
            complete=True,
            output_bytes=output.stat().st_size,
            frames=made.frames,
            frame_lines=self._frames_jsonl and not entry.image,
            problem=made.problem,
            events=made.events,
            result=made.result,
        )
        records.save(record)
        return record
