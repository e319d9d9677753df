"""Live sources: the newest frame only, lost devices opened again, nothing secret shown."""

from __future__ import annotations

import http.server
import logging
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
from fra_live.video.devices import CameraDevice
from fra_live.video.files import FileSource
from fra_live.video.live import LiveSource
from fra_live.video.sources import list_cameras, open_source


class Script:
    """A device that gives numbered pictures when told to."""

    def __init__(self) -> None:
        self.pictures = 0
        self.changed = threading.Condition()
        self.lost = self.closed = False

    def give(self, count: int = 1) -> None:
        with self.changed:
            self.pictures += count
            self.changed.notify_all()

    def lose(self) -> None:
        with self.changed:
            self.lost = True
            self.changed.notify_all()

    def read(self) -> int:
        with self.changed:
            self.changed.wait_for(lambda: self.pictures or self.lost, 10)
            if not self.pictures:
                raise SourceError("Camera 7 is lost.")
            self.pictures -= 1
            return self.pictures

    def image(self, picture: int) -> np.ndarray:
        return np.full((4, 6, 3), 100 + picture, np.uint8)

    def close(self) -> None:
        self.closed = True


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.005)


def test_only_the_newest_frame_waits() -> None:
    device = Script()
    with LiveSource[int]("camera 7", lambda: device) as source:
        frames = iter(source)
        device.give()
        first = next(frames)
        assert (first.index, first.image.shape, source.live) == (0, (4, 6, 3), True)
        device.give(5)
        wait_until(lambda: source.dropped == 4)
        newest = next(frames)
        assert newest.index == 5
        assert newest.timestamp_s > first.timestamp_s
        assert (source.size, source.status) == ((4, 6), "")
        source._stop.set()
        device.give()
    assert device.closed


def test_closing_wakes_who_waits() -> None:
    source = LiveSource[int]("camera 7", Script)
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.extend(f.index for f in source))
    waiting.start()
    closer = threading.Thread(target=source.close)
    closer.start()
    waiting.join(5)
    assert not waiting.is_alive()
    assert got == []
    closer.join()


def test_a_lost_device_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    devices = [Script(), Script()]
    waiting = list(devices)
    absent = threading.Event()

    def connect() -> Script:
        if len(waiting) == 1 and not absent.is_set():
            raise SourceError("still away")
        return waiting.pop(0)

    with (
        caplog.at_level(logging.WARNING),
        LiveSource[int]("camera 7", connect, retry_s=0.02) as source,
    ):
        frames = iter(source)
        devices[0].give()
        assert next(frames).index == 0
        devices[0].lose()
        wait_until(lambda: "try 3" in source.status)
        assert source.status.startswith("Camera 7 is lost. Trying again every 0.02 s")
        assert devices[0].closed
        absent.set()
        devices[1].give()
        assert next(frames).index == 1
        assert source.status == ""
    assert [r.getMessage() for r in caplog.records] == ["Camera 7 is lost.", "camera 7 is back."]


def test_the_first_failure_is_raised() -> None:
    def connect() -> Script:
        raise SourceError("Camera 7 cannot be opened.")

    with pytest.raises(SourceError, match=r"^Camera 7 cannot be opened\.$"):
        LiveSource[int]("camera 7", connect)


def test_silence_and_darkness_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fra_live.video.live._STALLED_S", 0.05)
    monkeypatch.setattr("fra_live.video.live._DARK_S", 0.0)
    device = Script()
    monkeypatch.setattr(Script, "image", lambda *_: np.zeros((4, 6, 3), np.uint8))
    with LiveSource[int]("camera 7", lambda: device) as source:
        device.give()
        next(iter(source))
        time.sleep(0.001)
        wait_until(lambda: source.status.startswith("camera 7 has sent nothing for"))
        monkeypatch.setattr("fra_live.video.live._STALLED_S", 100.0)
        assert source.status.startswith("camera 7 sends black pictures")


@pytest.mark.skipif(bool(list_cameras()), reason="this machine has a camera")
def test_no_camera() -> None:
    with pytest.raises(SourceError, match="Camera 63 cannot be opened, and no other was found"):
        open_source(63)


def test_a_camera(make_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV plays a film where the camera would be: it comes, is lost at its end, comes back."""
    film = make_clip("camera.avi", frames=30, codec="mjpeg", pixels="yuvj420p")
    capture = cv2.VideoCapture
    monkeypatch.setattr("fra_live.video.devices.cv2.VideoCapture", lambda *_: capture(str(film)))
    monkeypatch.setattr("fra_live.video.devices._check_node", lambda _: None)
    device = CameraDevice(0, size=(48, 64), rate=25)
    with LiveSource[np.ndarray]("camera 0", lambda: device) as source:
        frames = iter(source)
        assert next(frames).image.shape == (48, 64, 3)
        wait_until(lambda: source.status.startswith("Camera 0 is lost. Trying again every 1 s"))
        device = CameraDevice(0)
        while next(frames).index < 31:  # the first film had 30 frames
            pass
    film.write_bytes(b"no film")
    with pytest.raises(SourceError, match="Camera 0 cannot be opened"):
        CameraDevice(0)


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
