"""A browser's camera: a picture comes in, the annotated one goes out, events are listed.

The page sends a picture at a time and keeps only the newest that waits, so nothing queues here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.errors import FraLiveError
from fra_live.live.events import ActiveEvent, EventTracker
from fra_live.live.hud import Hud, spoken
from fra_live.live.overlay import Overlay, OverlayOptions
from fra_live.live.web.pieces import event_list
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.results import Event
from fra_live.video.headers import declared_size

MAX_SIDE = 1920  # px of a picture that a browser may send
_KEPT_EVENTS = 100
_LIST_EVERY_S = 0.4  # a list that changes faster cannot be read
_SILENT_S = 2.0
_DARK, _DARK_FOR_S = 10, 2.0
_QUALITY = 82

READY = "Allow the camera, then press its round record button."


@dataclass(frozen=True)
class CameraAnswer:
    """What the page shows after a picture.

    Attributes:
        jpeg: the annotated picture.
        events: HTML of the list.
        status: a sentence.
    """

    jpeg: bytes
    events: str
    status: str


class Camera:
    """The camera of one session; one thread at a time is let in."""

    def __init__(self, recognizer: SharedRecognizer) -> None:
        self._recognizer = recognizer
        self._lock = threading.Lock()
        self._overlay = Overlay(recognizer.labels)
        self._tracker = EventTracker("camera", recognizer.labels)
        self._ended: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._count = self._index = 0
        self._began = self._last_s = 0.0
        self._arrivals: deque[float] = deque(maxlen=20)
        self._ms: deque[float] = deque(maxlen=20)
        self._bright_s = 0.0
        self._listed_s = 0.0
        self._events, self._said = self._list(()), READY

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that have ended, the latest last; times are s since the first picture."""
        with self._lock:
            return tuple(self._ended)

    def update(self, data: bytes, threshold: float, options: OverlayOptions) -> CameraAnswer:
        """Annotate a picture.

        Args:
            data: the picture as an image file.
            threshold: raise an action from this probability on.
            options: what is drawn.

        Raises:
            FraLiveError: the picture cannot be read, or the engine failed.
        """
        image = _decode(data)
        with self._lock:
            now = time.monotonic()
            if not self._arrivals:
                self._began = self._bright_s = now
            elif now - self._last_s > _SILENT_S:
                self._arrivals.clear()
                self._bright_s = now
            self._arrivals.append(now)
            if int(image.max()) > _DARK:
                self._bright_s = now
            self._overlay.options = options
            result = self._recognizer.at(threshold)(
                image, timestamp_s=now - self._began, explain=self._overlay.needs_explanation
            )
            self._take(self._tracker.update(result, self._index))
            self._index += 1
            active = self._tracker.active
            hud = Hud(fps=self._fps)
            drawn = self._overlay.draw(image, result, active, hud)
            self._ms.append((time.monotonic() - now) * 1000)
            if now - self._listed_s >= _LIST_EVERY_S:
                self._listed_s = now
                self._events, self._said = self._list(active), self._status(active, now)
            events, said = self._events, self._said
            self._last_s = time.monotonic()
        done, jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise FraLiveError("The annotated picture could not be encoded.")
        return CameraAnswer(jpeg.tobytes(), events, said)

    def rest(self) -> tuple[str, str]:
        """What to show while no pictures come; events end once they have stayed away.

        Returns:
            HTML of the list and the status sentence.
        """
        with self._lock:
            if self._arrivals and time.monotonic() - self._last_s >= _SILENT_S:
                self._take(self._tracker.finish())
                self._events = self._list(())
                self._said = "The camera rests; press its record button to go on."
            return self._events, self._said

    def clear(self) -> str:
        """Forget the events that have ended; returns the new list."""
        with self._lock:
            self._ended.clear()
            self._count = 0
            self._events = self._list(self._tracker.active)
            return self._events

    def _take(self, ended: list[Event]) -> None:
        self._ended.extend(ended)
        self._count += len(ended)

    def _list(self, active: tuple[ActiveEvent, ...]) -> str:
        return event_list(self._recognizer.labels, active, tuple(self._ended), self._count)

    @property
    def _fps(self) -> float | None:
        if len(self._arrivals) < 3:
            return None
        return (len(self._arrivals) - 1) / max(1e-3, self._arrivals[-1] - self._arrivals[0])

    def _status(self, active: tuple[ActiveEvent, ...], now: float) -> str:
        if now - self._bright_s > _DARK_FOR_S:
            return "The camera sends black pictures: is its cover closed?"
        names = sorted({spoken(e.action) for e in active if not e.ending})
        doing = f"{' and '.join(names)}." if names else "No action at the moment."
        rate = "" if self._fps is None else f" · {self._fps:.0f} frames/s"
        return f"{doing}{rate} · {np.median(list(self._ms)):.0f} ms on the server"


def _decode(data: bytes) -> np.ndarray:
    size = declared_size(data)
    if size is None:
        raise FraLiveError("The browser sent no picture; reload the page.")
    if max(size) > MAX_SIDE:
        raise FraLiveError(
            f"The camera's pictures have {size[1]}×{size[0]} px; choose at most {MAX_SIDE} a side."
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise FraLiveError("The browser sent a picture that cannot be read; reload the page.")
    return image
