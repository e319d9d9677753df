"""What the commands share: options, announcements, progress and JSON output."""

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

from fra_live.errors import MissingExtraError, SinkError

if TYPE_CHECKING:
    from fra_live.live.overlay import OverlayOptions
    from fra_live.pool import RecognizerPool
    from fra_live.recognizer import Recognizer
    from fra_live.runtime.bundle import Bundle


R = TypeVar("R", "Recognizer", "RecognizerPool")
ENGINES = ("auto", "tensorrt", "torch", "openvino")  # runtime.engine's, not imported for --help


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


def natural(text: str) -> int:
    """Argument type: a whole number from 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def positive(text: str) -> float:
    """Argument type: a finite number above 0."""
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def probability(text: str) -> float:
    """Argument type: a number in 0..1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not in 0..1")
    return value


def frame_size(text: str) -> tuple[int, int]:
    """Argument type: WIDTHxHEIGHT in px, returned as (H, W)."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT, as 640x480") from None
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' has no pixels")
    return height, width


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """--model, --engine, --precision, --threads."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", default="mobile", metavar="NAME|DIR", help="model bundle (default: mobile)"
    )
    group.add_argument(
        "--engine",
        default="auto",
        choices=ENGINES,
        help="what runs the networks (default: the best that works here)",
    )
    group.add_argument(
        "--precision",
        default="auto",
        metavar="P",
        help="auto, f32, bf16 … (default: the fastest that keeps the model's accuracy)",
    )
    group.add_argument(
        "--threads",
        type=natural,
        default=0,
        metavar="N",
        help="CPU threads for the networks (default: 0, the engine decides)",
    )


def add_threshold_option(parser: argparse.ArgumentParser) -> None:
    """--threshold."""
    parser.add_argument(
        "--threshold",
        type=probability,
        metavar="P",
        help="raise an action from this probability on, 0..1 (default: the model's own)",
    )


def add_overlay_options(parser: argparse.ArgumentParser) -> None:
    """--view, --hide-faces."""
    parser.add_argument(
        "--view",
        type=int,
        choices=range(1, 6),
        default=1,
        help="1 annotated frame, 2 coarse map, 3 windows, 4 fine map, 5 all of them (default: 1)",
    )
    parser.add_argument(
        "--hide-faces",
        choices=("pixelate", "blur"),
        default="",
        help="hide the faces of people who act in no event",
    )


def overlay_options(args: argparse.Namespace) -> OverlayOptions:
    """What `add_overlay_options` stands for."""
    from fra_live.live.overlay import OverlayOptions

    return OverlayOptions(view=args.view, faces=args.hide_faces)


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


def add_json_option(parser: argparse.ArgumentParser, what: str) -> None:
    """--json FILE|-."""
    parser.add_argument(
        "--json", metavar="FILE|-", help=f"write {what} as JSON to a file, or to stdout with -"
    )


def add_record_option(parser: argparse.ArgumentParser) -> None:
    """--record NAME."""
    parser.add_argument(
        "--record", metavar="NAME", help="put the figures into the model's manifest, by this name"
    )


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
