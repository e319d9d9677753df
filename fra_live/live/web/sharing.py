"""One recognizer, or a few, for many sessions: whoever waits has a turn, session after session."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from fra_live.labels import LabelSet
from fra_live.pool import RecognizerPool
from fra_live.recognizer import Recognizer
from fra_live.results import FrameResult


class Turns:
    """A lock that goes round: a session that asks often has no more turns than the others.

    Args:
        places: how many may hold it at the same time.
    """

    def __init__(self, places: int = 1) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, deque[object]] = OrderedDict()
        self._holders: dict[object, int] = {}
        self._free = list(range(places))

    @contextmanager
    def turn(self, session: Hashable) -> Iterator[int]:
        """Hold the lock; waits until it is this session's turn.

        Yields:
            The number of its place, from 0.
        """
        ticket = object()
        with self._changed:
            self._waiting.setdefault(session, deque()).append(ticket)
            self._pass_on()
            self._changed.wait_for(lambda: ticket in self._holders)
            place = self._holders[ticket]
        try:
            yield place
        finally:
            with self._changed:
                self._free.append(self._holders.pop(ticket))
                self._pass_on()

    def _pass_on(self) -> None:
        while self._free and self._waiting:
            session, tickets = next(iter(self._waiting.items()))
            self._holders[tickets.popleft()] = self._free.pop()
            if tickets:
                self._waiting.move_to_end(session)
            else:
                del self._waiting[session]
            self._changed.notify_all()


class SharedRecognizer:
    """A session's own view of the recognizer that all sessions share.

    It can be called from any thread, and has a threshold of its own.

    Args:
        recognizer: the one that is shared, or a pool of them.
        turns: the lock that guards it, the same for all sessions; None makes one.
        session: whose turn it is.
        threshold: raise an action from this probability on; None takes the recognizer's own.
    """

    def __init__(
        self,
        recognizer: Recognizer | RecognizerPool,
        turns: Turns | None = None,
        session: Hashable = "",
        threshold: float | None = None,
    ) -> None:
        self._recognizer, self._session = recognizer, session
        self._each = (
            recognizer.recognizers if isinstance(recognizer, RecognizerPool) else (recognizer,)
        )
        self._turns = turns or Turns(len(self._each))
        self.threshold = recognizer.threshold if threshold is None else float(threshold)

    def of(self, session: Hashable) -> SharedRecognizer:
        """The view of another session."""
        return SharedRecognizer(self._recognizer, self._turns, session)

    def at(self, threshold: float) -> SharedRecognizer:
        """The same session's view with another threshold."""
        return SharedRecognizer(self._recognizer, self._turns, self._session, threshold)

    @property
    def labels(self) -> LabelSet:
        """Channels and actions."""
        return self._recognizer.labels

    @property
    def bundle(self) -> Any:
        """The model on disk."""
        return self._recognizer.bundle

    @property
    def engine(self) -> Any:
        """What runs the networks, and why."""
        return self._recognizer.engine

    @contextmanager
    def turn(self) -> Iterator[Recognizer]:
        """Have a recognizer to oneself; waits until it is this session's turn.

        Who asks for the newest picture only then recognizes no older one. The recognizer's
        threshold is its own.
        """
        with self._turns.turn(self._session) as place:
            yield self._each[place]

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """Recognize one (H, W, 3) uint8 BGR frame, when it is this session's turn.

        Raises:
            EngineError: the backend failed.
        """
        with self.turn() as recognizer:
            result = recognizer(image, timestamp_s=timestamp_s, explain=explain)
        return replace(result, threshold=self.threshold)
