"""What every test may use, and why a test that needs more than this machine has is skipped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fra_live.recognizer import Recognizer

ROOT = Path(__file__).parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@cache
def without_gpu() -> str | None:
    """Why tests marked `gpu` cannot run; None where they can."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"torch cannot be imported: {error}"
    return None if torch.cuda.is_available() else "torch finds no CUDA device"


@cache
def without_browser() -> str | None:
    """Why tests marked `browser` cannot run; None where they can."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "Playwright is not installed"
    if not any(shutil.which(name) for name in CHROMIUM):
        return "there is no Chromium: apt-get install chromium"
    return None


@cache
def without_window() -> str | None:
    """Why tests marked `window` cannot run; None where they can."""
    import cv2

    try:
        cv2.currentUIFramework()
    except cv2.error:
        return "this OpenCV is headless: install opencv-python over it"
    if not os.environ.get("DISPLAY") and not shutil.which("Xvfb"):
        return "there is no X display and no Xvfb: apt-get install xvfb"
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption(
        "--damaged-full", action="store_true",
        help="give `process` all of the damaged files, not a share of them (some minutes)",
    )  # fmt: skip


def pytest_configure() -> None:
    """Programs that tests interrupt take over what this one ignores, as in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the test that happens to train the tiny model the time for it on a busy machine."""
    for item in items:
        if "tiny_model" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(600))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with the reason, what cannot run here."""
    for marker, obstacle in (
        ("gpu", without_gpu), ("browser", without_browser), ("window", without_window),
    ):  # fmt: skip
        if item.get_closest_marker(marker) and (reason := obstacle()):
            pytest.skip(reason)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def mobile_bundle() -> Path:
    """Folder of the model that ships."""
    folder = ROOT / "engines" / "mobile"
    if not (folder / "manifest.json").is_file():
        pytest.skip("engines/mobile has not been trained in this checkout")
    return folder


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small annotated set of drawn images; see `tests.tiny`."""
    from tests.tiny import draw_set

    return draw_set(tmp_path_factory.mktemp("tiny") / "set")


@pytest.fixture(scope="session")
def colours(tiny_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """A recognizer of that drawn world whose networks are right by construction."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from tests.tiny import colour_recognizer

    return colour_recognizer(tiny_set, tmp_path_factory.mktemp("colours") / "colours")


@pytest.fixture(scope="session")
def tiny_model(tiny_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a complete model, trained through the real functions; it has learned little."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from tests.tiny import tiny_bundle

    return tiny_bundle(tiny_set, tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium, for Playwright's `executable_path`; for tests marked `browser`."""
    return next(path for name in CHROMIUM if (path := shutil.which(name)))


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """An X display of our own, 1280x800, for programs that a test starts with DISPLAY set so."""
    if not shutil.which("Xvfb"):
        pytest.skip("there is no Xvfb: apt-get install xvfb")
    reading, writing = os.pipe()
    # A number of our own: a server that ends removes the socket of the next one of its number.
    display, fd = f":{1000 + os.getpid() % 30000}", str(writing)
    server = subprocess.Popen(
        ["Xvfb", display, "-displayfd", fd, "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:  # Xvfb writes the number once it is ready
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
