"""The whole demo: compose the clip, recognize it, compare."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fra_live.demo.clip import compose_clip
from fra_live.demo.report import DemoReport, match
from fra_live.errors import SinkError
from fra_live.process import process
from fra_live.reports import Progress

if TYPE_CHECKING:
    from fra_live.annotate import FrameRecognizer
    from fra_live.standby import Reserve

CLIP = "demo.mp4"


def run_demo(
    out: Path,
    recognizer: FrameRecognizer,
    progress: Callable[[Progress], None] | None = None,
    reserves: Iterable[Callable[[], Reserve]] = (),
) -> DemoReport:
    """Compose the demo clip and process it.

    Args:
        out: folder for the clip, its annotated copy and events.jsonl; those of an earlier demo
            are replaced.
        recognizer: made by `fra_live.load`.
        progress: called at every frame; the clip's making is the first of two steps.
        reserves: load other recognizers for when the engine fails or hangs; see `process`.

    Returns:
        What was written, and which true actions were found.

    Raises:
        MissingExtraError: scikit-image, which brings the portrait, is not installed.
        SinkError: the folder cannot be written to.
        EngineError: the engine failed or hangs, and so does all that was in reserve.
    """
    show = progress or (lambda _: None)
    clip, started = out / CLIP, time.perf_counter()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{out} cannot be made: {error.strerror}.") from error

    def composed(done: int, total: int) -> None:
        fps = done / max(time.perf_counter() - started, 1e-6)
        step = Progress(clip, 1, 2, done, total, done / total, fps)
        show(replace(step, state="done") if done == total else step)

    compose_clip(clip, composed)
    report = process(
        [clip],
        out,
        recognizer,
        reserves=reserves,
        progress=lambda step: show(replace(step, number=2, total=2)),
    )
    annotated = report.inputs[0].output
    if annotated is None:
        raise SinkError(f"The demo clip could not be annotated: {report.inputs[0].problem}")
    lines = report.events.read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    sightings, false_events = match(e for e in events if Path(e["source"]).name == CLIP)
    return DemoReport(clip, annotated, report.events, sightings, false_events, report.notices)
