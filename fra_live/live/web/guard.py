"""What the page's server refuses before Gradio sees it, and addresses it must not fetch.

Gradio limits single uploads and hands out files of its temporary folder only. It would also take
messages of any size, fill the disk with uploads one after the other, and fetch any public address
for a visitor; that is stopped here.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

_MAX_MESSAGE = 16_000_000  # bytes of a request that is no upload: a camera's picture at the most
_MORE_THAN_A_FILE = 100_000  # bytes of a form round the file in it
_UPLOADS_KEPT = 10  # times the largest upload: what all visitors together may have on the disk
RESULTS = "session-"  # begins the names of the folders with results
_FETCHING = ("/file=http:", "/file=https:", "/proxy=", "/file=ftp:")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),  # a page round this one could have its camera clicked on
    (b"referrer-policy", b"no-referrer"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Guard:
    """ASGI middleware of the page."""

    def __init__(self, app: App, folder: Path, max_upload: int) -> None:
        """Stand before `app`.

        Args:
            app: the next one.
            folder: Gradio's temporary folder, in which uploads lie.
            max_upload: bytes of the largest upload.
        """
        self._app, self._folder = app, folder
        self._max_upload = max_upload + _MORE_THAN_A_FILE
        self._most_kept = _UPLOADS_KEPT * max_upload

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = str(scope.get("path", ""))
        if any(word in path.lower() for word in _FETCHING):
            await _refuse(send, 403, "This page fetches nothing from elsewhere.")
            return
        uploading = path.rstrip("/").endswith("/upload") and scope["method"] == "POST"
        limit = self._max_upload if uploading else _MAX_MESSAGE
        told = _content_length(scope)
        if told > limit:
            await _refuse(send, 413, f"Too large: at most {limit // 1_000_000} MB are taken.")
            return
        if uploading and self._kept() + told > self._most_kept:
            await _refuse(send, 507, "There is no room for more uploads now; try again later.")
            return
        await self._app(scope, _counted(receive, limit), _with_headers(send))

    def _kept(self) -> int:
        """Bytes of all uploads; results are limited by the sessions themselves."""
        total = 0
        for parent, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if not name.startswith(RESULTS)]
            for name in names:
                try:
                    total += (Path(parent) / name).stat().st_size
                except OSError:  # removed in the meantime
                    continue
        return total


def only_uploads(page: Any) -> None:
    """Keep a page's components from downloading addresses that a visitor names as files."""
    import gradio as gr

    def of(move: Callable[[Any], Awaitable[str | None]]) -> Callable[[Any], Awaitable[str | None]]:
        async def moved(file: Any) -> str | None:
            if file is not None and "://" in str(file):
                raise gr.Error("This page takes uploads, no addresses.", print_exception=False)
            return await move(file)

        return moved

    for block in page.blocks.values():
        if hasattr(block, "async_move_resource_to_block_cache"):
            block.async_move_resource_to_block_cache = of(block.async_move_resource_to_block_cache)


def own_upload(path: Path | None, folder: Path) -> Path | None:
    """A path that a visitor named, when it is a file that a visitor can have uploaded.

    Gradio lets pass whatever lies in its temporary folder: that folder itself too, and the
    results of all sessions.

    Args:
        path: what was named.
        folder: Gradio's temporary folder: uploads lie in <folder>/<checksum>/<name>.
    """
    if path is None:
        return None
    try:
        parts = path.resolve().relative_to(folder.resolve()).parts
        good = len(parts) == 2 and not parts[0].startswith(RESULTS) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if good else None


def _content_length(scope: MutableMapping[str, Any]) -> int:
    for name, value in scope.get("headers", ()):
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _counted(receive: Receive, limit: int) -> Receive:
    """Ends a body that is longer than its sender said, or that told no length."""
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > limit else message

    return counting


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await send(message)

    return sending


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
