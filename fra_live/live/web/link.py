"""The way between a browser's camera and its session: a picture in, the annotated one out.

Pictures travel as they are, in the bodies of requests; through Gradio's own stream they would be
text inside JSON, both ways, which costs the server and the browser more than recognition leaves.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import MutableMapping
from functools import partial
from typing import Any

import anyio

from fra_live.errors import FraLiveError
from fra_live.live.web.camera import Busy, Camera
from fra_live.live.web.guard import App, Receive, Send
from fra_live.live.web.sessions import Sessions

_PATH = re.compile(r"/fra-live/camera/([\w-]+)(/stop|/clear)?$")
_MAX_PICTURE = 4_000_000  # bytes; a browser sends about a hundredth of it
_JSON, _BYTES = b"application/json", b"application/octet-stream"
_log = logging.getLogger(__name__)


class CameraLink:
    """ASGI middleware: answers the pages' cameras and hands everything else on.

    POST …/fra-live/camera/<token> with a picture as its body is answered with four bytes that tell
    the length of the JSON behind them (`CameraAnswer` without the picture; little end first), and
    then the annotated picture as JPEG. …/stop and …/clear are answered with JSON. What is wrong is
    told as text: 400 the picture, 404 the session, 413 the size, 429 too many at a time, 500.
    """

    def __init__(self, app: App, sessions: Sessions, at_once: int) -> None:
        """Stand before `app`.

        Args:
            app: the next one.
            sessions: of the page.
            at_once: pictures that are worked on at the same time; more wait.
        """
        self._app, self._sessions, self._at_once = app, sessions, at_once
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        found = _PATH.search(str(scope.get("path", ""))) if scope["type"] == "http" else None
        if found is None or scope.get("method") != "POST":
            await self._app(scope, receive, send)
            return
        session = self._sessions.by_token(found[1])
        if session is None:
            await _answer(send, 404, b"This page has ended on the server; reload it.")
            return
        data = await _body(receive)
        if data is None:
            await _answer(send, 413, b"The camera's pictures are too large.")
            return
        try:
            if found[2] is None:
                await _answer(send, 200, await self._picture(session.camera, data), _BYTES)
            else:
                deed = session.camera.stop if found[2] == "/stop" else session.camera.clear
                events, status = await anyio.to_thread.run_sync(deed)
                told = json.dumps({"events": events, "status": status}).encode()
                await _answer(send, 200, told, _JSON)
        except Busy as error:
            await _answer(send, 429, str(error).encode())
        except FraLiveError as error:
            await _answer(send, 400, str(error).encode())
        except Exception:
            _log.exception("a camera's picture")
            await _answer(send, 500, b"Something failed on the server.")

    async def _picture(self, camera: Camera, data: bytes) -> bytes:
        if self._limiter is None:  # only here is there a loop for it
            self._limiter = anyio.CapacityLimiter(self._at_once)
        answer = await anyio.to_thread.run_sync(partial(camera.update, data), limiter=self._limiter)
        told = {
            "events": answer.events,
            "status": answer.status,
            "served_ms": round(answer.served_ms, 1),
            "waited_ms": round(answer.waited_ms, 1),
            "recognized": answer.recognized,
            "recognized_fps": round(answer.recognized_fps, 1),
            "recognized_ms": round(answer.recognized_ms, 1),
        }
        text = json.dumps(told).encode()
        return len(text).to_bytes(4, "little") + text + answer.jpeg


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too large or broke off."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > _MAX_PICTURE:
            return None
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _answer(send: Send, status: int, body: bytes, kind: bytes = b"text/plain") -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()),
               (b"cache-control", b"no-store")]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
