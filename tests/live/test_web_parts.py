"""What carries the web page, without a browser: videos, images, sessions."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from fra_live.errors import SourceError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.clip import Stopped, annotate_clip
from fra_live.live.web.pieces import event_list, event_table, timeline
from fra_live.live.web.sessions import Sessions
from fra_live.live.web.sharing import SharedRecognizer, Turns
from fra_live.live.web.still import STEPS, annotate_still
from fra_live.recognizer import Recognizer
from fra_live.results import Event
from tests.live.web_scenes import clip as clip_file
from tests.live.web_scenes import jpeg
from tests.tiny import LABELS


@pytest.fixture
def shared(colours: Recognizer) -> SharedRecognizer:
    return SharedRecognizer(colours, Turns())


# -- videos and images -----------------------------------------------------------------------------


def _annotate(path: Path, folder: Path, shared: SharedRecognizer, **changes: Any) -> Any:
    options = {"max_minutes": 1.0, "stopping": threading.Event(), "progress": lambda *_: None}
    return annotate_clip(
        path, "my clip.mp4", folder, shared, OverlayOptions(), **(options | changes)
    )


def test_a_clip_is_annotated_and_tells_no_server_path(
    shared: SharedRecognizer, tmp_path: Path
) -> None:
    path, out, told = clip_file(tmp_path / "upload.mp4"), tmp_path / "out", []
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
        _annotate(clip_file(tmp_path / "a.mp4"), tmp_path / "out", shared, max_minutes=0.01)


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
            clip_file(tmp_path / "a.mp4"), tmp_path / "out", shared,
            stopping=stopping, progress=lambda *_: stopping.set(),
        )  # fmt: skip
    assert not list((tmp_path / "out").glob("*.mp4"))


def test_a_still_shows_every_step(shared: SharedRecognizer, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg("drinking"))
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
    one.camera.update(jpeg("drinking"))
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
