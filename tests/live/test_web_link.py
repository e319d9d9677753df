"""What the page's cameras ask of the server, request by request, without a server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("gradio")

from fra_live.errors import EngineError
from fra_live.live.web.camera import Busy, Camera
from fra_live.live.web.link import CameraLink
from fra_live.live.web.sessions import Sessions
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.recognizer import Recognizer
from tests.live.web_scenes import jpeg


@pytest.fixture
def sessions(colours: Recognizer, tmp_path: Path) -> Sessions:
    return Sessions(SharedRecognizer(colours), tmp_path)


def ask(
    sessions: Sessions, path: str, chunks: list[bytes] | None = None, **scope: Any
) -> tuple[int, bytes]:
    """Status and body of the answer; 0 where the request was handed on."""
    waiting, status, body = list(chunks or [b""]), 0, b""

    async def app(*given: Any) -> None:
        return

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        data = waiting.pop(0)
        return {"type": "http.request", "body": data, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        nonlocal status, body
        status, body = message.get("status", status), body + message.get("body", b"")

    request = {"type": "http", "method": "POST", "path": path, "headers": []} | scope
    asyncio.run(CameraLink(app, sessions, 2)(request, receive, send))
    return status, body


def test_a_picture_comes_back_annotated_with_what_is_told(sessions: Sessions) -> None:
    address = f"/fra-live/camera/{sessions.of('a').token}"
    data = jpeg("drinking")
    status, body = ask(sessions, address, [data[:100], data[100:]])
    assert status == 200
    length = int.from_bytes(body[:4], "little")
    told = json.loads(body[4 : 4 + length])
    assert set(told) == {
        "events", "status", "served_ms", "waited_ms",
        "recognized", "recognized_fps", "recognized_ms",
    }  # fmt: skip
    assert (told["recognized"], told["recognized_ms"]) == (1, 0)  # the first waits for its result
    image = cv2.imdecode(np.frombuffer(body[4 + length :], np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (120, 160, 3)
    assert ask(sessions, f"/below/a/proxy{address}", [data])[0] == 200


def test_stop_and_clear_tell_the_list(sessions: Sessions) -> None:
    session = sessions.of("a")
    for deed in ("stop", "clear"):
        status, body = ask(sessions, f"/fra-live/camera/{session.token}/{deed}")
        assert status == 200
        assert "Nothing yet" in json.loads(body)["events"]


def test_sessions_have_tokens_of_their_own_which_end_with_them(sessions: Sessions) -> None:
    one, other = sessions.of("one"), sessions.of("other")
    assert one.token != other.token and len(one.token) >= 20
    assert ask(sessions, f"/fra-live/camera/{one.token}", [jpeg("drinking")])[0] == 200
    assert (one.camera._index, other.camera._index) == (1, 0)
    sessions.close("one")
    for token in (one.token, "guessed", "one"):
        status, body = ask(sessions, f"/fra-live/camera/{token}", [jpeg("drinking")])
        assert status == 404 and b"reload" in body


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/gradio_api/queue/join", {}),
        ("/fra-live/camera/{token}/other", {}),
        ("/fra-live/camera/", {}),
        ("/fra-live/camera/{token}", {"method": "GET"}),
        ("/fra-live/camera/{token}", {"type": "websocket"}),
    ],
)
def test_everything_else_is_handed_on(sessions: Sessions, path: str, scope: dict[str, Any]) -> None:
    assert ask(sessions, path.format(token=sessions.of("a").token), **scope) == (0, b"")


def test_what_is_wrong_is_told(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/fra-live/camera/{sessions.of('a').token}"
    status, body = ask(sessions, address, [b"no picture"])
    assert status == 400 and b"reload the page" in body
    assert ask(sessions, address, [bytes(1_500_000)] * 3)[0] == 413
    for error, expected, words in (
        (Busy("One after the other."), 429, b"One after"),
        (EngineError("The engine failed."), 400, b"The engine failed."),
        (RuntimeError("a secret path"), 500, b"Something failed"),
    ):

        def fail(self: Camera, data: bytes, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(Camera, "update", fail)
        status, body = ask(sessions, address, [jpeg("drinking")])
        assert status == expected and words in body and b"secret" not in body
