"""Visitors of the page without a browser: they ask the server for what page and camera ask for.

They come, use the camera and the controls, upload a picture, leave, and come again as others: that
is what a page that is open for days sees of people, and what it must not keep.
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import threading
import time
from collections.abc import Sequence
from itertools import cycle
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from fra_live.errors import FraLiveError

VISIT_S, REST_S = 20.0, 11.0  # the server's idle threads end after 10 s, and others follow
HURRY_S, SHORT_VISIT_S = 50.0, 2.0  # at first: what is kept of so many visitors is soon reached
_VIEWS = (1, 2, 3, 1)
_PATIENCE_S = 60.0
_TOKEN = re.compile(r'data-token=\\?"([\w-]+)')


class Visitor:
    """One browser tab; use it as a context manager, which closes the tab.

    It belongs to one thread.

    Args:
        address: of the page, http only.

    Raises:
        FraLiveError: the server does not answer as the page wants it.
    """

    def __init__(self, address: str) -> None:
        self._where = urlsplit(address)
        self._connection, self._life = self._connect(), self._connect()
        self._session = secrets.token_hex(6)
        self._ask("GET", "")
        config = json.loads(self._ask("GET", "config"))
        self._deeds: list[dict[str, Any]] = config["dependencies"]
        # Gradio takes the end of this answer for the end of the tab.
        self._life.request("GET", self._path(f"gradio_api/heartbeat/{self._session}"))
        self._life.getresponse().readline()
        found = _TOKEN.search(json.dumps(self._call("arrive", [])))
        if found is None:
            raise FraLiveError("The page's server gave its visitor no token for the camera.")
        self._camera = f"fra-live/camera/{found[1]}"

    def picture(self, jpeg: bytes) -> float:
        """Send a picture of the camera; how long the annotated one took to come, ms."""
        begin = time.perf_counter()
        answer = self._ask("POST", self._camera, jpeg)
        took_ms = 1000 * (time.perf_counter() - begin)
        length = int.from_bytes(answer[:4], "little")
        if not answer[4 + length :].startswith(b"\xff\xd8"):
            raise FraLiveError("The page's server answered a picture with something else.")
        return took_ms

    def press(self, button: str) -> None:
        """Press the camera's "stop" or "clear"."""
        self._ask("POST", f"{self._camera}/{button}")

    def choose(self, threshold: float, view: int, faces: str = "Show") -> None:
        """Move the controls beside the camera."""
        self._call("choose", [threshold, view, faces])

    def image(self, name: str, data: bytes) -> None:
        """Upload a picture on the Image tab and have it recognized."""
        head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        form = head.encode() + data + b"\r\n--b--\r\n"
        (path,) = json.loads(
            self._ask("POST", "gradio_api/upload", form, "multipart/form-data; boundary=b")
        )
        sent = {"path": path, "meta": {"_type": "gradio.FileData"}}
        self._queue("recognize_1", [sent, 0.5, "Show"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._life.close()
        self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._where.netloc, timeout=_PATIENCE_S)

    def _path(self, name: str) -> str:
        return f"{self._where.path or '/'}{name}"

    def _ask(
        self, method: str, name: str, body: bytes | None = None, kind: str = "image/jpeg"
    ) -> bytes:
        headers = {} if body is None else {"Content-Type": kind}
        try:
            self._connection.request(method, self._path(name), body, headers)
            answer = self._connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise FraLiveError(f"The page's server did not answer /{name}: {error!r}.") from error
        if answer.status != 200:
            raise FraLiveError(f"The page's server answered {answer.status} to /{name}.")
        return data

    def _order(self, name: str, data: list[Any]) -> bytes:
        number = next(d["id"] for d in self._deeds if d["api_name"] == name)
        order = {"fn_index": number, "session_hash": self._session, "data": data}
        return json.dumps(order).encode()

    def _call(self, name: str, data: list[Any]) -> Any:
        order = self._order(name, data)
        return json.loads(self._ask("POST", "gradio_api/run/predict", order, "application/json"))

    def _queue(self, name: str, data: list[Any]) -> None:
        self._ask("POST", "gradio_api/queue/join", self._order(name, data), "application/json")
        where = f"gradio_api/queue/data?session_hash={self._session}"
        for line in self._ask("GET", where).splitlines():
            told = json.loads(line[5:]) if line.startswith(b"data:") else {}
            if told.get("msg") == "process_completed" and told.get("success"):
                return
        raise FraLiveError(f"The page's server did not finish '{name}'.")


class Visitors:
    """Some visitors at a time, one after the other, each in a thread.

    Args:
        address: of the page.
        pictures: what their cameras see, as JPEG, over and over.
        at_once: how many.

    Attributes:
        errors: what went wrong, as sentences.
        visits: tabs that were opened and closed.
    """

    def __init__(self, address: str, pictures: Sequence[bytes], at_once: int) -> None:
        self._address, self._pictures = address, pictures
        self.errors: list[str] = []
        self.visits = 0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._ages_ms: list[float] = []
        self._begin_s = time.perf_counter()
        self._threads = [
            threading.Thread(target=self._come_and_go, name="visitor") for _ in range(at_once)
        ]

    def take(self) -> list[float]:
        """How long the pictures took since the last call, ms each."""
        with self._lock:
            taken, self._ages_ms = self._ages_ms, []
        return taken

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _come_and_go(self) -> None:
        pictures = cycle(self._pictures)
        while not self._stop.is_set():
            hurry = time.perf_counter() - self._begin_s < HURRY_S
            try:
                with Visitor(self._address) as visitor:
                    self._use(visitor, pictures, SHORT_VISIT_S if hurry else VISIT_S)
            except FraLiveError as error:
                with self._lock:
                    self.errors.append(str(error))
            with self._lock:
                self.visits += 1
            self._stop.wait(0.0 if hurry else REST_S)

    def _use(self, visitor: Visitor, pictures: Any, seconds: float) -> None:
        begin = time.perf_counter()
        for number, view in enumerate(_VIEWS, 1):
            visitor.choose(0.5, view)
            until = begin + seconds * number / len(_VIEWS)
            while time.perf_counter() < until and not self._stop.is_set():
                age_ms = visitor.picture(next(pictures))
                with self._lock:
                    self._ages_ms.append(age_ms)
        visitor.press("clear")
        visitor.press("stop")
        visitor.image("photo.jpg", next(pictures))
