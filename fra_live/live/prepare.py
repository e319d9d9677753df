"""Source and networks made ready at the same time, while a window already stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from fra_live.errors import SourceError
from fra_live.live.background import Background
from fra_live.video.address import Kind, parse_address
from fra_live.video.sources import Source, open_source

T = TypeVar("T")


class Preparation(Generic[T]):
    """A source that is being opened and a recognizer that is being loaded.

    Args:
        open_it: opens the source.
        load: loads the recognizer.
    """

    def __init__(self, open_it: Callable[[], Source], load: Callable[[], T]) -> None:
        self._source = Background(open_it, lambda source: source.close())
        self._recognizer = Background(load)
        self._taken = False

    def ready(self, timeout_s: float) -> bool:
        """Whether both are ready, after waiting at most so long.

        Raises:
            SourceError: the source cannot be opened; the recognizer is not waited for.
            FraLiveError: the recognizer cannot be loaded.
        """
        for part in (self._source, self._recognizer):
            if part.failed():
                self.abandon()
                part.result()
        waiting = self._recognizer if self._source.done() else self._source
        waiting.done(timeout_s)
        return self._source.done() and self._recognizer.done() and not self._failed()

    def lines(self) -> list[str]:
        """What is still being waited for."""
        source = "" if self._source.done() else "Opening the source …"
        networks = "" if self._recognizer.done() else "Making the networks ready …"
        return [line for line in (source, networks) if line]

    def take(self) -> tuple[Source, T]:
        """Both, once they are ready; the caller closes the source."""
        self._taken = True
        return self._source.result(), self._recognizer.result()

    def abandon(self) -> None:
        """Want neither any more, unless they were taken; the source is closed when it opens."""
        if not self._taken:
            self._source.abandon()
            self._recognizer.abandon()

    def _failed(self) -> bool:
        return self._source.failed() or self._recognizer.failed()


def open_live(spec: str | int | Path, size: tuple[int, int] | None) -> Source:
    """Open a source; where a camera is missing the error points to the demo.

    Raises:
        SourceError: it cannot be opened.
    """
    try:
        return open_source(spec, size=size)
    except SourceError as error:
        if parse_address(spec).kind is not Kind.CAMERA:
            raise
        raise SourceError(f"{error} 'fra-live demo' needs no camera.") from error
