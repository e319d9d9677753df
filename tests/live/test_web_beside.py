"""A browser's pictures, recognized beside the requests that bring them: order, age, failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import pytest

from fra_live.errors import EngineError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web import beside
from fra_live.live.web.camera import Busy, Camera, CameraAnswer
from fra_live.live.web.sharing import SharedRecognizer, Turns
from fra_live.recognizer import Recognizer
from tests.live.web_scenes import jpeg


class Gated(SharedRecognizer):
    """Recognizes a picture whenever a test lets it, and fails when it is told to."""

    def __init__(self, recognizer: Recognizer, turns: Turns | None = None) -> None:
        super().__init__(recognizer, turns)
        self.gate = threading.Semaphore(0)
        self.begun: list[float] = []
        self.explained = 0
        self.error: Exception | None = None

    @contextmanager
    def turn(self) -> Iterator[Any]:
        with super().turn() as recognizer:

            def recognize(image: np.ndarray, **given: Any) -> Any:
                self.begun.append(given["timestamp_s"])
                self.explained += given["explain"]
                self.gate.acquire()
                if self.error is not None:
                    raise self.error
                return recognizer(image, **given)

            yield recognize


@pytest.fixture
def gated(colours: Recognizer) -> Iterator[Gated]:
    recognizer = Gated(colours)
    yield recognizer
    recognizer.error = None
    recognizer.gate.release(1000)


class Sent:
    """A picture on its way, sent by a thread of its own."""

    def __init__(self, camera: Camera, data: bytes, done: list[Sent]) -> None:
        self.answer: CameraAnswer | None = None
        self.error: Exception | None = None
        came = camera._came

        def send() -> None:
            try:
                self.answer = camera.update(data)
            except Exception as error:
                self.error = error
            done.append(self)

        self.thread = threading.Thread(target=send)
        self.thread.start()
        wait_for(lambda: camera._came > came)

    def wait(self) -> CameraAnswer:
        self.thread.join(10)
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


def test_the_first_pictures_wait_and_come_in_their_order(gated: Gated) -> None:
    camera, done = Camera(gated), list[Sent]()
    sent = [Sent(camera, jpeg("drinking"), done) for _ in range(4)]
    with pytest.raises(Busy):
        camera.update(jpeg("drinking"))
    wait_for(lambda: len(gated.begun) == 1)
    assert done == []
    gated.gate.release()
    answers = [one.wait() for one in sent]
    assert done == sent
    assert [a.recognized for a in answers] == [1, 1, 1, 1]
    assert answers[0].recognized_ms == 0 < answers[3].recognized_ms
    gated.gate.release()
    wait_for(lambda: camera._beside.count == 2)  # the newest; those between never are
    assert len(gated.begun) == 2


def test_pictures_are_answered_while_another_is_recognized(gated: Gated) -> None:
    camera, data = Camera(gated), jpeg("drinking")
    plain = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    gated.gate.release()
    camera.update(data)
    answers = [camera.update(data) for _ in range(5)]  # without the gate's leave
    assert [a.recognized for a in answers] == [1] * 5
    assert len(gated.begun) == 2
    for answer in answers:
        image = cv2.imdecode(np.frombuffer(answer.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(image.astype(int) - plain)[:40].max() > 60  # the outline of a face
    assert camera._index == 1  # events know of the recognized one only


def test_a_quick_recognizer_is_waited_for(
    colours: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_QUICK_TIMES", 1000.0)
    monkeypatch.setattr(beside, "_QUICK_S", 10.0)  # on a busy machine
    camera = Camera(SharedRecognizer(colours))
    camera._beside._usual_s = 0.01
    answers = [camera.update(jpeg("drinking")) for _ in range(5)]
    assert [a.recognized for a in answers] == [1, 2, 3, 4, 5]
    assert all(a.recognized_ms == 0 for a in answers)


@pytest.mark.parametrize("options", [OverlayOptions(view=3), OverlayOptions(faces="blur")])
def test_maps_and_hidden_faces_want_every_picture_recognized(
    options: OverlayOptions, gated: Gated
) -> None:
    camera, done = Camera(gated), list[Sent]()
    camera.choose(0.5, options)
    sent = [Sent(camera, jpeg("drinking"), done) for _ in range(3)]
    gated.gate.release(3)
    assert [one.wait().recognized_ms for one in sent] == [0, 0, 0]
    assert done == sent and len(gated.begun) == 3
    assert gated.explained == (3 if options.view == 3 else 0)


def test_a_failing_engine_is_told_to_all_who_wait_for_it(gated: Gated) -> None:
    camera, done = Camera(gated), list[Sent]()
    gated.error = EngineError("The engine failed.")
    sent = [Sent(camera, jpeg("drinking"), done) for _ in range(3)]
    gated.gate.release(2)
    for one in sent:
        with pytest.raises(EngineError):
            one.wait()
    wait_for(lambda: len(gated.begun) == 2)
    gated.error = None
    gated.gate.release(5)
    assert camera.update(jpeg("drinking")).jpeg


def test_a_failing_engine_is_told_once_where_results_can_be_carried(gated: Gated) -> None:
    camera, told = Camera(gated), 0
    gated.gate.release()
    camera.update(jpeg("drinking"))
    camera.update(jpeg("drinking"))
    wait_for(lambda: len(gated.begun) == 2)
    gated.error = EngineError("The engine failed.")
    gated.gate.release()
    wait_for(lambda: camera._beside._failures == 1)
    for _ in range(5):
        try:
            camera.update(jpeg("drinking"))
        except EngineError:
            told += 1
    assert told == 1


def test_after_a_silence_the_first_picture_waits_again(
    gated: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera, done = Camera(gated), list[Sent]()
    gated.gate.release()
    camera.update(jpeg("drinking"))
    now[0] += 30
    sent = Sent(camera, jpeg("drinking"), done)
    sent.thread.join(0.1)
    assert sent.answer is None
    gated.gate.release()
    assert sent.wait().recognized == 2


def test_what_is_under_way_when_the_camera_stops_is_no_event(gated: Gated) -> None:
    camera = Camera(gated)
    gated.gate.release()
    camera.update(jpeg("drinking"))
    camera.update(jpeg("drinking"))
    wait_for(lambda: len(gated.begun) == 2)
    camera.stop()
    gated.gate.release()
    wait_for(lambda: camera._beside.count == 2)
    assert camera._index == 1 and camera._active == ()


def test_the_thread_ends_with_the_pictures(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_REST_S", 0.05)
    camera = Camera(gated)
    gated.gate.release(10)
    for count in (1, 2):
        camera.update(jpeg("drinking"))
        wait_for(lambda count=count: camera._beside.count == count)  # type: ignore[misc]
        wait_for(lambda: camera._beside._thread is None)


def test_two_cameras_have_their_turns(colours: Recognizer) -> None:
    turns = Turns()
    one, other = Gated(colours, turns), Gated(colours, turns)
    one._session, other._session = "one", "other"
    for recognizer in (one, other):
        recognizer.gate.release(1000)
    cameras = [Camera(one), Camera(other)]
    for _ in range(10):
        for camera in cameras:
            camera.update(jpeg("drinking"))
    wait_for(lambda: not any(camera._beside._pending for camera in cameras))
    assert len(one.begun) >= 1 <= len(other.begun)
