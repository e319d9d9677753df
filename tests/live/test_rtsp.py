"""A network camera that goes and comes back: a real RTSP server on this machine."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.live.loop_parts import write_clip
from tests.live.program import Program

PYTHON = "/usr/bin/python3"  # the bindings are Debian's packages
NEEDED = "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
USER, PASSWORD = "stage", "s3cr3t-w0rds"


@cache
def without_server() -> str | None:
    """Why there can be no RTSP server here; None where there can."""
    code = "import gi; gi.require_version('GstRtspServer', '1.0')"
    try:
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, timeout=60)
    except OSError:
        return f"there is no {PYTHON}"
    return None if done.returncode == 0 else f"there is no RTSP server: apt-get install {NEEDED}"


class Server:
    """An RTSP server with a clip that asks for user and password."""

    def __init__(self, clip: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.clip = clip
        self.start()

    @property
    def url(self) -> str:
        return f"rtsp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/clip"

    def start(self) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        self.process = subprocess.Popen(
            [PYTHON, str(script), str(self.clip), str(self.port), USER, PASSWORD],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if reason := without_server():
        pytest.skip(reason)
    served = Server(write_clip(tmp_path / "clip.mp4", frames=3000, rate=15))
    yield served
    if served.process.poll() is None:
        served.signal(signal.SIGKILL)


def said(program: Program, text: str) -> bool:
    return any(line.startswith("said") and text in line for line in program.lines)


def test_a_server_that_dies_is_told_at_once_and_taken_up_again(
    server: Server, start: Callable[..., Program], tmp_path: Path
) -> None:
    program = start(server.url, tmp_path, "text")
    program.wait_for_frames()
    server.signal(signal.SIGKILL)
    killed_s = time.monotonic()
    program.wait_for(lambda: said(program, "Trying again every 1 s"))
    assert time.monotonic() - killed_s < 5  # a second, on a machine with time to spare
    seen = program.frames()
    server.start()
    program.wait_for(lambda: said(program, "is well again"))
    program.wait_for_frames(seen + 10)
    program.process.send_signal(signal.SIGINT)
    assert program.end() == 0
    text = "\n".join(program.lines)
    assert PASSWORD not in text and USER not in text
    assert f"127.0.0.1:{server.port}/clip" in text


def test_a_server_that_stalls_is_told_and_goes_on(
    server: Server, start: Callable[..., Program], tmp_path: Path
) -> None:
    program = start(server.url, tmp_path, "text")
    program.wait_for_frames()
    server.signal(signal.SIGSTOP)
    program.wait_for(lambda: said(program, "has sent nothing for 2 s"))
    seen = program.frames()
    server.signal(signal.SIGCONT)
    program.wait_for(lambda: said(program, "is well again"))
    program.wait_for_frames(seen + 10)


def test_a_wrong_password_is_told_without_it(
    server: Server, start: Callable[..., Program], tmp_path: Path
) -> None:
    wrong = server.url.replace(PASSWORD, "wr0ng")
    program = start(wrong, tmp_path, "text")
    assert program.end() == 1
    assert program.lines[-1].startswith("error") and "user and password" in program.lines[-1]
    assert "wr0ng" not in "\n".join(program.lines)
