"""The recognizers of a page: its own, and others for when its engine fails or hangs.

One that takes another's place keeps it, for all sessions, their cameras, images and videos.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from fra_live.crew import EngineHung
from fra_live.errors import EngineError, FraLiveError
from fra_live.live.web.members import Member, patience_s
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.pool import RecognizerPool
from fra_live.video.threads import Stalled, in_time

Loader = Callable[[], RecognizerPool]
_log = logging.getLogger(__name__)


class Engines:
    """The recognizers that a page has; any thread may call it.

    Args:
        own: the page's.
        loaders: load others, in the order in which they are tried, once each; see
            `standby.reserves_of`.

    Attributes:
        lasting: a view for cameras and images, which goes on with the next engine by itself.
        notice: what happened last, as a sentence for visitors; empty: nothing.
    """

    def __init__(self, own: SharedRecognizer, loaders: Sequence[Loader] = ()) -> None:
        self.lasting = own.lasting(self)
        self.notice = ""
        self._own, self._loaders = own, tuple(loaders)
        self._lock = threading.Lock()
        self._now = 0  # the page's own one, then those of `loaders`
        self._tried: set[int] = set()

    def of(
        self, session: Hashable
    ) -> tuple[SharedRecognizer, list[Callable[[], SharedRecognizer]]]:
        """A session's view for a video, and what loads the engines that may follow."""
        with self._lock:
            after = range(self._now + 1, len(self._loaders) + 1)
        return self._own.of(session), [partial(self._follow, place, session) for place in after]

    def rescue(self, member: Member, error: Exception) -> None:
        """Have the next engine that works take the place of one that failed or hangs.

        Raises:
            EngineError: no other is left.
        """
        with self._lock:  # whoever comes meanwhile needs the same one
            if member.whole is not self._own.recognizer:  # somebody else has seen to it
                return
            if isinstance(error, EngineHung):
                what = f"has not answered for {error.patience_s:g} s"
            else:  # what a library says may name this computer's files
                what = f"failed ({_clause(error)})" if isinstance(error, FraLiveError) else "failed"
            why, obstacles = f"The engine{_named(self._own, ' ({})')} {what}", [_clause(error)]
            for place in range(self._now + 1, len(self._loaders) + 1):
                try:
                    self._load(place)
                except Exception as obstacle:  # a library of another version may raise anything
                    obstacles.append(_clause(obstacle))
                    continue
                name = _named(self._own, "{}") or "another one"
                self.notice = f"{why}; {name} carries on."
                _log.warning("%s (%s)", self.notice, "; ".join(obstacles))
                return
            _log.warning("%s, and no other is left (%s).", why, "; ".join(obstacles))
        raise EngineError(f"{why}, and no other engine is left; see 'fra-live doctor'.") from error

    def _follow(self, place: int, session: Hashable) -> SharedRecognizer:
        """Give up the engines before a place.

        Raises:
            EngineError: there is none, or it cannot be loaded.
        """
        with self._lock:
            if place > self._now:
                self._load(place)
        return self._own.of(session)

    def _load(self, place: int) -> None:
        """Load an engine and give it to everybody; the lock is held."""
        if place in self._tried:
            raise EngineError("It could not be loaded before.")
        self._tried.add(place)
        limit_s = patience_s(first=True)
        try:
            recognizer = in_time(self._loaders[place - 1], limit_s)
        except Stalled:
            raise EngineError(f"Loading another one took more than {limit_s:g} s.") from None
        self._now = place
        self._own.exchange(recognizer)
        name = _named(self._own, "{}")
        self.notice = f"Another engine{f' ({name})' if name else ''} has taken over."


def _named(recognizer: SharedRecognizer, form: str) -> str:
    engine = getattr(recognizer, "engine", None)
    return form.format(f"{engine.backend} in {engine.precision}") if engine is not None else ""


def _clause(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
