"""The web page in a real browser with a real camera stream."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fra_live.errors import FraLiveError
from fra_live.recognizer import Recognizer
from tests.live.web_scenes import clip as clip_file
from tests.live.web_scenes import jpeg

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


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
    path.write_bytes(jpeg("drinking") * 30)
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
        self.page.locator("#fl-token").wait_for(state="attached")
        self.page.get_by_role("button", name="Start the camera").click()

    def text(self, where: str) -> str:
        return str(self.page.locator(where).inner_text())


@pytest.mark.browser
def test_camera_in_two_tabs(browser: Any, address: str) -> None:
    one = Tab(browser, address)
    other = Tab(browser, address, viewport={"width": 360, "height": 700})
    one.start_camera()
    one.page.locator("#fl-events li.now", has_text="Drinking").wait_for()
    first = one.page.locator("#fl-live img").get_attribute("src")
    assert first.startswith("blob:")
    one.page.wait_for_function(
        "old => document.querySelector('#fl-live img').src !== old", arg=first
    )
    assert one.page.evaluate("document.querySelector('#fl-live img').naturalWidth") == 160
    one.page.locator("#fl-status", has_text="Drinking").wait_for()
    assert "Nothing yet" in other.text("#fl-events")
    assert not other.page.locator("#fl-live img").is_visible()
    assert other.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    one.page.get_by_role("button", name="Stop", exact=True).first.click()
    one.page.locator("#fl-status", has_text="The camera rests").wait_for()
    assert not one.page.locator("#fl-live img").is_visible()
    assert one.page.locator("#fl-events li.now").count() == 0
    one.page.locator("#fl-events li", has_text="Drinking").wait_for()
    one.page.get_by_role("button", name="Clear").click()
    one.page.locator("#fl-events", has_text="Nothing yet").wait_for()
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
    page.get_by_role("button", name="Start the camera").click()
    page.locator("#fl-status", has_text="was not allowed to use the camera").wait_for()
    assert errors == []


@pytest.mark.browser
def test_controls_reach_the_camera_and_the_end_of_the_session_the_page(
    browser: Any, colours: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fra_live.live.web.serve import WebOptions, serving
    from fra_live.live.web.sessions import Sessions

    kept: list[Sessions] = []
    make = Sessions.__init__
    monkeypatch.setattr(
        Sessions, "__init__", lambda self, *given: kept.append(self) or make(self, *given)
    )
    with serving(colours, WebOptions(view=3, faces="blur")) as own:
        tab = Tab(browser, own)
        tab.start_camera()
        tab.page.locator("#fl-live img").wait_for()
        (session,) = kept[0]._sessions.values()
        assert session.camera._options.view == 3 and session.camera._options.faces == "blur"
        tab.page.get_by_label("number input for Threshold").first.fill("0.9")
        tab.page.get_by_label("Pixelate").first.check()
        for _ in range(600):
            if (session.camera._threshold, session.camera._options.faces) == (0.9, "pixelate"):
                break
            tab.page.wait_for_timeout(100)
        else:
            pytest.fail(f"{session.camera._threshold}, {session.camera._options}")
        kept[0].close_all()
        tab.page.locator("#fl-status", has_text="reload it").wait_for()
        assert not tab.page.locator("#fl-live img").is_visible()


@pytest.mark.browser
def test_video_and_image(browser: Any, address: str, tmp_path: Path) -> None:
    tab = Tab(browser, address)
    page = tab.page
    page.get_by_role("tab", name="Video").click()
    upload = page.locator("#fl-upload input[type=file]").first
    upload.set_input_files(clip_file(tmp_path / "clip.mp4"))
    page.get_by_role("button", name="Recognize").click()
    page.locator("#fl-table td", has_text="Drinking").wait_for()
    page.wait_for_function("(document.querySelector('#fl-video video') || {}).duration > 2.5")
    assert page.locator("#fl-timeline .fl-bar").count() == 1
    page.get_by_role("tab", name="Image").click()
    (tmp_path / "a.jpg").write_bytes(jpeg("drinking"))
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
