"""What a page that is open for days keeps of its visitors: real requests, without a browser."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("gradio")

from fra_live.live.web import page as pages
from fra_live.live.web import serve
from fra_live.live.web.sessions import Sessions
from fra_live.recognizer import Recognizer
from tests.live.web_scenes import jpeg
from tests.video.waiting import wait_until


@pytest.fixture
def visiting(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return importlib.import_module("soak_visitor")


def test_nothing_is_kept_of_visitors_who_left(
    visiting: ModuleType, colours: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[tuple[Any, Sessions]] = []

    def build(sessions: Sessions, *options: Any) -> Any:
        built.append((original(sessions, *options), sessions))
        return built[0][0]

    original = pages.build_page
    monkeypatch.setattr(pages, "build_page", build)
    monkeypatch.setattr(serve, "_TABS_REMEMBERED", 2)
    with serve.serving(colours, serve.WebOptions()) as address:
        page, sessions = built[0]
        for _ in range(4):
            with visiting.Visitor(address) as visitor:
                visitor.choose(0.5, 2)
                assert visitor.picture(jpeg("drinking")) > 0
                visitor.press("stop")
                visitor.image("photo.jpg", jpeg("drinking"))
                assert len(sessions) >= 1
        wait_until(lambda: len(sessions) == 0)
        assert len(page.state_holder.session_data) <= 2
        assert len(page.state_holder.time_last_used) <= 2
