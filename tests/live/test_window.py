from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live.errors import SinkError
from fra_live.live import screen
from fra_live.live.window import run_window
from tests.live.loop_parts import SlowRecognizer, decode, write_clip
from tests.live.program import ROOT, Program


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=45, size=(240, 320))


# -- whether there can be a window ---------------------------------------------------------------


def test_headless_opencv_is_told_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen.cv2, "currentUIFramework", lambda: "")
    with pytest.raises(SinkError, match=r"pip install --force-reinstall --no-deps opencv-python"):
        run_window("0", SlowRecognizer)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X displays are Linux's")
@pytest.mark.parametrize(
    ("display", "told"),
    [("", "DISPLAY is not set"), (":7654", "':7654' .* does not answer")],
)
def test_a_missing_display_is_told(
    display: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen.cv2, "currentUIFramework", lambda: "QT5")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(SinkError, match=told):
        run_window("0", SlowRecognizer)


@pytest.mark.window
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_opencvs_x_libraries_are_loaded_and_not_pyavs() -> None:
    code = (
        "import fra_live.live.window, pathlib;"
        "maps = pathlib.Path('/proc/self/maps').read_text();"
        "print(*{m.split()[-1] for m in maps.splitlines() if 'libxcb-' in m}, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = {Path(line).parent.name for line in done.stdout.split()}
    if folders:  # OpenCV from elsewhere than its wheel brings none
        assert "opencv_python.libs" in folders
    names = [Path(line).name for line in done.stdout.split()]
    assert len(names) == len(set(names)), done.stdout
    assert not any("av.libs" in line and "libxcb-shm" in line for line in done.stdout.split())


# -- a real window -------------------------------------------------------------------------------


def grab(display: str) -> np.ndarray:
    """The screen of an X display: (H, W, 3) uint8 BGR."""
    # In a program of its own: PyAV's X libraries beside those of OpenCV's windows crash a process.
    command = ["ffmpeg", "-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size"]
    command += ["1280x800", "-i", display, "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]
    shot = subprocess.run(command, capture_output=True, check=True).stdout
    return cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)


class Window:
    """The window of a running program."""

    def __init__(self, program: Program, display: str) -> None:
        self.program, self.display = program, display

    def do(self, *arguments: str) -> str:
        environment = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(
            ["xdotool", *arguments], env=environment, capture_output=True, text=True
        )
        return done.stdout.strip()

    @property
    def number(self) -> str:
        return (self.do("search", "--name", "^fra-live$").split() or [""])[-1]

    def press(self, key: str) -> None:
        self.do("key", "--window", self.number, key)


@pytest.fixture
def window(
    clip: Path, tmp_path: Path, x_display: str, start: Callable[..., Program]
) -> Iterator[Window]:
    if not screen._framework():
        pytest.skip("this OpenCV is headless: install opencv-python over it")
    if not shutil.which("xdotool"):
        pytest.skip("there is no xdotool: apt-get install xdotool")
    if not shutil.which("ffmpeg"):
        pytest.skip("there is no ffmpeg to see the screen with: apt-get install ffmpeg")
    program = start(clip, tmp_path, "repeat", display=x_display)
    program.wait_for_frames()
    shown = Window(program, x_display)
    program.wait_for(lambda: bool(shown.number))
    yield shown


@pytest.mark.window
def test_the_picture_is_on_the_screen_and_q_quits(window: Window, tmp_path: Path) -> None:
    # 427 x 320 px of the clip, which grows brighter, and white type on it
    window.program.wait_for(lambda: (grab(window.display).max(axis=2) > 60).mean() > 0.09)
    assert grab(window.display).max() > 200
    window.press("q")
    assert window.program.end() == 0
    assert "frames shown" in window.program.lines[-1]
    assert (tmp_path / "events.jsonl").exists()


@pytest.mark.window
def test_pause_step_snapshot_and_recording(window: Window, tmp_path: Path) -> None:
    program = window.program
    window.press("r")
    program.wait_for(lambda: bool(list(tmp_path.glob(".fra-live-*.mp4"))))
    program.wait_for_frames(program.frames() + 10)
    window.press("space")
    settled = [-1]

    def still() -> bool:
        before, settled[0] = settled[0], program.frames()
        time.sleep(0.5)
        return before == settled[0]

    program.wait_for(still)
    paused_at = program.frames()
    window.press("period")
    program.wait_for_frames(paused_at + 1)
    time.sleep(0.3)
    assert program.frames() == paused_at + 1
    window.press("s")
    program.wait_for(lambda: bool(list(tmp_path.glob("fra-live-*.png"))))
    window.press("r")
    program.wait_for(lambda: bool(list(tmp_path.glob("fra-live-*.mp4"))))
    window.press("h")
    window.press("q")
    assert program.end() == 0
    [picture] = tmp_path.glob("fra-live-*.png")
    assert cv2.imread(str(picture)).shape == (240, 320, 3)
    [recording] = tmp_path.glob("fra-live-*.mp4")
    assert len(decode(recording)) >= 5


@pytest.mark.window
def test_the_window_size_is_remembered(window: Window, tmp_path: Path) -> None:
    program = window.program
    window.do("windowsize", window.number, "720", "540")
    program.wait_for_frames(program.frames() + 10)
    window.press("q")
    assert program.end() == 0
    saved = json.loads((tmp_path / "config" / "fra-live" / "window.json").read_text())
    assert saved["size"] == [720, 540]
