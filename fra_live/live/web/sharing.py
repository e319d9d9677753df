"""One recognizer, or a few, for many sessions: whoever waits has a turn, session after session.

A turn always ends: a call that hangs is left to its thread, and the others go on.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from fra_live.crew import OneRecognizer
from fra_live.labels import LabelSet
from fra_live.live.web.members import Member, members_of
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
                if ticket in self._holders:
                    self._free.append(self._holders.pop(ticket))
                    self._pass_on()

    def renew(self, places: Iterable[int]) -> None:
        """Exchange the places: who holds one holds none any more, who waits gets one of these."""
        with self._changed:
            self._holders.clear()
            self._free = list(places)
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


class Rescue(Protocol):
    """What knows other engines."""

    @property
    def notice(self) -> str:
        """What happened last, as a sentence for visitors; empty: nothing."""
        ...

    def rescue(self, member: Member, error: Exception) -> None:
        """Have another engine take the place of one that failed.

        Raises:
            EngineError: no other is left.
        """
        ...


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
        self._session = session
        # By the turns' places, those of earlier engines before; the same for all views.
        self._members = members_of(recognizer)
        self._turns = turns or Turns(len(self._members))
        self._rescue: Rescue | None = None
        self.threshold = recognizer.threshold if threshold is None else float(threshold)

    def of(self, session: Hashable) -> SharedRecognizer:
        """The view of another session."""
        view = copy.copy(self)
        view._session, view.threshold = session, self.recognizer.threshold
        return view

    def at(self, threshold: float) -> SharedRecognizer:
        """The same session's view with another threshold."""
        view = copy.copy(self)
        view.threshold = float(threshold)
        return view

    def lasting(self, rescue: Rescue) -> SharedRecognizer:
        """The same session's view, which goes on with another engine where one fails or hangs."""
        view = copy.copy(self)
        view._rescue = rescue
        return view

    def exchange(self, recognizer: Recognizer | RecognizerPool) -> None:
        """Have another recognizer for all views; what is under way at the old one has no turn."""
        begin = len(self._members)
        self._members.extend(members_of(recognizer))
        self._turns.renew(range(begin, len(self._members)))

    @property
    def recognizer(self) -> Recognizer | RecognizerPool:
        """The one that is shared at present."""
        return self._members[-1].whole

    @property
    def labels(self) -> LabelSet:
        """Channels and actions."""
        return self.recognizer.labels

    @property
    def bundle(self) -> Any:
        """The model on disk."""
        return self.recognizer.bundle

    @property
    def engine(self) -> Any:
        """What runs the networks, and why."""
        return self.recognizer.engine

    @property
    def notice(self) -> str:
        """What happened to the engine last, as a sentence for visitors; empty: nothing."""
        return "" if self._rescue is None else self._rescue.notice

    @contextmanager
    def turn(self) -> Iterator[OneRecognizer]:
        """Have a recognizer to oneself; waits until it is this session's turn.

        Who asks for the newest picture only then recognizes no older one. The recognizer's
        threshold is its own.
        """
        with self._turns.turn(self._session) as place:
            member = self._members[place]
            yield member if self._rescue is None else partial(self._lastingly, member)

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """Recognize one (H, W, 3) uint8 BGR frame, when it is this session's turn.

        Raises:
            EngineError: the backend failed or hangs.
        """
        with self.turn() as recognizer:
            result = recognizer(image, timestamp_s=timestamp_s, explain=explain)
        return replace(result, threshold=self.threshold)

    def _lastingly(self, member: Member, image: np.ndarray, /, **options: Any) -> FrameResult:
        try:
            return member(image, **options)
        except MemoryError:  # another engine needs no less
            raise
        except Exception as error:
            assert self._rescue is not None
            self._rescue.rescue(member, error)
        # The old turn ended with the old engine.
        with self._turns.turn(self._session) as place:
            return self._lastingly(self._members[place], image, **options)
