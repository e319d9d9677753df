"""What recognizes uploaded videos: the page's own recognizer, and others for when its engine fails.

One that had to be loaded stays, for all sessions and for the videos that come after.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from fra_live.errors import EngineError
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.pool import RecognizerPool

Loader = Callable[[], RecognizerPool]


class Engines:
    """The recognizers that a page has for videos; any thread may call it.

    Args:
        own: the page's.
        loaders: load others, in the order in which they are tried; see `standby.reserves_of`.
    """

    def __init__(self, own: SharedRecognizer, loaders: Sequence[Loader] = ()) -> None:
        self._loaders = tuple(loaders)
        self._lock = threading.Lock()
        # By their place: the own one, then those of `loaders`; None: it cannot be loaded.
        self._loaded: dict[int, SharedRecognizer | None] = {0: own}
        self._now = 0

    def of(
        self, session: Hashable
    ) -> tuple[SharedRecognizer, list[Callable[[], SharedRecognizer]]]:
        """A session's view of the recognizer that works, and what loads those that may follow."""
        with self._lock:
            now = self._now
            working = self._loaded[now]
        assert working is not None
        after = range(now + 1, len(self._loaders) + 1)
        return working.of(session), [partial(self._follow, place, session) for place in after]

    def _follow(self, place: int, session: Hashable) -> SharedRecognizer:
        """Take the recognizer of a place, for good.

        Raises:
            EngineError: it cannot be loaded.
        """
        with self._lock:  # whoever comes meanwhile needs the same one
            if place not in self._loaded:
                self._loaded[place] = None
                self._loaded[place] = SharedRecognizer(self._loaders[place - 1]())
            found = self._loaded[place]
            if found is None:
                raise EngineError("It could not be loaded before.")
            self._now = max(self._now, place)
        return found.of(session)
