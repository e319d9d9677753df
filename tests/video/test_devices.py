"""Cameras of this machine as its system shows them, and streams that come in pieces."""

from __future__ import annotations

import functools
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fra_live.errors import SourceError
from fra_live.video import devices
from fra_live.video.devices import CameraDevice, StreamDevice, list_cameras, open_stream
from fra_live.video.live import LiveSource
from fra_live.video.sources import open_source


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two cameras, the first of which has a second node for its metadata."""
    system = tmp_path / "video4linux"
    for name, index in (("video0", "0"), ("video1", "1"), ("video10", "0"), ("v4l-touch0", "0")):
        (system / name).mkdir(parents=True)
        (system / name / "index").write_text(index + "\n")
        (tmp_path / name).touch()  # its node
    places = {"/sys/class/video4linux": system}
    nodes = {f"/dev/video{i}": tmp_path / f"video{i}" for i in range(12)}
    monkeypatch.setattr(devices.sys, "platform", "linux")
    monkeypatch.setattr(devices, "Path", lambda text: (places | nodes).get(text, Path(text)))
    return tmp_path


def test_a_camera_counts_once(shown: Path) -> None:
    assert list_cameras() == [0, 10]


def test_others_are_named(shown: Path) -> None:
    with pytest.raises(SourceError, match="Camera 3 cannot be opened; these were found: 0, 10"):
        CameraDevice(3)


def test_a_camera_that_the_user_may_not_use(shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.os, "access", lambda *_: False)
    with pytest.raises(SourceError, match=r"You may not use .*video10: run 'sudo usermod -aG"):
        CameraDevice(10)


class Capture:
    """A camera as OpenCV shows it: opened, with these pictures."""

    def __init__(self, *pictures: np.ndarray | None) -> None:
        self.pictures, self.closed, self.asked = list(pictures), False, dict[int, float]()

    def isOpened(self) -> bool:
        return not self.closed

    def set(self, what: int, value: float) -> None:
        self.asked[what] = value

    def read(self) -> tuple[bool, np.ndarray | None]:
        picture = self.pictures.pop(0) if self.pictures else None
        return picture is not None, picture

    def release(self) -> None:
        self.closed = True


@pytest.fixture
def plugged(shown: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Capture], Capture]:
    monkeypatch.setattr(devices, "_EMPTY_READS_S", 0.05)

    def plug(capture: Capture) -> Capture:
        monkeypatch.setattr(devices.cv2, "VideoCapture", lambda *_: capture)
        return capture

    return plug


def test_what_is_asked_of_a_camera(plugged: Callable[[Capture], Capture]) -> None:
    grey = np.full((48, 64), 9, np.uint8)
    capture = plugged(Capture(grey, None, grey))
    camera = CameraDevice(0, size=(720, 1280), rate=60)
    assert capture.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert capture.asked[cv2.CAP_PROP_FPS] == 60
    # A picture that fails now and then is no lost camera.
    assert camera.image(camera.read()).shape == (48, 64, 3)
    with pytest.raises(SourceError, match=r"^Camera 0 is lost\.$"):
        camera.read()
    camera.close()
    assert capture.closed


def test_a_camera_without_pictures(plugged: Callable[[Capture], Capture]) -> None:
    capture = plugged(Capture())
    with pytest.raises(SourceError, match="Camera 0 opens but gives no picture; close other"):
        CameraDevice(0)
    assert capture.closed


def test_a_camera_that_opencv_breaks_on(
    plugged: Callable[[Capture], Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged(Capture(np.zeros((4, 4, 3), np.uint8)))
    camera = CameraDevice(0)

    def broken(_: Capture) -> None:
        raise cv2.error("(-215) something")

    monkeypatch.setattr(Capture, "read", broken)
    with pytest.raises(SourceError, match="Camera 0 is lost"):
        camera.read()


# -- HLS: a stream in pieces of a second --------------------------------------------------------


def write_pieces(folder: Path, clip: Path, ended: bool) -> None:
    """The clip as an HLS stream; one that has not ended has no end in its list."""
    folder.mkdir()
    with (
        av.open(str(clip)) as source,
        av.open(
            str(folder / "live.m3u8"), "w", format="hls",
            container_options={"hls_time": "1", "hls_list_size": "0"},
        ) as out,
    ):  # fmt: skip
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    if not ended:
        listed = folder / "live.m3u8"
        listed.write_text(listed.read_text().replace("#EXT-X-ENDLIST\n", ""))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/live.m3u8"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_pieces_are_shown_at_their_own_speed(
    make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown at once, all but the last picture of a piece would be passed over."""
    monkeypatch.setattr(devices, "READ_TIMEOUT_S", 1.0)
    write_pieces(tmp_path / "hls", make_clip(frames=50, b_frames=0), ended=False)
    with serving(tmp_path / "hls") as url:
        device = StreamDevice("http://cam/live", open_stream("http://cam/live", url, 5.0))
        begin = time.perf_counter()
        for _ in range(25):
            assert device.image(device.read()).shape == (48, 64, 3)
        assert time.perf_counter() - begin > 0.8
        with pytest.raises(SourceError, match=r"^http://cam/live (has sent nothing|has ended)"):
            for _ in range(50):
                device.read()
        device.close()


def test_a_stream_in_pieces_is_live(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    write_pieces(tmp_path / "hls", make_clip(frames=50, b_frames=0), ended=False)
    with serving(tmp_path / "hls") as url, open_source(url) as source:
        assert isinstance(source, LiveSource) and source.live
        assert next(iter(source)).image.shape == (48, 64, 3)
