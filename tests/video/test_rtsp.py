"""A real RTSP server: killed and started again, silent, and asking for a password."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fra_live.errors import SourceError
from fra_live.video import devices
from fra_live.video.live import LiveSource
from fra_live.video.sources import open_source
from tests.video.waiting import wait_until

PYTHON = "/usr/bin/python3"  # Debian's, which has GStreamer's bindings
BINDINGS = "import gi; gi.require_version('GstRtspServer', '1.0')"


class Server:
    """The server in a process of its own, at a port that stays the same."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"rtsp://me:se@cret@127.0.0.1:{self.port}/live"
        self.start()

    def start(self) -> None:
        script = str(Path(__file__).with_name("rtsp_server.py"))
        self.process = subprocess.Popen(
            [PYTHON, script, str(self.port), "me", "se@cret"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "serving\n"

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        found = subprocess.run([PYTHON, "-c", BINDINGS], capture_output=True).returncode == 0
    except OSError:
        found = False
    if not found:
        pytest.skip(
            "there is no RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi"
            " gstreamer1.0-plugins-good"
        )
    server = Server()
    yield server
    server.kill()


def test_a_server_that_is_killed_and_started_again(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), open_source(server.url) as source:
        assert isinstance(source, LiveSource)
        name = f"rtsp://127.0.0.1:{server.port}/live"
        frames = iter(source)
        first = [next(frames) for _ in range(5)]
        assert first[0].image.shape == (48, 64, 3)
        assert int(first[0].image.max()) > 100  # a picture
        server.kill()
        wait_until(lambda: "Trying again every 1 s" in source.status)
        shown = [source.status]
        while source._waiting is not None:  # what came before the end
            last = next(frames)
            assert last.index > first[-1].index
        server.start()
        again = next(frames)
        assert again.image.shape == (48, 64, 3)
        assert again.timestamp_s > first[-1].timestamp_s
        assert source.status == ""
    shown += [record.getMessage() for record in caplog.records]
    assert source.name == name
    assert any(text == f"{name} is back." for text in shown)
    assert not any("cret" in text for text in shown)


def test_a_server_that_falls_silent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "READ_TIMEOUT_S", 1.0)
    with open_source(server.url) as source:
        frames = iter(source)
        next(frames)
        server.send(signal.SIGSTOP)
        wait_until(lambda: "has sent nothing for 1 s" in source.status)
        server.send(signal.SIGCONT)
        wait_until(lambda: source.status == "")
        begin = time.monotonic()
        source.close()  # also where a server does not answer the good-bye
        assert time.monotonic() - begin < 10


def test_a_wrong_password(server: Server) -> None:
    with pytest.raises(SourceError, match=r"401 Unauthorized.*; check address, user") as caught:
        open_source(server.url.replace("se@cret", "gu@ess"))
    assert "ess" not in str(caught.value).replace("address", "")
