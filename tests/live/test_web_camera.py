"""A browser's camera on the server, without a browser: turns, pictures, events."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from fra_live.errors import EngineError, FraLiveError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.camera import Busy, Camera
from fra_live.live.web.sharing import SharedRecognizer, Turns
from fra_live.recognizer import Recognizer
from tests.live.web_scenes import jpeg
from tests.tiny import LABELS, scene


@pytest.fixture
def shared(colours: Recognizer) -> SharedRecognizer:
    return SharedRecognizer(colours, Turns())


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


def test_each_session_has_its_own_threshold(shared: SharedRecognizer) -> None:
    image, _ = scene("drinking", (120, 160), 3)
    assert shared.at(0.9)(image).threshold == 0.9
    assert shared.at(0.1)(image).threshold == 0.1
    assert shared.threshold == shared._recognizer.threshold


# -- camera ----------------------------------------------------------------------------------------


def test_a_camera_gives_pictures_events_and_a_sentence(
    shared: SharedRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera, lists, said = Camera(shared), [], []
    camera.choose(0.4, OverlayOptions())
    for action in ["drinking"] * 20 + ["none"] * 20:
        answer = camera.update(jpeg(action))
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
        listed = camera.update(jpeg("drinking")).events
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
        camera.update(jpeg("drinking" if now[0] < 150 else "none"))
        now[0] += pause_s
    assert [e.action for e in camera.events] == ["drinking"]
    assert camera.events[0].end_s == pytest.approx(2.0, abs=0.2)


def test_pictures_side_by_side_keep_their_order(shared: SharedRecognizer) -> None:
    camera, gates = Camera(shared), [threading.Event() for _ in range(4)]
    seen: list[int] = []

    def recognize(image: np.ndarray, **given: Any) -> Any:
        number = int(image[0, 0, 0]) // 60
        gates[number].wait(10)
        return shared(np.full((120, 160, 3), number, np.uint8), **given)

    camera._recognizer = SimpleNamespace(labels=LABELS, at=lambda threshold: recognize)  # type: ignore[assignment]
    camera._show = lambda image, result, options: (  # type: ignore[method-assign]
        seen.append(int(image[0, 0, 0]) // 60) or image, "", ""
    )  # fmt: skip
    threads = []
    for number in range(4):
        data = cv2.imencode(".png", np.full((8, 8, 3), 60 * number + 5, np.uint8))[1].tobytes()
        threads.append(threading.Thread(target=camera.update, args=(data,)))
        threads[-1].start()
        while camera._came <= number:
            time.sleep(0.001)
    with pytest.raises(Busy):
        camera.update(data)
    for number in (2, 3, 1, 0):
        gates[number].set()
    for thread in threads:
        thread.join(10)
    assert seen == [0, 1, 2, 3]


def test_a_picture_that_fails_holds_no_other_up(shared: SharedRecognizer) -> None:
    camera, calls = Camera(shared), []

    def fail_first(image: np.ndarray, **given: Any) -> Any:
        calls.append(image)
        if len(calls) == 1:
            raise EngineError("The engine failed.")
        return shared(image, **given)

    camera._recognizer = SimpleNamespace(labels=LABELS, at=lambda threshold: fail_first)  # type: ignore[assignment]
    with pytest.raises(EngineError):
        camera.update(jpeg("drinking"))
    assert camera.update(jpeg("drinking")).jpeg


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
