"""The progress bars: a line remains of every input."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from fra_live.progress import progress_bar
from fra_live.reports import Progress


def test_a_line_of_every_input_remains() -> None:
    text = io.StringIO()
    with progress_bar(Console(file=text, width=100)) as show:
        odd = Path("[red]a[1].mp4")  # no markup
        for frame in (1, 2, 3):
            show(Progress(odd, 1, 3, frame, 3, frame / 3, fps=31.0))
        show(Progress(odd, 1, 3, 3, 3, 1.0, state="done"))
        show(Progress(Path("live.mkv"), 2, 3, 10))  # of unknown length
        show(Progress(Path("live.mkv"), 2, 3, 10, state="done", message="It ends early."))
        show(Progress(Path("b.jpg"), 3, 3, state="refused", message="b.jpg is [no] image."))
    lines = [line.strip() for line in text.getvalue().splitlines()]
    for line in (
        "[1/3] [red]a[1].mp4: done",
        "[2/3] live.mkv: done",
        "It ends early.",
        "[3/3] b.jpg: refused",
        "b.jpg is [no] image.",
    ):
        assert line in lines
