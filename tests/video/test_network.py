"""Cameras and files behind URLs: lost and found again, refused, silent, and no secret shown."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live.errors import SourceError
from fra_live.video.files import FileSource
from fra_live.video.sources import open_source
from tests.video.waiting import wait_until


class Handler(http.server.BaseHTTPRequestHandler):
    """A network camera in motion JPEG, and a video file."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        if self.path.startswith("/film.mp4"):
            data = server.film.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            return
        if self.path.startswith("/nothing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for index in range(10_000):
            if server.stopped.wait(0.01):
                return
            image = np.full((48, 64, 3), 50 + index % 100, np.uint8)
            data = cv2.imencode(".jpg", image)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    film = Path()

    def __init__(self, port: int = 0) -> None:
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)


@contextmanager
def serving(film: Path = Path(), port: int = 0) -> Iterator[str]:
    server = Server(port)
    server.film = film
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_network_camera_that_goes_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as host:
        port = int(host.split(":")[1])
        source = open_source(f"http://me:secret@{host}/live?key=hidden")
        frames = iter(source)
        for _ in range(3):
            assert next(frames).image.shape == (48, 64, 3)
    shown = [source.name, repr(source.name)]
    with source:
        wait_until(lambda: "Trying again every 1 s" in source.status)
        shown.append(source.status)
        while source._waiting is not None:  # what came before the end
            next(frames)
        with serving(port=port):
            assert next(frames).image.shape == (48, 64, 3)
            assert source.status == ""
            started = time.monotonic()
            source.close()
            assert time.monotonic() - started < 5
    shown += [r.getMessage() for r in caplog.records]
    assert any("back" in text for text in shown)
    assert not any("secret" in text or "hidden" in text for text in shown)
    assert source.name == f"http://{host}/live"


def test_a_video_on_a_web_server_is_read_whole(make_clip: Callable[..., Path]) -> None:
    film = make_clip(frames=12, options={"movflags": "+faststart"})
    with serving(film) as host, open_source(f"http://{host}/film.mp4?key=hidden") as source:
        assert isinstance(source, FileSource)
        assert len(list(source)) == 12
        assert (source.name, source.path) == (f"http://{host}/film.mp4", None)


def test_urls_that_refuse_or_never_answer() -> None:
    with serving() as host, pytest.raises(SourceError, match="Not Found") as refused:
        open_source(f"http://me:secret@{host}/nothing")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(SourceError, match=r"did not answer within 0\.3 s") as slow:
            open_source(f"http://me:secret@127.0.0.1:{port}/x", timeout_s=0.3)
    with pytest.raises(SourceError, match="Connection refused") as gone:
        open_source(f"rtsp://me:secret@127.0.0.1:{port}/x")
    for caught in (refused, slow, gone):
        text = "".join(map(str, (caught.value, caught.value.__cause__, caught.value.args)))
        assert "secret" not in text
        assert caught.value.__suppress_context__
