"""Serves the page until it is stopped; nothing of it stays on the disk."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fra_live.errors import FraLiveError, MissingExtraError
from fra_live.live.web.sessions import Limits, Sessions
from fra_live.live.web.sharing import SharedRecognizer

if TYPE_CHECKING:
    from fra_live.live.web.engines import Loader
    from fra_live.pool import RecognizerPool
    from fra_live.recognizer import Recognizer

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTS = range(7860, 7960)
# Gradio keeps what every tab showed last, closed or not: a megabyte for an image's steps. The
# browser has it, and ours is kept in `Sessions`, so nobody misses what it forgets.
_TABS_REMEMBERED = 16


@dataclass(frozen=True)
class WebOptions:
    """How the page is served.

    Attributes:
        host: address to listen at; only this computer reaches 127.0.0.1.
        port: None takes the first free one from 7860 on.
        user, password: what visitors must give; None lets everybody in.
        certificate, key: files for https, which browsers want for cameras of other computers.
        limits: of uploads, videos and cameras.
        view, faces: where the controls stand at first; see `OverlayOptions`.
        open_browser: open the page in this computer's browser.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    key: Path | None = None
    limits: Limits = Limits()
    view: int = 1
    faces: str = ""
    open_browser: bool = False


def check_installed() -> None:
    """Make sure that Gradio is there, without importing it.

    Raises:
        MissingExtraError: it is not.
    """
    if find_spec("gradio") is None:
        raise MissingExtraError("The web page", "web")


@contextmanager
def serving(
    recognizer: Recognizer | RecognizerPool, options: WebOptions, reserves: Sequence[Loader] = ()
) -> Iterator[str]:
    """Serve the page while the block runs.

    Args:
        recognizer: one for all visitors, or several side by side.
        options: how to serve.
        reserves: load others, for when the engine fails or hangs.

    Yields:
        The page's address.

    Raises:
        MissingExtraError: Gradio is not installed.
        FraLiveError: the address or the port cannot be used.
    """
    check_installed()
    with (
        tempfile.TemporaryDirectory(prefix="fra-live-web-", ignore_cleanup_errors=True) as root,
        _environment(GRADIO_TEMP_DIR=root, GRADIO_ANALYTICS_ENABLED="False"),
    ):
        # Imported only now: Gradio reads its environment when it is imported.
        from fra_live.live.web.controls import Controls
        from fra_live.live.web.page import build_page

        sessions = Sessions(SharedRecognizer(recognizer), Path(root), reserves)
        controls = Controls(recognizer.threshold, options.view, options.faces)
        page = build_page(sessions, options.limits, controls)
        try:
            yield _launch(page, sessions, options, Path(root))
        finally:
            sessions.close_all()
            page.close(verbose=False)


def run_page(
    recognizer: Recognizer | RecognizerPool,
    options: WebOptions,
    say: Callable[[str], None],
    reserves: Sequence[Loader] = (),
) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Args:
        recognizer: warmed up.
        options: how to serve.
        say: gets the announcements.
        reserves: see `serving`.

    Raises:
        MissingExtraError: Gradio is not installed.
        FraLiveError: the address or the port cannot be used.
    """
    with serving(recognizer, options, reserves) as address:
        say(f"the page is at {address} (Ctrl-C ends it).")
        if options.host not in LOOPBACK:
            if options.password is None:
                say("everybody who reaches this computer can use it; --auth asks for a password.")
            if options.certificate is None:
                say("browsers on other computers give no camera without https; see --tls-cert.")
        threading.Event().wait()


def _launch(page: Any, sessions: Sessions, options: WebOptions, folder: Path) -> str:
    from starlette.middleware import Middleware

    from fra_live.live.web.guard import Guard
    from fra_live.live.web.link import CameraLink
    from fra_live.live.web.style import css, head, theme

    auth = None
    if options.password is not None:
        auth = (options.user or "", options.password)
    max_upload = int(options.limits.upload_mb * 1_000_000)
    page.queue(max_size=256, default_concurrency_limit=4, api_open=False)
    try:
        _, address, _ = page.launch(
            server_name=options.host,
            server_port=options.port or _free_port(options.host),
            auth=auth,
            ssl_certfile=None if options.certificate is None else str(options.certificate),
            ssl_keyfile=None if options.key is None else str(options.key),
            ssl_verify=False,  # when Gradio calls its own start-up events
            max_file_size=max_upload,
            state_session_capacity=_TABS_REMEMBERED,
            allowed_paths=[],
            app_kwargs={
                "middleware": [
                    Middleware(Guard, folder=folder, max_upload=max_upload),
                    Middleware(CameraLink, sessions=sessions, at_once=options.limits.cameras),
                ]
            },
            share=False,
            inbrowser=options.open_browser,
            quiet=True,
            show_error=False,
            prevent_thread_lock=True,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            _frontend=False,  # no look whether the page answers, which fails on a busy machine
            theme=theme(),
            css=css(),
            head=head(),
        )
    except (OSError, ValueError) as error:
        where = f"{options.host}:{options.port}" if options.port else options.host
        said = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise FraLiveError(
            f"The page cannot be served at {where} ({said}); choose another --host or --port."
        ) from error
    return str(address)


def _free_port(host: str) -> int:
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in _PORTS:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            try:
                tried.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no port from {_PORTS.start} to {_PORTS.stop - 1} is free")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables of the environment for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
