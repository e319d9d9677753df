"""The window while a source runs: paints frames, follows the keys, tells what goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from fra_live.errors import FraLiveError
from fra_live.live.camera_switch import CameraSwitch
from fra_live.live.card import draw_card
from fra_live.live.frames import LiveFrame, RecentAges
from fra_live.live.keeping import KeepingKeys
from fra_live.live.keys import Command, command
from fra_live.live.overlay import VIEWS, Hud, Overlay, OverlayOptions
from fra_live.live.screen import Screen
from fra_live.live.session import Session
from fra_live.live.signals import StopSignal
from fra_live.live.status import StatusLines
from fra_live.video.sources import Source, open_source

TITLE = "fra-live"
FIRST_FRAME = "The first frame is on the screen."
_WAIT_S = 0.05  # for a frame, before the window is let work again
_REST_MS = 30  # for keys, where no frame will come
_ERROR_S = 20.0  # an error stays in the window so long, then in the terminal alone
_log = logging.getLogger(__name__)
_MINUTE_S = 60.0
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
        every_frame: show frames that are not recognized too, where the view suits that.
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
        every_frame: bool = True,
        camera: int | None = None,
        open_camera: Callable[[int], Source] = open_source,
    ) -> None:
        self.status = StatusLines()
        self._session, self._screen = session, screen
        self._keys = KeepingKeys(session, self.status)
        self._overlay = Overlay(session.labels, options)
        self._every_frame = every_frame
        self._suit_view()
        self._mirror, self._threshold, self._record_at_once = mirror, threshold, record
        self._cameras = CameraSwitch(camera, open_camera)
        self._frame: LiveFrame | None = None
        self._painted: tuple[str, ...] = ()
        self._ages = RecentAges()
        self._told_s = time.monotonic()
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
            self._tell_figures()
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
                self._keys.toggle_recording(frame)
        try:
            self._session.take(frame)
        except FraLiveError as error:
            self.status.note(str(error))
        self._keys.take(frame, self._overlay.options, mirror=self._mirror)

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

    def _tell_figures(self) -> None:
        """Say every minute how it goes; growth shows."""
        if (now := time.monotonic()) - self._told_s >= _MINUTE_S:
            self._told_s = now
            _log.debug("So far %s.", self._session.loop.figures())

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
        lines += self._keys.lasting
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
        age_ms, recognized_ms = self._ages.means(frame)
        hud = Hud(fps=frame.fps, age_ms=age_ms, lines=lines)
        if session.every_frame:
            hud = replace(hud, recognized_fps=frame.recognized_fps, recognized_ms=recognized_ms)
        if frame.result.threshold != self._threshold:
            frame = replace(frame, result=replace(frame.result, threshold=self._threshold))
        picture = session.draw(
            self._overlay, frame, mirror=self._mirror, room=self._screen.room, hud=hud
        )
        code = self._screen.show(picture)
        if new:
            if not self._ages:
                _log.debug(FIRST_FRAME)
            self._ages.add(frame, session.loop.shown(frame))
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
            self._keys.snapshot(self._overlay, self._frame, mirror=self._mirror)
        elif wanted is Command.RECORD:
            self._keys.toggle_recording(self._frame)
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
        self._suit_view()
        self.status.note(f"View {view}: {VIEWS[view]}")

    def _suit_view(self) -> None:
        self._session.every_frame = self._every_frame and self._overlay.options.suits_carried

    def _move_threshold(self, direction: int) -> None:
        low, high = _THRESHOLDS
        moved = round(self._threshold / _THRESHOLD_STEP + direction) * _THRESHOLD_STEP
        self._threshold = round(min(max(moved, low), high), 2)
        self._session.loop.set_threshold(self._threshold)
        self.status.note(f"Actions are raised from {100 * self._threshold:.0f} % on")
