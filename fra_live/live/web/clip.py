"""An uploaded video: checked, annotated, its events listed and put into files to download."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fra_live.errors import FraLiveError, SourceError
from fra_live.live.event_table import EventTable
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.process import Progress, process
from fra_live.results import Event
from fra_live.video.address import is_image
from fra_live.video.files import FileSource
from fra_live.video.sinks import JsonlSink
from fra_live.video.threads import Stalled, in_time

MAX_PIXELS = 3840 * 2160
_PATIENCE_S = 20.0
_MOST_FPS = 120  # of a file that tells no duration, to tell when it is too long


class Stopped(FraLiveError):
    """Somebody stopped it."""


@dataclass(frozen=True)
class Clip:
    """What became of a video.

    Attributes:
        video: the annotated copy, with its sound.
        events: in the order of their start.
        duration_s: of the video, s.
        frames: how many were recognized.
        table, lines: the events as CSV and as JSON lines.
        problem: what is missing, as a sentence; None where nothing is.
        notices: what happened to the engine, for whoever runs the page.
    """

    video: Path
    events: tuple[Event, ...]
    duration_s: float
    frames: int
    table: Path
    lines: Path
    problem: str | None
    notices: tuple[str, ...] = ()


def annotate_clip(
    path: Path,
    name: str,
    folder: Path,
    recognizer: SharedRecognizer,
    options: OverlayOptions,
    *,
    max_minutes: float,
    stopping: threading.Event,
    progress: Callable[[float | None, str], None],
    reserves: Iterable[Callable[[], SharedRecognizer]] = (),
    patience_s: float = _PATIENCE_S,
) -> Clip:
    """Annotate an uploaded video.

    Args:
        path: the upload.
        name: what the visitor calls it; the server's own path is told nowhere.
        folder: an empty one for the results.
        recognizer: of the session.
        options: what is drawn.
        max_minutes: longer videos are refused.
        stopping: when it is set, the work ends.
        progress: called with the share that is done (0..1, None where unknown) and a sentence.
        reserves: load others for when the engine fails or hangs, tried in turn.
        patience_s: how long a single frame may take.

    Raises:
        SourceError: it is no video, too long or too large.
        Stopped: `stopping` was set.
        FraLiveError: the engine or the disk failed.
    """
    duration_s = _check(path, name, max_minutes)

    def step(state: Progress) -> None:
        if stopping.is_set():
            raise Stopped("Stopped; nothing was kept.")
        if state.frame > max_minutes * 60 * _MOST_FPS:
            raise SourceError(_too_long(name, max_minutes))
        if state.state is None and state.message is None:
            said = f"{state.frame} frames, {state.fps:.0f} a second"
            progress(state.share, said)

    report = process(
        [path],
        folder,
        recognizer,
        overlay_options=options,
        patience_s=patience_s,
        reserves=reserves,
        progress=step,
    )
    entry = report.inputs[0]
    if entry.output is None:
        raise SourceError(_renamed(entry.problem or f"{name} gave no result.", path, name))
    events = tuple(_events(report.events, name))
    lines, table = folder / "downloads" / "events.jsonl", folder / "downloads" / "events.csv"
    lines.parent.mkdir()
    with JsonlSink(lines) as sink, EventTable(table) as rows:
        for event in events:
            sink.write(event.to_dict())
            rows.write(event)
    video = lines.with_name(f"{Path(name).stem or 'video'}-annotated.mp4")
    entry.output.replace(video)
    if duration_s is None:
        with FileSource.open(video) as copy:
            duration_s = copy.duration_s or 0.0
    problem = _renamed(entry.problem, path, name) if entry.problem else None
    return Clip(video, events, duration_s, entry.frames, table, lines, problem, report.notices)


def _check(path: Path, name: str, max_minutes: float) -> float | None:
    """The video's duration, when that and its size are within the limits; None: unknown."""
    if is_image(path):
        raise SourceError(f"{name} is an image; give it to the page's Image tab.")
    try:
        opened = in_time(lambda: FileSource.open(path, name), _PATIENCE_S)
    except Stalled:
        raise SourceError(f"{name} cannot be read in time; convert it to mp4.") from None
    with opened as source:
        size, duration_s = source.size, source.duration_s
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise SourceError(f"{name} has {size[1]}×{size[0]} px; make it smaller, at most 3840×2160.")
    if duration_s is not None and duration_s > 60 * max_minutes:
        raise SourceError(_too_long(name, max_minutes))
    return duration_s


def _too_long(name: str, max_minutes: float) -> str:
    return (
        f"{name} is longer than {max_minutes:g} minutes, the most this page takes; cut it, or use"
        " 'fra-live process' for it."
    )


def _renamed(sentence: str, path: Path, name: str) -> str:
    return sentence.replace(str(path), name)


def _events(path: Path, name: str) -> list[Event]:
    events = []
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        values: dict[str, Any] = json.loads(line)
        box = values["box_xyxy"]
        values |= {"source": name, "box_xyxy": None if box is None else tuple(box)}
        events.append(Event(**values))
    return events
