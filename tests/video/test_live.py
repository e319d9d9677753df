"""Live sources: the newest frame only, lost devices opened again, nothing secret shown."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live.errors import SourceError
from fra_live.video.devices import CameraDevice
from fra_live.video.live import LiveSource
from fra_live.video.sources import list_cameras, open_source
from tests.video.waiting import wait_until


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
