"""A browser's camera on the server, without a browser: turns, pictures, events."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest

from fra_live.errors import FraLiveError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.camera import Camera, CameraAnswer
from fra_live.live.web.sharing import SharedRecognizer, Turns
from fra_live.recognizer import Recognizer
from tests.live.web_scenes import jpeg
from tests.tiny import scene


@pytest.fixture
def shared(colours: Recognizer) -> SharedRecognizer:
    return SharedRecognizer(colours, Turns())


def recognized(camera: Camera, data: bytes) -> CameraAnswer:
    """Send a picture, and wait until it was recognized: times are a test's own here."""
    count = camera._beside.count
    answer = camera.update(data)
    with camera._lock:
        assert camera._lock.wait_for(lambda: camera._beside.count > count, 10)
    return answer


# -- turns -----------------------------------------------------------------------------------------


def test_turns_go_round_the_sessions() -> None:
    turns, order = Turns(), []
    gate = threading.Event()

    def ask(session: str) -> None:
        with turns.turn(session):
            order.append(session)

    def hold() -> None:
        with turns.turn("first"):
            gate.wait(5)

    threads = [threading.Thread(target=hold)]
    threads[0].start()
    while not turns._holders:
        time.sleep(0.001)
    for session in ("greedy", "greedy", "greedy", "modest"):
        threads.append(threading.Thread(target=ask, args=(session,)))
        threads[-1].start()
        while sum(map(len, turns._waiting.values())) < len(threads) - 1:
            time.sleep(0.001)
    gate.set()
    for thread in threads:
        thread.join(5)
    assert order == ["greedy", "modest", "greedy", "greedy"]


def test_several_may_hold_it_where_there_are_places() -> None:
    turns = Turns(2)
    with turns.turn("a") as one, turns.turn("a") as other:
        assert {one, other} == {0, 1}
        late = threading.Thread(target=lambda: turns.turn("b").__enter__())
        late.start()
        late.join(0.05)
        assert late.is_alive()
    late.join(5)
    assert not late.is_alive()


def test_a_turn_is_given_back_after_an_error() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="broken"), turns.turn("a"):
        raise ValueError("broken")
    with turns.turn("b"):
        pass


def test_new_places_go_to_those_who_wait_and_old_ones_are_nobodys() -> None:
    turns, got = Turns(), []

    def ask(session: str) -> None:
        with turns.turn(session) as place:
            got.append(place)

    with turns.turn("stuck"):
        threads = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        while len(turns._waiting) < 2:
            time.sleep(0.001)
        turns.renew([7])
        for thread in threads:
            thread.join(5)
    assert got == [7, 7] and turns._free == [7]


def test_each_session_has_its_own_threshold(shared: SharedRecognizer) -> None:
    image, _ = scene("drinking", (120, 160), 3)
    assert shared.at(0.9)(image).threshold == 0.9
    assert shared.at(0.1)(image).threshold == 0.1
    assert shared.threshold == shared.recognizer.threshold


# -- camera ----------------------------------------------------------------------------------------


def test_a_camera_gives_pictures_events_and_a_sentence(
    shared: SharedRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera, lists, said = Camera(shared), [], []
    camera.choose(0.4, OverlayOptions())
    for action in ["drinking"] * 20 + ["none"] * 20:
        answer = recognized(camera, jpeg(action))
        lists.append(answer.events)
        said.append(answer.status)
        now[0] += 0.1
    image = cv2.imdecode(np.frombuffer(answer.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (120, 160, 3)
    assert any("now" in text and "Drinking" in text for text in lists)
    assert any(text.startswith("Drinking.") for text in said)
    assert [e.action for e in camera.events] == ["drinking"]
    assert camera.events[0].start_s == pytest.approx(0.0, abs=0.3)
    assert camera.events[0].end_s == pytest.approx(2.0, abs=0.4)
    assert "Nothing yet" in camera.clear()[0]


def test_a_camera_that_stops_ends_its_events(
    shared: SharedRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera = Camera(shared)
    assert "Start the camera" in camera.stop()[1]
    for _ in range(20):
        listed = recognized(camera, jpeg("drinking")).events
        now[0] += 0.1
    assert "now" in listed
    listed, told = camera.stop()
    assert "Drinking" in listed and "now" not in listed
    assert "rests" in told
    assert camera.stop() == (listed, told)


def test_a_camera_that_falls_silent_ends_its_events(
    shared: SharedRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera = Camera(shared)
    for pause_s in [0.1] * 20 + [60.0] + [0.1] * 5:
        recognized(camera, jpeg("drinking" if now[0] < 150 else "none"))
        now[0] += pause_s
    assert [e.action for e in camera.events] == ["drinking"]
    assert camera.events[0].end_s == pytest.approx(2.0, abs=0.2)


def test_a_covered_camera_is_told(
    shared: SharedRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera, black = Camera(shared), cv2.imencode(".png", np.zeros((90, 120, 3), np.uint8))[1]
    said = ""
    for _ in range(30):
        said = camera.update(black.tobytes()).status
        now[0] += 0.1
    assert "black" in said


@pytest.mark.parametrize("data", [b"no picture", b"\xff\xd8\xff\xe0broken", b"\x89PNG\r\n\x1a\n"])
def test_a_camera_refuses_what_is_no_picture(shared: SharedRecognizer, data: bytes) -> None:
    with pytest.raises(FraLiveError, match="reload the page"):
        Camera(shared).update(data)


def test_a_camera_refuses_huge_pictures(shared: SharedRecognizer) -> None:
    huge = cv2.imencode(".png", np.zeros((8, 5000, 3), np.uint8))[1].tobytes()
    with pytest.raises(FraLiveError, match="5000×8 px"):
        Camera(shared).update(huge)
