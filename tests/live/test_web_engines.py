"""Uploads where the page's engine fails or hangs, and another one takes over."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fra_live.errors import EngineError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.clip import Clip, annotate_clip
from fra_live.live.web.engines import Engines
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.pool import RecognizerPool
from fra_live.recognizer import Recognizer
from tests.faulty import Engined, Faulty, raising, unavailable
from tests.live.test_web_safety import META, ask, upload
from tests.live.web_scenes import clip
from tests.red import film


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a hanging call waits for; it goes on when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def engines(own: Any, *others: Callable[[], Any]) -> Engines:
    return Engines(SharedRecognizer(own), others)


def annotate(engines: Engines, folder: Path, session: str = "a", patience_s: float = 20.0) -> Clip:
    recognizer, reserves = engines.of(session)
    return annotate_clip(
        film(folder / f"{session}.mp4"), "mine.mp4", folder / f"{session}-out",
        recognizer.at(0.25), OverlayOptions(), max_minutes=1.0, stopping=threading.Event(),
        progress=lambda *_: None, reserves=reserves, patience_s=patience_s,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["raises", "hangs"])
def test_the_next_engine_goes_on_and_stays(
    how: str, tmp_path: Path, stuck: threading.Event
) -> None:
    fails = raising(7) if how == "raises" else (lambda call: call == 7 and stuck.wait(100))
    own, other = Faulty(Engined("torch"), fails), Engined("openvino")
    loaded: list[str] = []
    both = engines(
        own,
        lambda: loaded.append("none") or unavailable(),  # type: ignore[func-returns-value]
        lambda: loaded.append("other") or other,  # type: ignore[func-returns-value]
    )
    first = annotate(both, tmp_path, "a", patience_s=1.0)
    assert first.frames == 50 and [e.action for e in first.events] == ["drinking"]
    (notice,) = first.notices
    assert "The engine (torch in f32)" in notice and "frame 7 of a.mp4" in notice
    assert notice.endswith("openvino in f32 carries on from there.")
    # The one after it, of another session, begins with the engine that works.
    calls = own.calls
    second = annotate(both, tmp_path, "b")
    assert second.frames == 50 and second.notices == ()
    assert own.calls == calls and other.calls == 43 + 50
    assert loaded == ["none", "other"]


def test_what_cannot_be_loaded_is_not_tried_again(tmp_path: Path) -> None:
    tried: list[int] = []
    both = engines(
        Faulty(Engined("torch"), raising(0)),
        lambda: tried.append(1) or unavailable(),  # type: ignore[func-returns-value]
    )
    for session, words in (("a", r"\(There is no driver\)"), ("b", "could not be loaded before")):
        with pytest.raises(EngineError, match=words):
            annotate(both, tmp_path, session)
    assert tried == [1]


def test_the_threshold_of_one_visitor_is_not_the_others(tmp_path: Path) -> None:
    other = Engined("openvino")
    annotate(engines(Faulty(Engined("torch"), raising(0)), lambda: other), tmp_path)
    assert other.threshold == 0.5  # shared, and so left as it was


def test_the_page(colours: Recognizer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its server with an engine that fails: the visitor gets the video, the log the reason."""
    pytest.importorskip("gradio")
    from fra_live.live.web.serve import WebOptions, serving

    own: Any = Faulty(colours, raising(3))
    with serving(own, WebOptions(), [lambda: RecognizerPool([colours])]) as address:
        path = upload(address, "a.mp4", clip(tmp_path / "a.mp4").read_bytes())
        answer = ask(address, "fl-upload", {"path": path, "meta": META})
    assert answer["success"]
    assert "1 event in" in json.dumps(answer["output"])
    assert own.calls in (4, 5)  # the next frame may have been under way
    assert "failed at frame 3 of a.mp4" in caplog.text
