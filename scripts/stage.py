"""What measuring and picturing share: the program itself, on a display of its own or in a browser.

Everything here is real: `fra-live` as a process, a window on an X server, Chromium with a clip in
the place of its camera.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fra_live.errors import FraLiveError  # noqa: E402

_ADDRESS = "the page is at "
_END_S = 60.0  # to finish, on a busy machine
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
)  # fmt: skip


class Program:
    """`fra-live ARGUMENTS` from this checkout (-P: from no other), followed by what it says.

    Attributes:
        begin_s: `time.perf_counter()` at its start.
        said: its lines so far.
    """

    def __init__(self, *arguments: str | Path, display: str | None = None) -> None:
        environment = {**os.environ, **({} if display is None else {"DISPLAY": display})}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.said: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self.begin_s = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "fra_live", *map(str, arguments)],
            env=environment, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_for(self, text: str, timeout_s: float = 120.0) -> str:
        """Wait until it says a line with `text` in it; returns that line.

        Raises:
            FraLiveError: it ended before, or took too long.
        """
        with self._changed:
            done = self._changed.wait_for(
                lambda: self._ended or any(text in line for line in self.said), timeout_s
            )
            found = next((line for line in self.said if text in line), None)
            if found is None:
                how = "ended" if done else f"went on for {timeout_s:g} s"
                last = " ".join(self.said[-3:])
                raise FraLiveError(f"fra-live {how} without '{text}'; it said last: {last}")
            return found

    def end(self, number: int = signal.SIGINT) -> None:
        """End it, as Ctrl-C does, and wait until it has said everything."""
        self.process.send_signal(number)
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with self._changed:
            self._changed.wait_for(lambda: self._ended, _END_S)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                with self._changed:
                    self.said.append(line.strip())
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@contextmanager
def x_display(size: tuple[int, int] = (1152, 2048)) -> Iterator[str]:
    """An X display of (H, W) px that nobody sees; yields its name.

    Raises:
        FraLiveError: there is no Xvfb.
    """
    if not shutil.which("Xvfb"):
        raise FraLiveError("There is no Xvfb; install it with 'apt-get install xvfb'.")
    reading, writing = os.pipe()
    # A number of our own: a server that ends removes the socket of the next one of its number.
    display, screen = f":{1000 + os.getpid() % 30000}", f"{size[1]}x{size[0]}x24"
    server = subprocess.Popen(
        ["Xvfb", display, "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp"],
        pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def web_page(*arguments: str) -> Iterator[str]:
    """Run `fra-live web`; yields the page's address.

    Raises:
        FraLiveError: it ended without one.
    """
    program = Program("web", *arguments)
    try:
        line = program.wait_for(_ADDRESS)
        yield line.split(_ADDRESS, 1)[1].split()[0]
    finally:
        program.end()


@contextmanager
def chromium(camera: Path | None = None, flags: Sequence[str] = ()) -> Iterator[Any]:
    """Headless Chromium under Playwright, with a profile of its own.

    Args:
        camera: .mjpeg or .y4m file that plays in the place of a camera, over and over.
        flags: more of Chromium's.

    Yields:
        A Playwright browser.

    Raises:
        FraLiveError: Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise FraLiveError("There is no Playwright; run 'pip install playwright'.") from None
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        raise FraLiveError("There is no Chromium; install it with 'apt-get install chromium'.")
    video = [] if camera is None else [f"--use-file-for-fake-video-capture={camera}"]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*FLAGS, *video, *flags], env={**os.environ, "HOME": home}
        )
        try:
            yield browser
        finally:
            browser.close()


def start_camera(page: Any) -> None:
    """Allow the camera on the page's Webcam tab and start it."""
    page.locator("#fl-token").wait_for(state="attached")
    page.get_by_role("button", name="Start the camera").click()
