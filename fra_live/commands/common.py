"""What the commands share: options, loading, announcements, progress and JSON output."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fra_live.commands.options import (
    ENGINES,
    add_json_option,
    add_model_options,
    add_overlay_options,
    add_record_option,
    add_threshold_option,
    frame_size,
    natural,
    overlay_options,
    positive,
    probability,
)
from fra_live.errors import MissingExtraError, SinkError

if TYPE_CHECKING:
    from fra_live.pool import RecognizerPool
    from fra_live.recognizer import Recognizer
    from fra_live.runtime.bundle import Bundle

__all__ = [
    "ENGINES",
    "Command",
    "ProgressBar",
    "add_json_option",
    "add_model_options",
    "add_overlay_options",
    "add_record_option",
    "add_threshold_option",
    "announce",
    "frame_size",
    "load_recognizer",
    "load_recognizers",
    "natural",
    "overlay_options",
    "plain",
    "positive",
    "print_table",
    "probability",
    "progress_bar",
    "record",
    "require",
    "say",
    "write_json",
]

R = TypeVar("R", "Recognizer", "RecognizerPool")


class Command(Protocol):
    """What a module in `fra_live.commands` has."""

    HELP: str
    """One line for `fra-live --help`."""

    DESCRIPTION: str
    """A paragraph or two for the command's own `--help`, with examples."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit status."""


def say(text: str) -> None:
    """One line on stderr, where announcements go: stdout is for results."""
    print(f"fra-live: {text}", file=sys.stderr, flush=True)


def require(purpose: str, extra: str, *modules: str) -> None:
    """Make sure that an extra is installed, without importing it.

    Raises:
        MissingExtraError: a module is not there.
    """
    if any(find_spec(module) is None for module in modules):
        raise MissingExtraError(purpose, extra)


def load_recognizer(args: argparse.Namespace, *, follow: bool = False) -> Recognizer:
    """Load the model that the options name and announce what runs it, and why.

    Args:
        args: with what `add_model_options` declares.
        follow: as for `fra_live.load`.

    Raises:
        BundleError: as `fra_live.load`.
        EngineError: as `fra_live.load`.
    """
    from fra_live.recognizer import load

    options = (args.model, args.engine, args.precision, args.threads)
    return _ready(load(*options, follow=follow), args)


def load_recognizers(args: argparse.Namespace) -> RecognizerPool:
    """The same for files, which several recognizers work through side by side."""
    from fra_live.pool import load_pool

    return _ready(load_pool(args.model, args.engine, args.precision, args.threads), args)


def _ready(recognizer: R, args: argparse.Namespace) -> R:
    if getattr(args, "threshold", None) is not None:
        recognizer.threshold = args.threshold
    announce(recognizer.bundle, str(recognizer.engine))
    return recognizer


def announce(bundle: Bundle, engine: str) -> None:
    """Say which model and engine were chosen."""
    say(f"model {bundle.name}, {engine}")


def record(folder: Path, name: str | None, figures: Mapping[str, Any]) -> None:
    """Put figures into the manifest of the bundle in `folder`, where `name` asks for it."""
    if name is not None:
        from fra_live.runtime.manifest import record_figures

        record_figures(folder, name, plain(figures))


def plain(value: Any) -> Any:
    """Values that JSON knows: NumPy's become Python's, NaN and infinities become null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):  # NumPy arrays and scalars, without importing NumPy
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_json(value: Any, target: str) -> None:
    """Write figures to a file, whole or not at all, or to stdout for "-".

    Raises:
        SinkError: the file cannot be written.
    """
    text = json.dumps(plain(value), indent=2, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(target)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SinkError(f"{path} cannot be written: {error.strerror}.") from error


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]], title: str = "") -> None:
    """A table on stdout; the first column is text, the others are figures."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


@contextmanager
def progress_bar(what: str) -> Iterator[ProgressBar]:
    """A bar on stderr: shown on a terminal only, gone when done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:
        yield ProgressBar(p, p.add_task(what, total=None))


class ProgressBar:
    """Callable with (done, total), as the library's progress callbacks are."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show that `done` of `total` are done."""
        self._progress.update(self._task, completed=done, total=total)
