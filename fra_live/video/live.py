"""Cameras and streams: only the newest frame, and a lost one is opened again every second.

One thread reads the device all the time and puts what it got into a place for one; whoever
iterates takes from there. So at most one frame waits while another is worked on, and what is
taken is never older than one frame.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

import numpy as np

from fra_live.errors import SourceError
from fra_live.video.base import Frame, Source
from fra_live.video.files import DECODING_ERRORS

_log = logging.getLogger(__name__)
_STALLED_S = 2.0
_DARK = 12  # of 255: no pixel of the picture is brighter
_DARK_S = 3.0
_JOIN_S = 2.0

T = TypeVar("T")


class Device(Protocol[T]):
    """Something that gives pictures at its own pace, used by one thread."""

    def read(self) -> T:
        """Wait for the next picture; `image` makes an array of it.

        Raises:
            SourceError: the device is lost.
        """
        ...

    def image(self, picture: T, /) -> np.ndarray:
        """(H, W, 3) uint8 BGR of a picture; called by the thread that takes the frame."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class LiveSource(Source, Generic[T]):
    """The newest frame of a device, for as long as it is wanted.

    Attributes:
        dropped: frames that nobody took in time.
    """

    live = True

    def __init__(
        self, name: str, connect: Callable[[], Device[T]], *, retry_s: float = 1.0
    ) -> None:
        """Open the device, and go on reading it in a thread.

        Args:
            name: for messages, without credentials.
            connect: opens the device; it must have given a picture, or raise SourceError.
            retry_s: pause before a lost device is opened again.

        Raises:
            SourceError: the device cannot be opened now, the first time.
        """
        self.name, self.dropped = name, 0
        self._connect, self._retry_s = connect, retry_s
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._waiting: tuple[Device[T], T, float, int] | None = None
        self._captured, self._ended, self._lost = 0, False, ""
        self._dark_since: float | None = None
        device = connect()
        self._started = self._last = time.perf_counter()
        self._thread = threading.Thread(
            target=self._run, args=(device,), name=f"read {name}", daemon=True
        )
        self._thread.start()

    @property
    def status(self) -> str:
        """Whether the device is lost, silent or dark, as a sentence; "" where all is well."""
        now = time.perf_counter()
        with self._changed:
            if self._lost or self._ended:
                return self._lost
            if now - self._last > _STALLED_S:
                return f"{self.name} has sent nothing for {now - self._last:.0f} s."
            if self._dark_since is not None and now - self._dark_since > _DARK_S:
                return f"{self.name} sends black pictures: is it covered, or used by a meeting?"
            return ""

    def __iter__(self) -> Iterator[Frame]:
        while (taken := self._take()) is not None:
            device, picture, captured, index = taken
            try:
                image = device.image(picture)
            except DECODING_ERRORS:
                continue  # one damaged picture; the next one comes at once
            self.size = image.shape[0], image.shape[1]
            self._watch_darkness(image)
            yield Frame(image, captured - self._started, index)

    def close(self) -> None:
        """Stop reading; whoever waits for a frame is woken and gets no more."""
        self._stop.set()
        with self._changed:
            self._ended, self._waiting = True, None
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)  # a device that hangs is left to its thread

    def _take(self) -> tuple[Device[T], T, float, int] | None:
        with self._changed:
            # The limit only lets Ctrl-C through on Windows.
            while not self._changed.wait_for(lambda: self._waiting or self._ended, 1.0):
                pass
            taken, self._waiting = self._waiting, None
            return taken

    def _watch_darkness(self, image: np.ndarray) -> None:
        dark = int(image[::8, ::8].max(initial=0)) <= _DARK
        if not dark:
            self._dark_since = None
        elif self._dark_since is None:
            self._dark_since = time.perf_counter()

    def _run(self, device: Device[T] | None) -> None:
        try:
            while device is not None and not self._stop.is_set():
                try:
                    picture = device.read()
                except SourceError as error:
                    device.close()
                    device = None
                    device = self._reopen(error)
                    continue
                with self._changed:
                    self.dropped += self._waiting is not None
                    self._last = time.perf_counter()
                    self._waiting = device, picture, self._last, self._captured
                    self._captured += 1
                    self._changed.notify_all()
        finally:
            if device is not None:
                device.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _reopen(self, error: SourceError) -> Device[T] | None:
        _log.warning("%s", error)
        tries = 0
        while True:
            tries += 1
            with self._changed:
                self._lost = f"{error} Trying again every {self._retry_s:g} s (try {tries})."
            if self._stop.wait(self._retry_s):
                return None
            try:
                device = self._connect()
            except SourceError:
                continue
            with self._changed:
                self._lost, self._last = "", time.perf_counter()
            _log.warning("%s is back.", self.name)
            return device
