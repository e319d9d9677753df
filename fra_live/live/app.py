"""The window while a source runs: paints frames, follows the keys, tells what goes on."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from fra_live.errors import FraLiveError
from fra_live.live.camera_switch import CameraSwitch
from fra_live.live.card import draw_card
from fra_live.live.frames import LiveFrame
from fra_live.live.keys import Command, command
from fra_live.live.overlay import VIEWS, Hud, Overlay, OverlayOptions
from fra_live.live.screen import Screen
from fra_live.live.session import Session
from fra_live.live.signals import StopSignal
from fra_live.live.status import StatusLines, clock
from fra_live.video.sources import Source, open_source

TITLE = "fra-live"
FIRST_FRAME = "The first frame is on the screen."
_WAIT_S = 0.05  # for a frame, before the window is let work again
_REST_MS = 30  # for keys, where no frame will come
_ERROR_S = 20.0  # an error stays in the window so long, then in the terminal alone
_AGES = 15  # frames over which the age on the screen is averaged
_log = logging.getLogger(__name__)
_THRESHOLD_STEP, _THRESHOLDS = 0.05, (0.05, 0.95)


class WindowApp:
    """Runs a session in a window until it ends, is closed, or is quit.

    Args:
        session: started.
        screen: open.
        options: of the overlay.
        mirror: show cameras and files as in a mirror.
        threshold: the operating threshold at the start.
        record: record from the first frame on.
        camera: index of the present camera; None where the source is no camera.
        open_camera: opens another camera.
    """

    def __init__(
        self,
        session: Session,
        screen: Screen,
        options: OverlayOptions,
        *,
        mirror: bool,
        threshold: float,
        record: bool = False,
        camera: int | None = None,
        open_camera: Callable[[int], Source] = open_source,
    ) -> None:
        self.status = StatusLines()
        self._session, self._screen = session, screen
        self._overlay = Overlay(session.labels, options)
        self._mirror, self._threshold, self._record_at_once = mirror, threshold, record
        self._cameras = CameraSwitch(camera, open_camera)
        self._frame: LiveFrame | None = None
        self._painted: tuple[str, ...] = ()
        self._ages_ms: deque[float] = deque(maxlen=_AGES)
        self._error: FraLiveError | None = None
        self._error_until = 0.0
        self._quit = self._dirty = False

    def run(self, stop: StopSignal) -> None:
        """Show frames until the end.

        Raises:
            FraLiveError: the source broke, or recognition failed; the window has shown it.
        """
        self.status.note("h: help")
        while not (stop or self._quit or self._screen.closed):
            frame = self._get()
            if frame is None and self._session.loop.ended and not self._stays:
                break
            self._poll()
            if frame is not None:
                self._take(frame)
            lines = self.status.lines(self._lasting())
            if frame is not None or self._dirty or lines != self._painted:
                self._paint(lines, new=frame is not None)
            else:
                self._press(self._screen.key(_REST_MS if self._stays else 1))
        self._cameras.abandon()
        if self._error is not None:
            raise self._error

    # -- what comes in -------------------------------------------------------------------------

    def _get(self) -> LiveFrame | None:
        """The next frame, if there is one."""
        if self._error is not None:
            return None
        try:
            return self._session.loop.get(timeout_s=_WAIT_S)
        except FraLiveError as error:
            self._error, self._error_until = error, time.monotonic() + _ERROR_S
            return None

    def _take(self, frame: LiveFrame) -> None:
        first, self._frame = self._frame is None, frame
        if first:
            self._screen.fit(frame.image)
            if self._record_at_once:
                self._toggle_recording()
        try:
            self._session.take(frame)
        except FraLiveError as error:
            self.status.note(str(error))
        recorder = self._session.recording
        if recorder is not None:
            self._session.record(frame, self._overlay.options, mirror=self._mirror)
            if recorder.error is not None:
                self._stop_recording()

    def _poll(self) -> None:
        """Take in what other threads have to tell."""
        for notice in self._session.loop.notices():
            self.status.note(notice)
        try:
            source = self._cameras.opened()
        except FraLiveError as error:
            self.status.note(str(error))
            return
        if source is None:
            return
        try:
            self._session.start(source, explain=self._overlay.needs_explanation)
        except FraLiveError as error:
            self.status.note(str(error))
        self._session.loop.set_threshold(self._threshold)
        self.status.note(f"Camera {self._cameras.present}")

    @property
    def _stays(self) -> bool:
        """Whether the window stays although no frame will come."""
        if self._error is not None:  # to be read, but not for ever: nobody may be there
            return time.monotonic() < self._error_until
        return self._session.stills and self._session.loop.ended

    # -- what is shown -------------------------------------------------------------------------

    def _lasting(self) -> list[str]:
        loop = self._session.loop
        lines = [loop.source.status] if loop.source.status else []
        if self._error is not None:
            lines.append(f"{self._error} (q: quit)")
        if loop.paused:
            lines.append("Paused: space goes on, . shows one frame")
        recorder = self._session.recording
        if recorder is not None:
            lines.append(f"Recording {clock(recorder.duration_s)}")
        if self._cameras.opening is not None:
            lines.append(f"Opening camera {self._cameras.opening} …")
        return lines

    def _paint(self, lines: tuple[str, ...], *, new: bool) -> None:
        self._painted, self._dirty = lines, False
        frame, session = self._frame, self._session
        if frame is None:
            waiting = (session.loop.source.name, "Waiting for the first frame …", *lines)
            self._press(self._screen.show(draw_card(TITLE, waiting)))
            return
        ages_ms = self._ages_ms or (frame.age_ms,)
        hud = Hud(fps=frame.fps, age_ms=sum(ages_ms) / len(ages_ms), lines=lines)
        if frame.result.threshold != self._threshold:
            frame = replace(frame, result=replace(frame.result, threshold=self._threshold))
        picture = session.draw(
            self._overlay, frame, mirror=self._mirror, room=self._screen.room, hud=hud
        )
        code = self._screen.show(picture)
        if new:
            if not self._ages_ms:
                _log.debug(FIRST_FRAME)
            self._ages_ms.append(session.loop.shown(frame))
        self._press(code)

    # -- what is pressed -----------------------------------------------------------------------

    def _press(self, code: int) -> None:
        wanted, character = command(code)
        if wanted is None:
            return
        self._dirty = True
        loop = self._session.loop
        if wanted is Command.QUIT:
            self._quit = True
        elif wanted is Command.PAUSE:
            if loop.paused:
                self._session.cut()
            loop.pause(not loop.paused)
        elif wanted is Command.STEP:
            loop.pause()
            self._session.cut()
            loop.step()
        elif wanted is Command.VIEW:
            self._choose_view(int(character))
        elif wanted in (Command.THRESHOLD_UP, Command.THRESHOLD_DOWN):
            self._move_threshold(1 if wanted is Command.THRESHOLD_UP else -1)
        elif wanted is Command.MIRROR:
            self._mirror = not self._mirror
        elif wanted is Command.SNAPSHOT:
            self._snapshot()
        elif wanted is Command.RECORD:
            self._toggle_recording()
        elif wanted is Command.NEXT_CAMERA:
            if not self._cameras.open_next():
                self.status.note("No other camera was found.")
        elif wanted is Command.FULL_SCREEN:
            self._screen.toggle_full_screen()
        elif wanted is Command.HELP:
            self.status.help = not self.status.help

    def _choose_view(self, view: int) -> None:
        self._overlay.options = replace(self._overlay.options, view=view)
        self._session.loop.explain = self._overlay.needs_explanation
        self.status.note(f"View {view}: {VIEWS[view]}")

    def _move_threshold(self, direction: int) -> None:
        low, high = _THRESHOLDS
        moved = round(self._threshold / _THRESHOLD_STEP + direction) * _THRESHOLD_STEP
        self._threshold = round(min(max(moved, low), high), 2)
        self._session.loop.set_threshold(self._threshold)
        self.status.note(f"Actions are raised from {100 * self._threshold:.0f} % on")

    def _snapshot(self) -> None:
        if self._frame is None:
            return
        try:
            path = self._session.snapshot(self._overlay, self._frame, mirror=self._mirror)
            self.status.note(f"Saved {path}")
        except FraLiveError as error:
            self.status.note(str(error))

    def _toggle_recording(self) -> None:
        if self._session.recording is not None:
            self._stop_recording()
        elif self._frame is not None:
            try:
                self._session.start_recording(self._frame.result)
            except FraLiveError as error:
                self.status.note(str(error))

    def _stop_recording(self) -> None:
        recorder = self._session.recording
        try:
            path = self._session.stop_recording()
        except FraLiveError as error:
            self.status.note(str(error))
            return
        left_out = recorder.left_out if recorder is not None else 0
        lacking = f", {left_out} frames left out" if left_out else ""
        self.status.note(f"Recorded {path}{lacking}")
