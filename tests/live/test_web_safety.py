"""What a curious visitor may try: the page's server over plain HTTP, without a browser."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from fra_live.live.web.guard import Guard, own_upload
from fra_live.live.web.sessions import Limits, Sessions
from fra_live.live.web.sharing import SharedRecognizer, Turns
from fra_live.recognizer import Recognizer
from tests.live.web_scenes import jpeg

META = {"_type": "gradio.FileData"}
_sessions = count()


@pytest.fixture(scope="module")
def address(colours: Recognizer) -> Iterator[str]:
    pytest.importorskip("gradio")
    from fra_live.live.web.serve import WebOptions, serving

    with serving(colours, WebOptions(limits=Limits(upload_mb=0.1))) as found:
        yield found


def post(address: str, path: str, body: bytes, kind: str) -> bytes:
    request = urllib.request.Request(address + path, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def upload(address: str, name: str, data: bytes) -> str:
    """Send a file as the page does; returns its path on the server."""
    head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + b"\r\n--b--\r\n"
    (path,) = json.loads(
        post(address, "gradio_api/upload", body, "multipart/form-data; boundary=b")
    )
    return str(path)


def ask(address: str, element: str, first: Any) -> dict[str, Any]:
    """Call what hangs on an upload, as the page's own script does; returns the closing message."""
    config = json.load(urllib.request.urlopen(f"{address}config", timeout=60))
    ids = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
    inputs = [0.5, "Show"] if element == "fl-image-upload" else [0.5, 1, "Show"]
    (index, *_) = (d["id"] for d in config["dependencies"] if d["inputs"][:1] == [ids[element]])
    session = f"visitor{next(_sessions)}"
    body = {"data": [first, *inputs], "fn_index": index, "session_hash": session}
    post(address, "gradio_api/queue/join", json.dumps(body).encode(), "application/json")
    url = f"{address}gradio_api/queue/data?session_hash={session}"
    with urllib.request.urlopen(url, timeout=60) as lines:
        for line in lines:
            if line.startswith(b"data:"):
                message: dict[str, Any] = json.loads(line[5:])
                if message["msg"] in ("process_completed", "unexpected_error"):
                    return message
    raise AssertionError("no answer")


def test_an_upload_is_taken(address: str) -> None:
    path = upload(address, "a.jpg", jpeg("drinking"))
    answer = ask(address, "fl-image-upload", {"path": path, "meta": META})
    assert answer["success"]
    assert "Drinking" in json.dumps(answer["output"])


@pytest.mark.parametrize("element", ["fl-image-upload", "fl-upload"])
@pytest.mark.parametrize("wrapped", ["plain", "meta", "video"])
def test_files_of_the_server_are_no_uploads(
    address: str, element: str, wrapped: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(jpeg("drinking"))
    given: dict[str, Any] = {"path": str(secret)}
    if wrapped == "meta":
        given["meta"] = META
    if wrapped == "video":
        given = {"video": given | {"meta": META}}
    answer = ask(address, element, given)
    shown = json.dumps(answer["output"])
    assert "Drinking" not in shown and "secret" not in shown
    assert not answer["success"] or "hoose" in shown  # "Choose an image", "choose one first"
    assert secret.is_file()


def test_folders_and_results_are_no_uploads(address: str) -> None:
    root = Path(upload(address, "a.jpg", jpeg("drinking"))).parents[1]
    for path in (root, next(root.glob("session-*")), root / "x" / ".." / ".." / "x"):
        answer = ask(address, "fl-image-upload", {"path": str(path), "meta": META})
        assert not answer["success"] or "hoose" in json.dumps(answer["output"])


def test_nothing_is_fetched_for_a_visitor(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio import processing_utils

    asked: list[str] = []

    async def download(url: str, **_: Any) -> str:
        asked.append(url)
        return "nowhere"

    monkeypatch.setattr(processing_utils, "async_ssrf_protected_download", download)
    for element in ("fl-image-upload", "fl-upload"):
        given = {"path": "http://198.51.100.7/a.mp4", "url": "http://198.51.100.7/", "meta": META}
        assert not ask(address, element, given)["success"]
    assert asked == []
    for path in ("gradio_api/file=http://198.51.100.7/a", "gradio_api/proxy=http://198.51.100.7/"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(address + path, timeout=20)
        assert caught.value.code == 403
        assert b"fetches nothing" in caught.value.read()


def test_uploads_are_limited_singly_and_together(address: str) -> None:
    for size in (150_000, 400_000):  # more than Gradio takes, more than the guard takes
        try:
            upload(address, "large.mp4", bytes(size))
        except urllib.error.HTTPError as refusal:
            assert refusal.code == 413
        except ConnectionError:  # closed while it was still sending
            pass
        else:
            pytest.fail(f"{size} bytes were taken")
    with pytest.raises(urllib.error.HTTPError) as full:
        for number in range(20):
            upload(address, f"{number}.mp4", bytes([number]) * 90_000)
    assert full.value.code == 507


def test_a_page_cannot_be_framed(address: str) -> None:
    with urllib.request.urlopen(address, timeout=20) as answer:
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["x-content-type-options"] == "nosniff"


def through_guard(tmp_path: Path, chunks: list[bytes], **scope: Any) -> tuple[int, int]:
    """What a request comes to behind the guard: bytes that arrived, and the answer's status."""
    waiting, arrived, status = list(chunks), 0, 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal arrived
        while (message := await receive())["type"] == "http.request":
            arrived += len(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    request = {"type": "http", "method": "POST", "path": "/queue/join", "headers": []} | scope
    asyncio.run(Guard(app, tmp_path, 1_000_000)(request, receive, send))
    return arrived, status


def test_messages_of_any_size_are_not_taken(tmp_path: Path) -> None:
    assert through_guard(tmp_path, [b"x" * 100]) == (100, 200)
    told = {"headers": [(b"content-length", b"20000000")]}
    assert through_guard(tmp_path, [b"x" * 100], **told) == (0, 413)
    arrived, _ = through_guard(tmp_path, [bytes(5_000_000)] * 8)  # tells no length
    assert arrived <= 16_000_000
    assert through_guard(tmp_path, [bytes(1_200_000)], path="/gradio_api/upload")[0] == 0


def test_a_session_keeps_its_latest_results(colours: Recognizer, tmp_path: Path) -> None:
    sessions = Sessions(SharedRecognizer(colours, Turns()), tmp_path)
    folders = [sessions.of("one").new_folder() for _ in range(20)]
    assert [f.is_dir() for f in folders[-4:]] == [True] * 4
    assert not any(f.exists() for f in folders[:10])


def test_an_upload_lies_two_levels_down(tmp_path: Path) -> None:
    good, result = tmp_path / "0a" / "a.jpg", tmp_path / "session-1" / "b.jpg"
    for path in (good, result, tmp_path / "c.jpg"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "0a" / "link.jpg").symlink_to("/etc/hostname")
    assert own_upload(good, tmp_path) == good
    for path in (
        None, tmp_path, result, tmp_path / "c.jpg", tmp_path / "0a", tmp_path / "0a" / "link.jpg",
        tmp_path / "0a" / ".." / ".." / "a", Path("a\0b"), tmp_path / "0a" / "none.jpg",
    ):  # fmt: skip
        assert own_upload(path, tmp_path) is None
