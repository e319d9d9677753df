"""The progress bars of `process` on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from fra_live.reports import Progress as Step

_WORDS = {"done": "done", "skipped": "done before", "refused": "refused"}


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Callable[[Step], None]]:
    """Show a bar for the input at work; of each input a line remains.

    Args:
        console: where to; by default the standard error stream, so that output stays clean.

    Yields:
        The callback for `process(progress=…)`.
    """
    console = console or Console(stderr=True)
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[fps]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bars:
        task: TaskID | None = None

        def show(step: Step) -> None:
            nonlocal task
            name = f"[{step.number}/{step.total}] {step.path.name}"
            if step.state is None and step.message:
                console.print(escape(step.message), style="yellow", highlight=False, soft_wrap=True)
                return
            if step.state is None:
                if task is None:
                    task = bars.add_task(escape(name), total=1.0, fps="")
                known = step.share is not None
                bars.update(
                    task,
                    description=escape(name),
                    total=1.0 if known else None,
                    completed=step.share or 0.0,
                    fps=f"{step.fps:.0f} frames/s",
                )
                return
            if task is not None:
                bars.remove_task(task)
                task = None
            style = "red" if step.state == "refused" else "yellow" if step.message else "green"
            text = f"{name}: {_WORDS[step.state]}"
            console.print(escape(text), style=style, highlight=False, soft_wrap=True)
            if step.message:
                console.print(f"    {escape(step.message)}", highlight=False, soft_wrap=True)

        yield show
