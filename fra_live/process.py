"""Recorded files in, annotated copies and tables of events out; many at a time, and resumable.

For every video an mp4 with its sound, for every image an image, and over all of them
events.jsonl, results.jsonl (a line an image) and, on demand, frames.jsonl (a line a frame).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from fra_live.annotate import PATIENCE_S, Annotator, FrameRecognizer
from fra_live.claims import Claims
from fra_live.crashes import CrashNote
from fra_live.errors import SinkError, SourceError
from fra_live.live.events import EventParameters
from fra_live.live.overlay import OverlayOptions
from fra_live.locking import FolderLock
from fra_live.records import Record, Records, copies_in, fingerprint, records_folder
from fra_live.reports import InputReport, ProcessReport, Progress
from fra_live.standby import Reserve
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
    again: bool = False,
    patience_s: float | None = PATIENCE_S,
    reserves: Iterable[Callable[[], Reserve]] = (),
    progress: Callable[[Progress], None] | None = None,
) -> ProcessReport:
    """Annotate recorded files.

    An input that was done before, with the same model and settings, and has not changed since,
    is skipped. One that cannot be read is refused, and the others go on; so is one at which an
    earlier run died. No input is ever written over, and nothing gets its name before it is
    complete.

    Args:
        inputs: video files and images, folders (searched to the bottom), globs.
        out: folder of the results; made where it is missing.
        recognizer: made by `fra_live.load` or, for several frames at a time, `load_pool`.
        frames_jsonl: write a line a frame as well.
        overlay_options: what is drawn.
        event_parameters: how results become events.
        overwrite: do everything anew, and write over files that are not from an earlier run.
        again: try inputs once more that an earlier run died at.
        patience_s: how long a single frame may take to be read, recognized or written; an input
            whose decoder hangs is refused then, an engine that hangs replaced. None: for ever.
        reserves: load other recognizers, tried in turn when the engine fails or hangs; see
            `fra_live.standby.reserves_of`.
        progress: called at every frame, at the end of every input, and when an engine was replaced.

    Raises:
        SinkError: `out` cannot be written to, or another run is at work in it.
        EngineError: the engine failed or hangs, and so does all that was in reserve.
    """
    voice = _Voice(progress)
    annotator = Annotator(
        recognizer, overlay_options, event_parameters, patience_s, reserves, voice.engine
    )
    folder = records_folder(out)
    with FolderLock(folder, out), CrashNote(folder) as note:
        records = Records(out, overwrite)
        if note.death is not None:
            records.blame(note.death)
            note.end()  # once is enough, should this run be killed before its first input
        found, refused = expand_inputs(inputs, out, copies_in)
        voice.total = len(found) + len(refused)
        settings = {
            "manifest": dict(recognizer.bundle.manifest),
            "threshold": recognizer.threshold,
            "overlay": asdict(annotator.options),
            "events": asdict(annotator.parameters),
        }
        claims = Claims(
            records, found, fingerprint(settings), frames_jsonl, overwrite=overwrite, again=again
        )
        run = _Run(annotator, claims, note, voice)
        try:
            reports = [run.refuse(path, error) for path, error in refused]
            reports += [run.take(entry) for entry in found]
        finally:  # also after Ctrl-C: what is done is in the tables
            events = records.write_events()
            results, frames = records.write_results(), records.write_frames()
    return ProcessReport(tuple(reports), events, results, frames, tuple(voice.notices))


class _Voice:
    """Tells where a run stands.

    Attributes:
        path, number: the input at work, and how many came before it, of `total`.
        notices: what happened to the engine.
    """

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self.tell = progress or (lambda _: None)
        self.path, self.number, self.total = Path(), 0, 0
        self.notices: list[str] = []

    def engine(self, sentence: str) -> None:
        """Pass on that another engine has taken over."""
        self.notices.append(sentence)
        self.tell(Progress(self.path, self.number + 1, self.total, message=sentence))


class _Run:
    """One call of `process`."""

    def __init__(
        self, annotator: Annotator, claims: Claims, note: CrashNote, voice: _Voice
    ) -> None:
        self._annotator, self._claims, self._note = annotator, claims, note
        self._records, self._voice = claims.records, voice

    def refuse(self, path: Path, error: Exception) -> InputReport:
        """Report an input that cannot be processed."""
        return self._report(InputReport(path, "refused", problem=str(error)))

    def take(self, entry: Input) -> InputReport:
        """Process one input, unless that was done before."""
        self._voice.path = entry.path
        try:
            record, done = self._claims.make(entry)
            if not done:
                self._note.begin(record.key)
                record = self._annotate(entry, record)
        except (SourceError, SinkError) as error:
            return self.refuse(entry.path, error)
        except MemoryError:  # the next one may be smaller
            return self.refuse(entry.path, SourceError(_too_large(entry.path)))
        finally:
            self._note.end()
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
        self._voice.number += 1
        self._voice.tell(
            Progress(
                report.path,
                self._voice.number,
                self._voice.total,
                report.frames,
                report.frames,
                1.0,
                state=report.state,
                message=report.problem,
            )
        )
        return report

    def _annotate(self, entry: Input, record: Record) -> Record:
        records, voice, started = self._records, self._voice, time.perf_counter()
        output = records.out / record.output

        def step(source: Source, frame: Frame) -> None:
            frames, share = frame.index + 1, None
            if source.count:
                share = frames / source.count
            elif source.duration_s:
                share = frame.timestamp_s / source.duration_s
            voice.tell(
                Progress(
                    entry.path,
                    voice.number + 1,
                    voice.total,
                    frames,
                    source.count,
                    None if share is None else min(1.0, share),
                    frames / (time.perf_counter() - started),
                )
            )

        if entry.image:
            made = self._annotator.image(entry.path, output)
        else:
            lines = records.frames_path(record) if self._claims.frames_jsonl else None
            made = self._annotator.video(entry.path, output, lines, step)
        if made.result is not None:
            made.result["output"] = record.output
        record = replace(
            record,
            complete=True,
            output_bytes=output.stat().st_size,
            frames=made.frames,
            frame_lines=self._claims.frames_jsonl and not entry.image,
            problem=made.problem,
            events=made.events,
            result=made.result,
            deaths=0,
        )
        records.save(record)
        return record


def _too_large(path: Path) -> str:
    return f"{path} needs more memory than there is; close other programs, or make it smaller."
