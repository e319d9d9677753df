"""A browser's camera: a picture comes in, the annotated one goes out, events are listed.

The page sends a picture or two at a time, and more are refused, so nothing queues here. They are
answered in the order in which they came, at once: with their own result where it is there, else
with the latest one carried along, while the newest picture is recognized (`beside.py`).
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fra_live.errors import FraLiveError
from fra_live.live.carrying import Carrier
from fra_live.live.events import ActiveEvent, EventTracker
from fra_live.live.hud import Hud, spoken
from fra_live.live.overlay import Overlay, OverlayOptions
from fra_live.live.web.beside import Beside, Picture
from fra_live.live.web.pieces import event_list
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.results import Event, FrameResult
from fra_live.video.headers import declared_size

MAX_SIDE = 1920  # px of a picture that a browser may send
_KEPT_EVENTS = 100
_LIST_EVERY_S = 0.4  # a list that changes faster cannot be read
_SILENT_S = 2.0
_DARK, _DARK_FOR_S = 10, 2.0
_NOTICE_S = 10.0  # what happened to the engine is told so long
_QUALITY = 82
_MOST_AT_ONCE = 4  # pictures of one camera

READY = "Start the camera, and drink, phone or brush your teeth."


class Busy(FraLiveError):
    """Too many pictures of one camera at a time."""


@dataclass(frozen=True)
class CameraAnswer:
    """What the page shows after a picture.

    Attributes:
        jpeg: the annotated picture.
        events: HTML of the list.
        status: a sentence.
        served_ms: from the picture's arrival to its answer.
        waited_ms: of that, for the pictures before it, or for the recognizer.
        recognized: pictures of this camera that have been recognized so far.
        recognized_fps: of them, per second lately; 0 while nobody knows.
        recognized_ms: how much earlier than this picture the one came that was recognized.
    """

    jpeg: bytes
    events: str
    status: str
    served_ms: float = 0.0
    waited_ms: float = 0.0
    recognized: int = 0
    recognized_fps: float = 0.0
    recognized_ms: float = 0.0


class Camera:
    """The camera of one session; any thread may call it."""

    def __init__(self, recognizer: SharedRecognizer) -> None:
        self._recognizer = recognizer
        self._lock = threading.Condition()
        self._beside = Beside(recognizer, self._lock, self._note)
        self._carrier = Carrier()
        self._carried_from: Picture | None = None
        self._came = self._gone = 0  # pictures
        self._threshold, self._options = recognizer.threshold, OverlayOptions()
        self._overlay = Overlay(recognizer.labels)
        self._tracker = EventTracker("camera", recognizer.labels)
        self._ended: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._active: tuple[ActiveEvent, ...] = ()
        self._count = self._index = self._tracked_from = 0
        self._began = 0.0
        self._arrivals: deque[float] = deque(maxlen=20)
        self._ms: deque[float] = deque(maxlen=20)
        self._bright_s = 0.0
        self._listed_s = 0.0
        self._notice, self._noticed_s = recognizer.notice, -math.inf
        self._events, self._said = self._list(()), READY

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that have ended, the latest last; times are s since the first picture."""
        with self._lock:
            return tuple(self._ended)

    def choose(self, threshold: float, options: OverlayOptions) -> None:
        """Raise actions from a probability on, and draw so, from the next picture on."""
        with self._lock:
            self._threshold, self._options = threshold, options

    def update(self, data: bytes) -> CameraAnswer:
        """Annotate a picture.

        Args:
            data: the picture as an image file.

        Raises:
            Busy: as many as may be are being worked on.
            FraLiveError: the picture cannot be read, or the engine failed.
        """
        image, begin = _decode(data), time.monotonic()
        with self._lock:
            if self._came - self._gone >= _MOST_AT_ONCE:
                raise Busy("One picture after the other, please.")
            number, self._came = self._came, self._came + 1
            time_s = self._arrive(begin)
            picture = Picture(number, image, time_s, self._threshold, self._options)
            failures = self._beside.put(picture)
            self._lock.wait_for(lambda: self._gone == number)
        try:  # nobody else is in here: answers are made one after the other
            with self._lock:
                result = self._beside.wait(picture, failures)
            waited_ms = 1000 * (time.monotonic() - begin)
            waited_ms -= 0.0 if result is None else sum(result.stages_ms.values())
            drawn, answer = self._show(picture, result)
        finally:
            with self._lock:  # also where it failed: the next ones wait for it
                self._gone += 1
                self._lock.notify_all()
        done, jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise FraLiveError("The annotated picture could not be encoded.")
        served_ms = 1000 * (time.monotonic() - begin)
        with self._lock:
            self._ms.append(served_ms)
        waited_ms = max(0.0, waited_ms)
        return replace(answer, jpeg=jpeg.tobytes(), served_ms=served_ms, waited_ms=waited_ms)

    def stop(self) -> tuple[str, str]:
        """End the events that go on; returns HTML of the list and a sentence."""
        with self._lock:
            self._take(self._tracker.finish())
            self._active, self._tracked_from = (), self._came  # what is under way is too late
            self._events = self._list(())
            self._said = "The camera rests." if self._index else READY
            return self._events, self._said

    def clear(self) -> tuple[str, str]:
        """Forget the events that have ended; returns HTML of the list and a sentence."""
        with self._lock:
            self._ended.clear()
            self._count = 0
            self._events = self._list(self._active)
            return self._events, self._said

    def _show(self, picture: Picture, own: FrameResult | None) -> tuple[np.ndarray, CameraAnswer]:
        """Draw a picture with its own or a carried result; with it come list and sentence."""
        with self._lock:
            reference, active, fps = self._beside.reference, self._active, self._fps
            count, recognized_fps = self._beside.count, self._beside.fps
        assert reference is not None  # else there is no result to wait for
        earlier_s, result = 0.0, own
        if result is None:
            if self._carried_from is not reference and reference.result is not None:
                self._carrier.refer(reference.image, reference.result)
                self._carried_from = reference
            earlier_s = picture.time_s - reference.time_s
            result = self._carrier.carry(picture.image, earlier_s)
            result = replace(result, threshold=picture.threshold)
        dark = int(picture.image.max()) <= _DARK
        self._overlay.options = picture.options
        both = picture.options.suits_carried
        hud = Hud(fps=fps, recognized_fps=recognized_fps if both else None)
        drawn = self._overlay.draw(picture.image, result, active, hud)
        now = time.monotonic()
        with self._lock:
            if not dark:
                self._bright_s = now
            if now - self._listed_s >= _LIST_EVERY_S:
                self._listed_s = now
                self._events, self._said = self._list(active), self._status(active, now)
            return drawn, CameraAnswer(
                b"",
                self._events,
                self._said,
                recognized=count,
                recognized_fps=recognized_fps or 0.0,
                recognized_ms=1000 * max(0.0, earlier_s),
            )

    # -- with the lock held --------------------------------------------------------------------

    def _arrive(self, now: float) -> float:
        """Note that a picture has come; returns its time since the first one, s."""
        if not self._arrivals:
            self._began = self._bright_s = now
        elif now - self._arrivals[-1] > _SILENT_S:
            self._arrivals.clear()
            self._bright_s = now
        self._arrivals.append(now)
        return now - self._began

    def _note(self, picture: Picture, result: FrameResult) -> None:
        """Follow the events by a recognized picture."""
        if picture.number >= self._tracked_from:
            self._take(self._tracker.update(result, self._index))
            self._index += 1
            self._active = self._tracker.active

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
        if self._notice != self._recognizer.notice:
            self._notice, self._noticed_s = self._recognizer.notice, now
        if now - self._noticed_s < _NOTICE_S:
            return self._notice
        if now - self._bright_s > _DARK_FOR_S:
            return "The camera sends black pictures: is its cover closed?"
        names = sorted({spoken(e.action) for e in active if not e.ending})
        doing = f"{' and '.join(names)}." if names else "No action at the moment."
        rate = "" if self._fps is None else f" · {self._fps:.0f} frames/s"
        recognized = self._beside.fps
        rate += "" if recognized is None else f" · {recognized:.0f} recognized/s"
        took = f" · {np.median(list(self._ms)):.0f} ms on the server" if self._ms else ""
        return f"{doing}{rate}{took}"


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
