"""The web page in a real browser with a real camera stream, and what carries it."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fra_live.errors import FraLiveError, SourceError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.camera import Camera
from fra_live.live.web.clip import Stopped, annotate_clip
from fra_live.live.web.pieces import event_list, event_table, timeline
from fra_live.live.web.sessions import Sessions
from fra_live.live.web.sharing import SharedRecognizer, Turns
from fra_live.live.web.still import STEPS, annotate_still
from fra_live.recognizer import Recognizer
from fra_live.results import Event
from fra_live.video.sinks import VideoSink
from tests.tiny import LABELS, scene

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture
def shared(colours: Recognizer) -> SharedRecognizer:
    return SharedRecognizer(colours, Turns())


def _jpeg(action: str, seed: int = 3) -> bytes:
    image, _ = scene(action, (120, 160), seed)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()


def _clip(path: Path, seconds: float = 3.0) -> Path:
    with VideoSink(path, (120, 160), Fraction(10)) as sink:
        for index in range(round(seconds * 10)):
            image, _ = scene("drinking" if index > 5 else "none", (120, 160), 3)
            sink.write(image, index / 10)
    return path


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
    while turns._holder is None:
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
    for action in ["drinking"] * 20 + ["none"] * 20:
        answer = camera.update(_jpeg(action), 0.4, OverlayOptions())
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
    assert "Nothing yet" in camera.clear()


def test_a_camera_that_stops_ends_its_events(
    shared: SharedRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera = Camera(shared)
    assert "Allow the camera" in camera.rest()[1]
    for _ in range(20):
        camera.update(_jpeg("drinking"), 0.4, OverlayOptions())
        now[0] += 0.1
    assert "now" in camera.rest()[0]
    now[0] += 3
    listed, told = camera.rest()
    assert "Drinking" in listed and "now" not in listed
    assert "rests" in told
    assert camera.rest() == (listed, told)


def test_a_covered_camera_is_told(
    shared: SharedRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.web.camera.time.monotonic", lambda: now[0])
    camera, black = Camera(shared), cv2.imencode(".png", np.zeros((90, 120, 3), np.uint8))[1]
    said = ""
    for _ in range(30):
        said = camera.update(black.tobytes(), 0.5, OverlayOptions()).status
        now[0] += 0.1
    assert "black" in said


@pytest.mark.parametrize("data", [b"no picture", b"\xff\xd8\xff\xe0broken", b"\x89PNG\r\n\x1a\n"])
def test_a_camera_refuses_what_is_no_picture(shared: SharedRecognizer, data: bytes) -> None:
    with pytest.raises(FraLiveError, match="reload the page"):
        Camera(shared).update(data, 0.5, OverlayOptions())


def test_a_camera_refuses_huge_pictures(shared: SharedRecognizer) -> None:
    huge = cv2.imencode(".png", np.zeros((8, 5000, 3), np.uint8))[1].tobytes()
    with pytest.raises(FraLiveError, match="5000×8 px"):
        Camera(shared).update(huge, 0.5, OverlayOptions())


# -- videos and images -----------------------------------------------------------------------------


def _annotate(path: Path, folder: Path, shared: SharedRecognizer, **changes: Any) -> Any:
    options = {"max_minutes": 1.0, "stopping": threading.Event(), "progress": lambda *_: None}
    return annotate_clip(
        path, "my clip.mp4", folder, shared, OverlayOptions(), **(options | changes)
    )


def test_a_clip_is_annotated_and_tells_no_server_path(
    shared: SharedRecognizer, tmp_path: Path
) -> None:
    path, out, told = _clip(tmp_path / "upload.mp4"), tmp_path / "out", []
    clip = _annotate(path, out, shared.at(0.4), progress=lambda *step: told.append(step))
    assert clip.frames == 30
    assert clip.duration_s == pytest.approx(3.0, abs=0.2)
    assert [e.action for e in clip.events] == ["drinking"]
    assert clip.video.name == "my clip-annotated.mp4" and clip.video.is_file()
    for table in (clip.table, clip.lines):
        text = table.read_text(encoding="utf-8-sig")
        assert "my clip.mp4" in text and str(tmp_path) not in text
    assert told[-1][0] == pytest.approx(1.0, abs=0.1)


def test_a_clip_that_is_too_long_is_refused(shared: SharedRecognizer, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"my clip.mp4 is longer than 0.01 minutes"):
        _annotate(_clip(tmp_path / "a.mp4"), tmp_path / "out", shared, max_minutes=0.01)


@pytest.mark.parametrize(("name", "words"), [("a.mp4", "no video"), ("a.png", "is an image")])
def test_what_is_no_video_is_refused(
    shared: SharedRecognizer, tmp_path: Path, name: str, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"Dear diary, this is no video at all." * 50)
    with pytest.raises(SourceError, match=words) as caught:
        _annotate(path, tmp_path / "out", shared)
    assert str(tmp_path) not in str(caught.value)


def test_a_clip_can_be_stopped(shared: SharedRecognizer, tmp_path: Path) -> None:
    stopping = threading.Event()
    with pytest.raises(Stopped):
        _annotate(
            _clip(tmp_path / "a.mp4"), tmp_path / "out", shared,
            stopping=stopping, progress=lambda *_: stopping.set(),
        )  # fmt: skip
    assert not list((tmp_path / "out").glob("*.mp4"))


def test_a_still_shows_every_step(shared: SharedRecognizer, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(_jpeg("drinking"))
    still = annotate_still(path, "a.jpg", shared.at(0.4), OverlayOptions())
    assert still.annotated.shape == (120, 160, 3)
    assert len(still.steps) == len(STEPS)
    assert {panel.shape for panel in still.steps} == {(480, 640, 3)}
    assert still.result.action == "drinking"
    path.write_bytes(b"none")
    with pytest.raises(SourceError, match=r"^a.jpg cannot be read"):
        annotate_still(path, "a.jpg", shared, OverlayOptions())


def test_sessions_do_not_mix_and_leave_nothing(shared: SharedRecognizer, tmp_path: Path) -> None:
    sessions = Sessions(shared, tmp_path)
    one, other = sessions.of("one"), sessions.of("other")
    assert sessions.of("one") is one is not other
    one.camera.update(_jpeg("drinking"), 0.4, OverlayOptions())
    assert one.camera._index == 1 and other.camera._index == 0
    upload = tmp_path / "upload.mp4"
    upload.write_bytes(b"x")
    both = tmp_path / "sent by both.mp4"
    both.write_bytes(b"x")
    one.uploads |= {upload, both}
    other.uploads.add(both)
    (one.new_folder() / "result").write_text("x")
    other_folder = other.new_folder()
    sessions.close("one")
    assert not upload.exists() and one.stopping.is_set()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [both]
    assert other_folder.is_dir()
    assert sessions.of("one") is not one
    sessions.close_all()
    assert list(tmp_path.iterdir()) == []


def test_names_are_escaped() -> None:
    event = Event("<b>", "drinking", 1.0, 2.0, 0.9, 3, None, 0)
    for text in (
        event_table(LABELS, [event]), timeline(LABELS, [event], 4.0),
        event_list(LABELS, (), [event], 1),
    ):  # fmt: skip
        assert "<b>" not in text and "Drinking" in text
    assert "left:25.00%;width:25.00%" in timeline(LABELS, [event], 4.0)


# -- the page in a browser -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(colours: Recognizer) -> Iterator[str]:
    pytest.importorskip("gradio")
    from fra_live.live.web.serve import WebOptions, serving

    with serving(colours, WebOptions()) as found:
        yield found


@pytest.fixture(scope="module")
def camera_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser takes for its camera: somebody who drinks."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    path.write_bytes(_jpeg("drinking") * 30)
    return path


@pytest.fixture
def browser(chromium: str, camera_file: Path) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    flags = [
        *FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_file}",
    ]  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


class Tab:
    """A tab with the page; notes what went wrong and who else was asked."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.page = browser.new_context(**options).new_page()
        self.page.set_default_timeout(60_000)
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("request", lambda r: self._note(r.url, address))
        self.page.goto(address)
        self.page.get_by_role("tab", name="Webcam").wait_for()

    def _note(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.elsewhere.append(url)

    def start_camera(self) -> None:
        self.page.get_by_text("Click to Access Webcam").click()
        self.page.locator("#fl-camera").get_by_role("button", name="capture photo").click()

    def text(self, where: str) -> str:
        return str(self.page.locator(where).inner_text())


@pytest.mark.browser
def test_camera_in_two_tabs(browser: Any, address: str) -> None:
    one = Tab(browser, address)
    other = Tab(browser, address, viewport={"width": 360, "height": 700})
    one.start_camera()
    one.page.locator("#fl-events li.now", has_text="Drinking").wait_for()
    first = one.page.locator("#fl-live img").get_attribute("src")
    assert first.startswith("data:image/jpeg;base64,")
    one.page.wait_for_function(
        "old => document.querySelector('#fl-live img').src !== old", arg=first
    )
    assert "Drinking" in one.text("#fl-status")
    assert "Nothing yet" in other.text("#fl-events")
    assert other.page.locator("#fl-live img").count() == 0
    assert other.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for tab in (one, other):
        assert tab.errors == [] and tab.elsewhere == []


@pytest.mark.browser
def test_a_refused_camera_is_told(browser: Any, address: str) -> None:
    context = browser.new_context()
    context.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => "
        "Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page, errors = context.new_page(), []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(address)
    page.get_by_text("Click to Access Webcam").click()
    page.locator("#fl-camera-note", has_text="was not allowed to use the camera").wait_for()
    assert errors == []


@pytest.mark.browser
def test_video_and_image(browser: Any, address: str, tmp_path: Path) -> None:
    tab = Tab(browser, address)
    page = tab.page
    page.get_by_role("tab", name="Video").click()
    upload = page.locator("#fl-upload input[type=file]").first
    upload.set_input_files(_clip(tmp_path / "clip.mp4"))
    page.get_by_role("button", name="Recognize").click()
    page.locator("#fl-table td", has_text="Drinking").wait_for()
    page.wait_for_function("(document.querySelector('#fl-video video') || {}).duration > 2.5")
    assert page.locator("#fl-timeline .fl-bar").count() == 1
    page.get_by_role("tab", name="Image").click()
    (tmp_path / "a.jpg").write_bytes(_jpeg("drinking"))
    page.locator("#fl-image-upload input[type=file]").first.set_input_files(tmp_path / "a.jpg")
    page.locator("#fl-steps img").nth(3).wait_for()
    assert "Drinking" in tab.text("#fl-image-bars")
    assert tab.errors == [] and tab.elsewhere == []


@pytest.mark.browser
def test_an_upload_that_is_no_video_is_told(browser: Any, address: str, tmp_path: Path) -> None:
    tab = Tab(browser, address)
    (tmp_path / "diary.mp4").write_bytes(b"Dear diary, this is no video at all." * 50)
    tab.page.get_by_role("tab", name="Video").click()
    tab.page.locator("#fl-upload input[type=file]").first.set_input_files(tmp_path / "diary.mp4")
    tab.page.get_by_role("button", name="Recognize").click()
    tab.page.locator("#fl-video-note", has_text="diary.mp4 is no video").wait_for()


def test_files_of_the_server_cannot_be_read(address: str) -> None:
    for path in ("/etc/passwd", str(Path("pyproject.toml").resolve()), "pyproject.toml"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}gradio_api/file={path}", timeout=20)
        assert caught.value.code in (403, 404)


def test_a_password_is_asked_for(colours: Recognizer) -> None:
    pytest.importorskip("gradio")
    from fra_live.live.web.serve import WebOptions, serving

    options = WebOptions(user="demo", password="secret words")
    assert "secret words" not in repr(options)
    with serving(colours, options) as address:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}config", timeout=20)
        assert caught.value.code == 401


def test_a_port_in_use_is_told(colours: Recognizer, address: str) -> None:
    from fra_live.live.web.serve import WebOptions, serving

    port = int(address.rstrip("/").rsplit(":", 1)[1])
    with (
        pytest.raises(FraLiveError, match=rf"cannot be served at 127.0.0.1:{port}"),
        serving(colours, WebOptions(port=port)),
    ):
        pass
