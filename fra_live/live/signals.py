"""Ctrl-C, SIGTERM and SIGHUP as a wish to stop, so that files are finished before the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# SIGHUP comes when the terminal is closed; Windows has none.
_STOPPING = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


class StopSignal:
    """Whether a signal has asked to stop; true in a condition once it has.

    A plain attribute instead of `threading.Event`: a handler runs between any two steps of the
    main thread, which may hold the very lock that an Event takes.
    """

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextmanager
def stop_signals() -> Iterator[StopSignal]:
    """Turn the first of these signals into a wish; a second one acts as it did before.

    In other threads than the main one, where signals cannot be handled, the wish never comes.
    """
    stop = StopSignal()
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        restore()

    if threading.current_thread() is threading.main_thread():
        for number in _STOPPING:
            # What is ignored stays so (nohup); what is not Python's could not be put back.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handle)
    try:
        yield stop
    finally:
        if threading.current_thread() is threading.main_thread():
            restore()
