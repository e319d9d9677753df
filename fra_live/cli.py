"""The command line: finds the command, runs it, and turns every error into one sentence."""

from __future__ import annotations

import argparse
import atexit
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from types import FrameType
from typing import Any, cast

from fra_live import __version__
from fra_live.commands.common import Command, say
from fra_live.errors import FraLiveError
from fra_live.quiet import quiet_libraries

COMMANDS = (
    "demo", "live", "web", "process", "train", "quantise", "evaluate", "explain", "bench",
    "engines", "doctor",
)  # fmt: skip
_RECOGNITION = "recognition"  # the name of threads that call engines
_DESCRIPTION = """\
Recognizes face-related actions (drinking, smoking, blowing bubbles, brushing teeth, phoning) in
camera streams, videos and images, and outlines the object of the action in every frame.

Start with `fra-live demo`; `fra-live doctor` says what this machine can do."""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps the descriptions' lines, and gives the options room."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 30, **options})


class Terminated(KeyboardInterrupt):
    """SIGTERM came; whatever cleans up after Ctrl-C cleans up after this too."""


def build_parser() -> argparse.ArgumentParser:
    """The whole parser; no command's library is imported."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show the traceback of an error, and everything that is logged or printed",
    )
    parser = argparse.ArgumentParser(
        "fra-live", description=_DESCRIPTION, formatter_class=_Help, parents=[common]
    )
    parser.add_argument("--version", action="version", version=f"fra-live {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for name in COMMANDS:
        command = cast(Command, import_module(f"fra_live.commands.{name}"))
        subparser = subparsers.add_parser(
            name,
            help=command.HELP,
            description=command.DESCRIPTION,
            formatter_class=_Help,
            parents=[common],
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run, parser=subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments; None takes the process's own.

    Returns:
        The exit status: 0 done, 1 failed as one sentence on stderr said, 130 Ctrl-C, 143 SIGTERM.

    Raises:
        SystemExit: with 2 after bad usage, with 0 after --help.
    """
    # Read when NumPy is first imported, which no command has done yet. The ranking's small products
    # gain nothing from threads, and threads that wait for them slow the networks by a third.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 must not fail a command
            stream.reconfigure(errors="replace")
    args = build_parser().parse_args(argv)
    debug: bool = getattr(args, "debug", False)
    with nullcontext() if debug else quiet_libraries(), _logging(debug), _sigterm():
        status = _run(args, debug)
    if argv is None:  # the program itself, which ends now
        atexit.register(_leave, status)
    return status


def _run(args: argparse.Namespace, debug: bool) -> int:
    try:
        return int(args.run(args))
    except Terminated:
        return _ended("stopped.", 143, debug)
    except KeyboardInterrupt:
        return _ended("interrupted.", 130, debug)
    except BrokenPipeError:  # `fra-live … | head`: the reader has had enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 – for the flush at exit
        return 1
    except FraLiveError as error:
        return _ended(str(error), 1, debug)
    except MemoryError:
        return _ended("not enough memory: use smaller or fewer inputs.", 1, debug)
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return _ended(f"internal error ({what}); run with --debug to see where.", 1, debug)


def _ended(sentence: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    say(sentence)
    return status


def _leave(status: int) -> None:
    """End at once where a call hangs in an engine's own code, which else aborts the program."""
    if not any(t.name == _RECOGNITION and t.is_alive() for t in threading.enumerate()):
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


@contextmanager
def _logging(debug: bool) -> Iterator[None]:
    """The library's log goes to stderr: warnings, or everything."""
    logger, handler = logging.getLogger("fra_live"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("fra-live: %(message)s"))
    level = logger.level
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _sigterm() -> Iterator[None]:
    """While a command runs, SIGTERM unwinds it as Ctrl-C does, so that files are finished."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before: Any = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
