"""Cameras and images of the page whose engine fails or hangs, and another one takes over."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live.errors import EngineError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web import beside, camera, members
from fra_live.live.web.camera import Camera, CameraAnswer
from fra_live.live.web.clip import annotate_clip
from fra_live.live.web.engines import Engines
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.pool import RecognizerPool
from fra_live.recognizer import Recognizer
from tests.faulty import Engined, Faulty, raising, unavailable
from tests.live.test_web_safety import META, ask, post, upload
from tests.live.web_scenes import jpeg
from tests.red import film

PATIENCE_S = 0.4
NONE_LEFT = r"The engine \(torch in f32\) .*, and no other engine is left; see 'fra-live doctor'\.$"


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a hanging call waits for; it goes on when the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr(camera, "_LIST_EVERY_S", 0.0)


def failing(how: str, calls: range, stuck: threading.Event) -> Faulty:
    if how == "raises":
        return Faulty(Engined("torch"), raising(calls.start, calls.stop - 1))
    return Faulty(Engined("torch"), lambda call: call in calls and stuck.wait(100))


def engines(own: Any, *others: Callable[[], Any]) -> Engines:
    return Engines(SharedRecognizer(own), others)


def camera_of(engines: Engines, session: str = "a") -> Camera:
    """A camera of which every picture waits for its own result."""
    found = Camera(engines.lasting.of(session))
    found.choose(0.5, OverlayOptions(faces="blur"))
    return found


def send(camera: Camera) -> CameraAnswer:
    return camera.update(jpeg("drinking"))


@pytest.mark.parametrize("how", ["raises", "hangs"])
def test_a_camera_goes_on_with_the_next_engine_and_so_do_others(
    how: str, stuck: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    own, other = failing(how, range(2, 100), stuck), Engined("openvino")
    loaded: list[str] = []
    both = engines(
        own,
        lambda: loaded.append("none") or unavailable(),  # type: ignore[func-returns-value]
        lambda: loaded.append("other") or other,  # type: ignore[func-returns-value]
    )
    one, late = camera_of(both), camera_of(both, "b")
    answers = [send(one) for _ in range(5)]
    assert [a.recognized for a in answers] == [1, 2, 3, 4, 5]
    assert (own.calls, other.calls) == (3, 3)  # the picture at which it failed was tried again
    what = "failed (The network is gone)" if how == "raises" else "has not answered for 0.4 s"
    told = f"The engine (torch in f32) {what}; openvino in f32 carries on."
    assert [told in a.status for a in answers] == [False, False, True, True, True]
    assert "There is no driver" in caplog.text
    assert send(late).status == told
    assert (own.calls, other.calls) == (3, 4) and loaded == ["none", "other"]
    assert Camera(both.lasting.of("c"))._notice == told  # who comes later is not told
    stuck.set()  # what comes back late is nobody's
    time.sleep(0.05)
    assert one._beside.count == 5 and send(one).recognized == 6
    assert own.calls == 3


def test_the_sentence_goes_after_a_while(
    stuck: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = camera_of(engines(failing("raises", range(1, 9), stuck), lambda: Engined("openvino")))
    send(one)
    assert "carries on" in send(one).status
    monkeypatch.setattr(camera, "_NOTICE_S", 0.0)
    assert "carries on" not in send(one).status


def test_what_hangs_keeps_no_other_camera_waiting(stuck: threading.Event) -> None:
    own, other = failing("hangs", range(2, 100), stuck), Engined("openvino")
    both = engines(own, lambda: other)
    cameras = [camera_of(both, name) for name in "abcd"]
    send(cameras[0]), send(cameras[0])
    answers: list[CameraAnswer] = []
    threads = [
        threading.Thread(target=lambda c=c: answers.append(send(c)))  # type: ignore[misc]
        for c in cameras
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(answers) == 4 and own.calls == 3 and other.calls == 4
    assert all("carries on" in a.status for a in answers)


def test_several_of_one_engine_are_replaced_together(stuck: threading.Event) -> None:
    pool = RecognizerPool([failing("hangs", range(1, 9), stuck) for _ in range(2)])  # type: ignore[misc]
    other = Engined("openvino")
    both = engines(pool, lambda: other)
    one = camera_of(both)
    assert [send(one).recognized for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    assert both.lasting.recognizer is other


def test_where_none_is_left_everybody_is_told_at_once_until_it_comes_back(
    stuck: threading.Event,
) -> None:
    alone = engines(failing("hangs", range(1, 2), stuck), unavailable)
    one, other = camera_of(alone), camera_of(alone, "b")
    send(one)
    with pytest.raises(EngineError, match=NONE_LEFT):
        send(one)
    begin = time.monotonic()
    for hapless in (one, other):
        with pytest.raises(EngineError, match=NONE_LEFT):
            send(hapless)
    with pytest.raises(EngineError, match=NONE_LEFT):  # as an image is recognized
        alone.lasting.of("c")(np.zeros((120, 160, 3), np.uint8))
    assert time.monotonic() - begin < 3 * PATIENCE_S
    stuck.set()
    until = time.monotonic() + 5
    while other._beside.count == 0:
        with contextlib.suppress(EngineError):
            send(other)
        assert time.monotonic() < until


def test_where_none_is_left_every_picture_is_tried() -> None:
    alone = engines(Faulty(Engined("torch"), raising(1, 2)), unavailable)
    one = camera_of(alone)
    send(one)
    for _ in range(2):
        with pytest.raises(EngineError, match=r"\(The network is gone\), and no other"):
            send(one)
    assert send(one).recognized == 2


def test_what_a_library_says_is_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def fails(call: int) -> None:
        raise RuntimeError("/secret/path is gone")

    one = camera_of(engines(Faulty(Engined("torch"), fails)))
    with pytest.raises(EngineError, match=NONE_LEFT) as told:
        send(one)
    assert "secret" not in str(told.value) and "/secret/path" in caplog.text


def test_memory_is_no_fault_of_the_engine() -> None:
    def fails(call: int) -> None:
        raise MemoryError

    loaded: list[int] = []
    one = camera_of(engines(Faulty(Engined("torch"), fails), lambda: loaded.append(1)))
    with pytest.raises(MemoryError):
        send(one)
    assert loaded == []


def test_an_engine_whose_loading_hangs_is_passed_over(
    stuck: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "_FIRST_CALL", 1)
    other = Engined("openvino")
    one = camera_of(
        engines(Faulty(Engined("torch"), raising(0)), lambda: stuck.wait(100), lambda: other)
    )
    assert send(one).recognized == 1 and other.calls == 1


def test_the_first_call_has_longer(stuck: threading.Event) -> None:
    def compiles(call: int) -> None:
        if call == 0:
            stuck.wait(1.5 * PATIENCE_S)

    own = Faulty(Engined("torch"), compiles)
    one = camera_of(engines(own, unavailable))
    assert [send(one).recognized for _ in range(2)] == [1, 2]


def test_who_waits_long_is_told_meanwhile(
    stuck: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_LONGEST_S", 0.1)
    own = failing("hangs", range(1, 9), stuck)
    one = camera_of(engines(own, lambda: Engined("openvino")))
    told = 0
    while one._beside.count < 2:  # the second one is recognized in the end
        try:
            send(one)
        except EngineError as error:
            assert re.match(r"No picture was recognized for 0.1 s; if .* is tried\.$", str(error))
            told += 1
    assert told >= 1 and own.calls == 2


@pytest.mark.parametrize("how", ["raises", "hangs"])
def test_a_video_and_a_camera_have_the_same_engine(
    how: str, stuck: threading.Event, tmp_path: Path
) -> None:
    own, other = failing(how, range(5, 500), stuck), Engined("openvino")
    both = engines(own, lambda: other)
    one = camera_of(both)
    send(one)
    recognizer, reserves = both.of("v")
    clip = annotate_clip(
        film(tmp_path / "a.mp4", 1), "mine.mp4", tmp_path / "out", recognizer, OverlayOptions(),
        max_minutes=1.0, stopping=threading.Event(), progress=lambda *_: None,
        reserves=reserves, patience_s=10 * PATIENCE_S,
    )  # fmt: skip
    assert clip.frames == 10 and len(clip.notices) == 1
    own_calls = own.calls
    answer = send(one)
    assert answer.recognized == 2 and own.calls == own_calls
    assert answer.status == "Another engine (openvino in f32) has taken over."


# -- the real server -------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [True, False])
def test_the_page(
    left: bool,
    colours: Recognizer,
    stuck: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine that hangs: camera and image go on with another one, or tell that none is left."""
    pytest.importorskip("gradio")
    from fra_live.live.web import serve
    from fra_live.live.web.sessions import Sessions

    made: list[Sessions] = []
    monkeypatch.setattr(Sessions, "__init__", _noting(Sessions.__init__, made))
    monkeypatch.setattr(members, "_PATIENCE_S", 2.0)
    own: Any = Faulty(colours, lambda call: call >= 1 and stuck.wait(100))
    reserves = [lambda: RecognizerPool([colours])] if left else [unavailable]
    with serve.serving(own, serve.WebOptions(), reserves) as address:  # type: ignore[arg-type]
        token = made[0].of("tab").token
        path = f"fra-live/camera/{token}"
        post(address, path, jpeg("drinking"), "image/jpeg")
        photo = upload(address, "a.jpg", jpeg("drinking"))
        if left:
            made[0].of("tab").camera.choose(0.5, OverlayOptions(faces="blur"))
            body = post(address, path, jpeg("drinking"), "image/jpeg")
            told = json.loads(body[4 : 4 + int.from_bytes(body[:4], "little")])
            assert told["status"].endswith("for 2 s; colours in f32 carries on.")
        answer = ask(address, "fl-image-upload", {"path": photo, "meta": META})
        assert answer["success"]
        assert ("Drinking" if left else "no other engine is left") in json.dumps(answer["output"])
        if not left:
            made[0].of("tab").camera.choose(0.5, OverlayOptions(faces="blur"))
            with pytest.raises(urllib.error.HTTPError) as refused:
                post(address, path, jpeg("drinking"), "image/jpeg")
            assert refused.value.code == 400
            assert b"has not answered for 2 s, and no other engine is left" in refused.value.read()
    assert own.calls == 2


def _noting(original: Any, made: list[Any]) -> Any:
    def init(self: Any, *given: Any) -> None:
        original(self, *given)
        made.append(self)

    return init
