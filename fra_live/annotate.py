"""One recorded file to its annotated copy, its events and its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fra_live.errors import SinkError, SourceError
from fra_live.labels import LabelSet
from fra_live.live.events import ActiveEvent, EventParameters, EventTracker
from fra_live.live.overlay import Overlay, OverlayOptions
from fra_live.results import FrameResult
from fra_live.standby import Reserve, Standby
from fra_live.video.base import Frame, Source
from fra_live.video.files import FileSource
from fra_live.video.images import read_image
from fra_live.video.sinks import JsonlSink, VideoSink, write_image
from fra_live.video.threads import ReadAhead, Stalled, WriteBehind, in_time

MIN_SIDE = 16  # px; less shows nothing
# A frame of a healthy file takes milliseconds, of an 8K one on a busy machine seconds.
PATIENCE_S = 60.0
_MOST_FRAMES, _MOST_BYTES = 4, 200_000_000  # ahead and behind, each
Step = Callable[[Source, Frame], None]


class FrameRecognizer(Protocol):
    """What is needed of a recognizer."""

    @property
    def labels(self) -> LabelSet:
        """Channels and actions."""
        ...

    @property
    def threshold(self) -> float:
        """The operating threshold."""
        ...

    @property
    def bundle(self) -> Any:
        """The model; by its manifest one sees whether it is still the same."""
        ...

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """One (H, W, 3) uint8 BGR frame in, one result out."""
        ...


@dataclass(frozen=True)
class Annotated:
    """What a file gave.

    Attributes:
        frames: how many were recognized.
        events: lines for events.jsonl.
        result: of an image, its line.
        problem: what is missing, as a sentence; None where nothing is.
    """

    frames: int
    events: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    problem: str | None = None


class Annotator:
    """Annotates files, one after the other."""

    def __init__(
        self,
        recognizer: FrameRecognizer,
        options: OverlayOptions | None = None,
        parameters: EventParameters | None = None,
        patience_s: float | None = PATIENCE_S,
        reserves: Iterable[Callable[[], Reserve]] = (),
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Keep what all files share.

        Args:
            recognizer: called from threads of our own, by one at a time; those of a pool side by
                side.
            options: what is drawn.
            parameters: how results become events.
            patience_s: how long a single frame may take to be read, to be recognized, or to be
                written; an input whose decoder hangs is given up then, and so is an engine. None:
                for ever.
            reserves: load other recognizers, which take over where the engine fails or hangs.
            tell: gets a sentence when one has taken over.
        """
        self.recognizer, self._patience_s = recognizer, patience_s
        self._standby = Standby(recognizer, reserves, patience_s, tell)
        self.options = options or OverlayOptions()
        self.parameters = parameters or EventParameters()

    def image(self, path: Path, output: Path) -> Annotated:
        """Annotate an image.

        Raises:
            SourceError: it cannot be read, or not in time.
            SinkError: the copy cannot be written.
            EngineError: no engine works any more.
        """
        try:
            image = in_time(lambda: read_image(path), self._patience_s)
        except Stalled:
            raise self._given_up(path) from None
        _check_size(path, (image.shape[0], image.shape[1]))
        overlay = Overlay(self.recognizer.labels, self.options)
        result = self._standby(image, path.name, explain=overlay.needs_explanation)
        write_image(output, overlay.draw(image, result))
        return Annotated(1, result={"source": str(path), **line_of(result)})

    def video(self, path: Path, output: Path, lines: Path | None, step: Step) -> Annotated:
        """Annotate a video; decoding and encoding run in threads beside the recognition.

        Args:
            path: the video.
            output: its annotated copy.
            lines: where a line a frame is written.
            step: called after every frame.

        Raises:
            SourceError: it cannot be read, or not in time.
            SinkError: the copy cannot be written, or not in time.
            EngineError: no engine works any more.
        """
        try:
            source = in_time(lambda: FileSource.open(path), self._patience_s)
            with source:
                return self._video(source, path, output, lines, step)
        except Stalled:
            raise self._given_up(path) from None

    def _video(
        self, source: FileSource, path: Path, output: Path, lines: Path | None, step: Step
    ) -> Annotated:
        recognizer, patience_s = self.recognizer, self._patience_s
        overlay = Overlay(recognizer.labels, self.options)
        with ExitStack() as sinks:
            assert source.size is not None  # a FileSource has decoded its first frame
            _check_size(path, source.size)
            tracker = EventTracker(source.name, recognizer.labels, self.parameters)
            copy = sinks.enter_context(VideoSink(output, source.size, source.rate, source=path))
            kept = sinks.enter_context(JsonlSink(lines)) if lines else None
            events = []

            def write(item: tuple[Frame, FrameResult, tuple[ActiveEvent, ...]]) -> None:
                frame, result, active = item
                copy.write(overlay.draw(frame.image, result, active), frame.timestamp_s)
                if kept is not None:
                    kept.write({"source": source.name, "index": frame.index, **line_of(result)})

            few = max(1, min(_MOST_FRAMES, _MOST_BYTES // (3 * source.size[0] * source.size[1])))
            written = WriteBehind(write, few, patience_s)
            try:
                with ReadAhead(source, few, patience_s) as frames, written:
                    explain = overlay.needs_explanation
                    # Closed in any case: its threads must not meet those of the next file.
                    with closing(self._standby.map(frames, path.name, explain=explain)) as results:
                        for frame, result in results:
                            events += tracker.update(result, frame.index)
                            written.put((frame, result, tracker.active))
                            step(source, frame)
            except Stalled:
                if not written.stalled:
                    raise
                copy.abandon()
                raise SinkError(
                    f"{output} was given up: nothing could be written to it for {patience_s:g} s."
                ) from None
            events += tracker.finish()
        problems = [p for p in (source.problem, copy.problem) if p is not None]
        return Annotated(
            copy.frames, [e.to_dict() for e in events], problem=" ".join(problems) or None
        )

    def _given_up(self, path: Path) -> SourceError:
        return SourceError(
            f"{path} was given up: nothing of it could be read for {self._patience_s:g} s; copy it"
            " to a local disk, or convert it to mp4."
        )


def line_of(result: FrameResult) -> dict[str, Any]:
    """A result as a line of a table: without the times it took, so that a rerun gives the same."""
    line = result.to_dict()
    line.pop("stages_ms", None)
    return line


def _check_size(path: Path, size: tuple[int, int]) -> None:
    if min(size) < MIN_SIDE:
        raise SourceError(
            f"{path} has {size[1]}×{size[0]} px; at least {MIN_SIDE} a side are needed to see"
            " anything."
        )
