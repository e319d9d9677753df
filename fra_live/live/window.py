"""`fra-live live`: a source in a window, or, without one, its events as they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fra_live.live.app import TITLE, WindowApp
from fra_live.live.card import draw_card
from fra_live.live.events import EventParameters
from fra_live.live.frames import FrameRecognizer
from fra_live.live.hud import spoken
from fra_live.live.keys import Command, command
from fra_live.live.overlay import OverlayOptions
from fra_live.live.prepare import Preparation, open_live
from fra_live.live.screen import Screen, check_screen
from fra_live.live.session import LabelledRecognizer, Session
from fra_live.live.settings import read_settings, write_settings
from fra_live.live.signals import StopSignal, stop_signals
from fra_live.results import Event
from fra_live.video.address import Address, Kind, parse_address
from fra_live.video.sources import Source

_SPLASH_S = 0.03  # between two looks at the window's keys while it waits
_TURN_S = 0.001
_TEXT_S = 0.2  # between two looks at signals and notices where there is no window


@dataclass(frozen=True)
class WindowOptions:
    """How a source is shown.

    Attributes:
        window: False opens no window: events are told as text, and of files every frame counts.
        events: JSON lines or, by its suffix, CSV file for the events, written as they end.
        event_folder: for a still and a clip of each event, with the seconds before it.
        folder: where snapshots and recordings go.
        record: record from the first frame on.
        mirror: show the picture as in a mirror; None: of cameras only.
        threshold: the operating threshold, 0..1; None: the model's own.
        size: (H, W) wanted of a camera, px.
        repeat: start a file over when it ends.
        overlay: what is drawn.
        parameters: of the events.
        hang_s: an engine that takes longer than this for a frame is given up.
        every_frame: the window shows frames that are not recognized too, see `LiveLoop`.
    """

    window: bool = True
    events: Path | None = None
    event_folder: Path | None = None
    folder: Path = Path()
    record: bool = False
    mirror: bool | None = None
    threshold: float | None = None
    size: tuple[int, int] | None = None
    repeat: bool = False
    overlay: OverlayOptions = field(default_factory=OverlayOptions)
    parameters: EventParameters = field(default_factory=EventParameters)
    hang_s: float = 10.0
    every_frame: bool = True


def run_window(
    source_spec: str | int | Path,
    recognizer_factory: Callable[[], LabelledRecognizer],
    options: WindowOptions | None = None,
    *,
    say: Callable[[str], None] = lambda text: None,
    tell_event: Callable[[Event], None] = lambda event: None,
    fallback: Callable[[], FrameRecognizer] | None = None,
) -> int:
    """Show a source until it ends or is quit; every file is finished, whatever ends it.

    It ends by q, Esc, the window's button, Ctrl-C, SIGTERM, or with its file.

    Args:
        source_spec: see `open_source`.
        recognizer_factory: loads the model; called in another thread.
        options: see `WindowOptions`.
        say: takes announcements, a sentence each.
        tell_event: takes each event as it ends, where there is no window.
        fallback: loads another recognizer, for when the engine fails or hangs.

    Returns:
        The exit status, 0.

    Raises:
        SinkError: there can be no window, or a file cannot be written.
        SourceError: the source cannot be opened, or broke.
        EngineError: the networks cannot be run.
    """
    address = parse_address(source_spec)  # what is not there is told before anything is loaded
    run = _Run(source_spec, address, options or WindowOptions(), say, tell_event, fallback)
    if run.options.window:
        check_screen()
    preparing = Preparation(lambda: open_live(source_spec, run.options.size), recognizer_factory)
    with stop_signals() as stop, _quick_turns():
        try:
            if run.options.window:
                run.in_window(preparing, stop)
            else:
                run.as_text(preparing, stop)
        finally:
            preparing.abandon()
    return 0


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Let Python's threads take turns every millisecond, for as long as a source runs.

    Drawing lets go of the interpreter at every call of OpenCV's; to get it back from the
    recognizer it would wait for up to five milliseconds each time.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def event_line(event: Event) -> str:
    """An event as a line of text: "Drinking, 3.2 s to 7.4 s, 97 %, person 1"."""
    times = f"{event.start_s:.1f} s to {event.end_s:.1f} s"
    person = "" if event.person is None else f", person {event.person + 1}"
    return f"{spoken(event.action)}, {times}, {100 * event.peak_score:.0f} %{person}"


@dataclass(frozen=True)
class _Run:
    """The arguments of `run_window`, and what is done with them."""

    spec: str | int | Path
    address: Address
    options: WindowOptions
    say: Callable[[str], None]
    tell_event: Callable[[Event], None]
    fallback: Callable[[], FrameRecognizer] | None

    def in_window(self, preparing: Preparation[LabelledRecognizer], stop: StopSignal) -> None:
        screen = Screen(TITLE, read_settings())
        try:
            screen.fit(draw_card(TITLE, ()))
            while not preparing.ready(_SPLASH_S):
                code = screen.show(draw_card(TITLE, (self.address.name, *preparing.lines())))
                if stop or screen.closed or command(code)[0] is Command.QUIT:
                    return
            self._show(*preparing.take(), screen, stop)
        finally:
            write_settings(screen.settings)
            screen.close()

    def _show(
        self, source: Source, recognizer: LabelledRecognizer, screen: Screen, stop: StopSignal
    ) -> None:
        camera = self.address.index if self.address.kind is Kind.CAMERA else None
        mirror = camera is not None if self.options.mirror is None else self.options.mirror
        session = self._session(source, recognizer)
        app = WindowApp(
            session,
            screen,
            self.options.overlay,
            mirror=mirror,
            threshold=recognizer.threshold,
            record=self.options.record,
            every_frame=self.options.every_frame,
            camera=camera,
            open_camera=lambda index: open_live(index, self.options.size),
        )
        try:
            app.run(stop)
        finally:
            session.close()
        self._sum_up(session)

    def as_text(self, preparing: Preparation[LabelledRecognizer], stop: StopSignal) -> None:
        while not preparing.ready(_TEXT_S):
            if stop:
                return
        session = self._session(*preparing.take())
        try:
            self._tell(session, stop)
        finally:
            for event in session.close():
                self.tell_event(event)
        self._sum_up(session)

    def _tell(self, session: Session, stop: StopSignal) -> None:
        loop, status = session.loop, ""
        while not (stop or loop.ended):
            frame = loop.get(timeout_s=_TEXT_S)
            for notice in loop.notices():
                self.say(notice)
            if loop.source.status != status:
                status = loop.source.status
                self.say(status or f"{loop.source.name} is well again.")
            if frame is None:
                continue
            for event in session.take(frame):
                self.tell_event(event)
            if self.options.record and session.recording is None:
                session.start_recording(frame.result)
            session.record(frame, self.options.overlay)
            loop.shown(frame)

    def _session(self, source: Source, recognizer: LabelledRecognizer) -> Session:
        options = self.options
        if options.threshold is not None:
            recognizer.threshold = options.threshold
        try:
            session = Session(
                recognizer,
                parameters=options.parameters,
                events=options.events,
                event_folder=options.event_folder,
                folder=options.folder,
                fallback=self.fallback,
                hang_s=options.hang_s,
            )
        except BaseException:
            source.close()
            raise
        again = options.repeat and not source.live
        session.start(
            source,
            # Without a window nobody watches the clock: every frame counts.
            pacing=None if source.live or options.window else "every",
            explain=options.overlay.view != 1,
            repeat=(lambda: open_live(self.spec, None)) if again else None,
        )
        return session

    def _sum_up(self, session: Session) -> None:
        figures = session.loop.figures()
        events = f"{session.event_count} event{'' if session.event_count == 1 else 's'}"
        self.say(f"{figures}; {events}.")
