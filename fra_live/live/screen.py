"""One OpenCV window: whether there can be one, and opening, painting, keys, size and closing.

OpenCV's own failures are of no use to a person: the headless build raises a page of C++, and the
Qt build ends the whole process where no display answers. Both are found out beforehand.
"""

from __future__ import annotations

import ctypes
import os
import sys

import cv2
import numpy as np

from fra_live.errors import SinkError
from fra_live.live.settings import WindowSettings

_MIN_SIDE = 320  # px; smaller pictures are enlarged so that text can be read
_MAX_SIZE = 1600, 900  # px; larger pictures are reduced
_NO_WINDOW = "or use --no-window"


def check_screen() -> None:
    """Find out whether a window can be opened.

    Raises:
        SinkError: OpenCV is the build without windows, or no display answers; it names the fix.
    """
    framework = _framework()
    if not framework:
        raise SinkError(
            "The installed OpenCV is the headless build, which has no windows: run "
            f"'pip install --force-reinstall --no-deps opencv-python', {_NO_WINDOW}."
        )
    if sys.platform.startswith("linux"):
        if framework.startswith("QT"):
            # The wheel holds this plug-in alone and aborts when asked for another (Wayland's).
            os.environ["QT_QPA_PLATFORM"] = "xcb"
        _check_display()


def _framework() -> str:
    """Name of what OpenCV's windows are made of; "" for the headless build."""
    if hasattr(cv2, "currentUIFramework"):
        try:
            return str(cv2.currentUIFramework())
        except cv2.error:  # how some headless builds say so
            return ""
    lines = cv2.getBuildInformation().splitlines()
    gui = next((line.split(":", 1)[1].strip() for line in lines if "GUI:" in line), "NONE")
    return "" if gui == "NONE" else gui


def _check_display() -> None:
    display = os.environ.get("DISPLAY", "")
    if not display:
        raise SinkError(
            "There is no display to open a window on (DISPLAY is not set): start it in a desktop "
            f"session, over 'ssh -X' or under 'xvfb-run', {_NO_WINDOW}."
        )
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return  # cv2 was imported, so it is some build that does without
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if failed:
        raise SinkError(
            f"The display '{display}' (DISPLAY) does not answer or does not let us in: start it "
            f"in a desktop session, over 'ssh -X' or under 'xvfb-run', {_NO_WINDOW}."
        )


class Screen:
    """A window that keeps the picture's proportions; for the main thread only.

    Args:
        title: of the window.
        settings: the size it had last time.

    Raises:
        SinkError: see `check_screen`.
    """

    def __init__(self, title: str, settings: WindowSettings) -> None:
        check_screen()
        self.title = title
        self._remembered = settings.size
        self._fitted: tuple[int, int] | None = None
        self._size: tuple[int, int] | None = None
        self._room: tuple[int, int] | None = None
        self._full_screen = False
        self._closed = False
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        try:
            cv2.namedWindow(title, flags)
            if self._remembered is not None:
                cv2.resizeWindow(title, *self._remembered)
        except cv2.error as error:
            raise SinkError(f"OpenCV cannot open a window ({error.err}), {_NO_WINDOW}.") from error
        if settings.full_screen:
            self.toggle_full_screen()

    @property
    def settings(self) -> WindowSettings:
        """What to remember for the next time."""
        chosen = self._size if self._size not in (None, self._fitted) else self._remembered
        return WindowSettings(chosen, self._full_screen)

    @property
    def room(self) -> tuple[int, int] | None:
        """(H, W) px that a picture has in the window; None while nobody knows."""
        return None if self._room is None else (self._room[1], self._room[0])

    def show(self, image: np.ndarray) -> int:
        """Paint a picture and take the keys that were pressed.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            The first key's code as `cv2.waitKeyEx` gives it; −1 for none.
        """
        if self._closed:
            return -1
        cv2.imshow(self.title, image)
        return self.key()

    def key(self, wait_ms: int = 1) -> int:
        """Let the window work; the code of a key that was pressed, −1 for none in `wait_ms`."""
        if self._closed:
            return -1
        code = cv2.waitKeyEx(wait_ms)
        self._look()
        return code

    @property
    def closed(self) -> bool:
        """Whether the window was closed, by its button or by `close`."""
        return self._closed

    def fit(self, image: np.ndarray) -> None:
        """Make the window as large as a picture, unless its size was chosen before."""
        height, width = image.shape[:2]
        if self._closed or self._remembered is not None:
            return
        scale = max(1.0, _MIN_SIDE / min(width, height))
        scale = min(scale, _MAX_SIZE[0] / width, _MAX_SIZE[1] / height)
        self._fitted = max(1, round(width * scale)), max(1, round(height * scale))
        self._room = self._fitted
        cv2.resizeWindow(self.title, *self._fitted)

    def toggle_full_screen(self) -> None:
        """Fill the screen, or go back."""
        if not self._closed:
            self._full_screen = not self._full_screen
            mode = cv2.WINDOW_FULLSCREEN if self._full_screen else cv2.WINDOW_NORMAL
            cv2.setWindowProperty(self.title, cv2.WND_PROP_FULLSCREEN, mode)

    def close(self) -> None:
        """Close the window."""
        if not self._closed:
            self._closed = True
            cv2.destroyWindow(self.title)
            cv2.waitKeyEx(1)  # some frameworks close it only while they work

    def _look(self) -> None:
        """See whether the window is still there, and how large it is."""
        try:
            if cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1:
                self._closed = True
                return
            _, _, width, height = cv2.getWindowImageRect(self.title)
        except cv2.error:  # Qt's way to say that its last window is gone
            self._closed = True
            return
        if width > 0 and height > 0:
            self._room = width, height
            if not self._full_screen:
                self._size = self._room
