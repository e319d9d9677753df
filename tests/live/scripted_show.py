"""A window app on a camera, with a stand-in for the screen that presses keys when it is told to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fra_live.errors import SourceError
from fra_live.live.app import WindowApp
from fra_live.live.overlay import OverlayOptions
from fra_live.live.session import Session
from fra_live.live.signals import StopSignal
from fra_live.video.sources import Source
from tests.live.loop_parts import FakeCamera, SlowRecognizer


class ScriptedScreen:
    """Keeps what is shown; presses each key when its condition is first met."""

    def __init__(self) -> None:
        self.closed = False
        self.full_screen = False
        self.room: tuple[int, int] | None = None
        self.fitted: tuple[int, ...] | None = None
        self.pictures: list[np.ndarray] = []
        self.script: list[tuple[Callable[[], bool], str]] = []
        self._asked = time.monotonic()

    def show(self, image: np.ndarray) -> int:
        assert image.ndim == 3 and image.dtype == np.uint8
        self.pictures.append(image)
        return self.key()

    def key(self, wait_ms: int = 1) -> int:
        assert time.monotonic() - self._asked < 30, "the script got stuck"
        if self.script and self.script[0][0]():
            self._asked = time.monotonic()
            return ord(self.script.pop(0)[1])
        time.sleep(wait_ms / 1000)
        return -1

    def fit(self, image: np.ndarray) -> None:
        self.fitted = image.shape

    def toggle_full_screen(self) -> None:
        self.full_screen = not self.full_screen


class Show:
    """A window app on a camera, and the means to press keys in it."""

    def __init__(
        self,
        folder: Path,
        source: Source,
        recognizer: SlowRecognizer,
        options: OverlayOptions | None = None,
        every_frame: bool = True,
    ) -> None:
        self.session = Session(recognizer, events=folder / "events.jsonl", folder=folder)
        self.session.start(source)
        self.screen = ScriptedScreen()
        self.recognizer = recognizer
        self.cameras: list[FakeCamera] = []
        self.app = WindowApp(
            self.session,
            self.screen,  # type: ignore[arg-type]
            options or OverlayOptions(),
            mirror=False,
            threshold=0.5,
            every_frame=every_frame,
            camera=0,
            open_camera=self.open_camera,
        )
        self.stop = StopSignal()

    def open_camera(self, index: int) -> Source:
        if index == 13:
            raise SourceError("Camera 13 is cursed.")
        self.cameras.append(FakeCamera(100, size=(60, 80)))
        return self.cameras[-1]

    def press(self, *keys: str, after: int = 3) -> None:
        """Press keys one after the other, each after so many more pictures."""
        for key in keys:
            self.press_when(self._more(after), key)

    def press_when(self, condition: Callable[[], bool], key: str) -> None:
        self.screen.script.append((condition, key))

    def _more(self, count: int) -> Callable[[], bool]:
        start: list[int] = []

        def enough() -> bool:
            start.append(len(self.screen.pictures))
            return start[-1] >= start[0] + count

        return enough

    def noted(self, text: str) -> Callable[[], bool]:
        return lambda: any(text in line for line in self.app.status.lines([]))

    def run(self) -> None:
        try:
            self.app.run(self.stop)
        finally:
            self.session.close()
