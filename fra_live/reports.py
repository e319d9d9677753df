"""What `process` tells: while it goes on, of every input, and of the whole run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["done", "skipped", "refused"]


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        path: the input at work.
        number: of the input, from 1, out of `total`.
        frame: frames of it that are done, out of `frames`; None where that is not known.
        share: 0..1 of it that is done; None where that is not known.
        fps: frames done a second, on average over this input.
        state: None while it goes on, else how it ended.
        message: why it was refused, or what is missing in its result; while it goes on, that
            another engine has taken over.
    """

    path: Path
    number: int
    total: int
    frame: int = 0
    frames: int | None = None
    share: float | None = None
    fps: float = 0.0
    state: State | None = None
    message: str | None = None


@dataclass(frozen=True)
class InputReport:
    """What became of one input.

    Attributes:
        path: the input.
        state: "done", "skipped" (was done before) or "refused".
        output: the annotated copy; None where it was refused.
        frames, events: how many.
        problem: a sentence: why it was refused, or what is missing in its result.
    """

    path: Path
    state: State
    output: Path | None = None
    frames: int = 0
    events: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class ProcessReport:
    """What a run did.

    Attributes:
        inputs: one entry an input.
        events: events.jsonl of the folder, over this and earlier runs.
        results: results.jsonl; None where the folder holds no images.
        frames: frames.jsonl; None where it was never asked for.
        notices: a sentence each time that an engine failed or hung and another one took over.
    """

    inputs: tuple[InputReport, ...]
    events: Path
    results: Path | None
    frames: Path | None
    notices: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Every input was read to its end."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """The sentences to show."""
        return tuple(r.problem for r in self.inputs if r.problem is not None)
