"""The window's behaviour; keys are pressed by a script."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live.errors import EngineError
from fra_live.live import camera_switch
from fra_live.video.sources import open_source
from tests.live.loop_parts import FakeCamera, SlowRecognizer, decode, write_clip
from tests.live.scripted_show import Show


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    shown = Show(tmp_path, FakeCamera(100, size=(240, 320)), SlowRecognizer(drinking=(0, 1e9)))
    yield shown
    shown.session.close()


def test_q_quits_and_ages_are_counted(show: Show) -> None:
    show.press_when(lambda: bool(show.app._frame and show.app._frame.active_events), "q")
    show.run()
    assert show.screen.fitted == (240, 320, 3)
    figures = show.session.loop.figures()
    assert figures.shown >= 2 and figures.age_p95_ms > 0
    assert "drinking" in (show.session._folder / "events.jsonl").read_text()


@pytest.mark.parametrize("how", ["signal", "closed"])
def test_other_ways_to_end(how: str, show: Show) -> None:
    def end() -> bool:
        show.stop.asked, show.screen.closed = how == "signal", how == "closed"
        return False

    show.press_when(end, "x")
    show.run()


def test_pause_holds_the_picture_and_a_step_shows_one_more(show: Show) -> None:
    loop = show.session.loop
    settled: list[tuple[int, float]] = []

    def quiet() -> bool:
        """Nothing has been recognized for a while."""
        settled.append((show.recognizer.calls, time.monotonic()))
        since = [t for calls, t in settled if calls == settled[-1][0]]
        return since[-1] - since[0] > 0.2

    calls: list[int] = []
    show.press(" ")
    show.press_when(quiet, "x")
    show.press_when(lambda: calls.append(show.recognizer.calls) or True, ".")
    show.press_when(lambda: show.recognizer.calls == calls[0] + 1, "x")
    show.press_when(quiet, "x")
    show.press_when(lambda: calls.append(show.recognizer.calls) or loop.paused, " ")
    show.press_when(lambda: show.recognizer.calls > calls[1] + 3, "q")
    show.run()
    assert calls[1] == calls[0] + 1


def test_views_ask_for_the_explanation(show: Show) -> None:
    show.press("4")
    show.press_when(lambda: show.recognizer.explained > 3, "1")
    show.press_when(lambda: not show.session.loop.explain, "q")
    show.run()


def test_the_threshold_moves_in_steps_and_stays_inside(show: Show) -> None:
    show.press("+", "=", "-", after=0)
    show.press_when(lambda: show.recognizer.threshold == 0.55, "x")
    show.press(*["+"] * 20, after=0)
    show.press_when(lambda: show.recognizer.threshold == 0.95, "q")
    show.run()


def test_mirror_help_and_full_screen_change_what_is_shown(show: Show) -> None:
    def cup_is_at(x: int) -> bool:
        """Whether the cup's hatching is in the picture, 32 px wide from x on."""
        return float(np.std(show.screen.pictures[-1][110:140, x : x + 32])) > 10

    show.press_when(lambda: cup_is_at(96) and not cup_is_at(192), "m")
    show.press_when(lambda: cup_is_at(192) and not cup_is_at(96), "h")
    show.press("f", "q")
    show.run()
    assert show.screen.full_screen
    assert show.app.status.help


def test_snapshot_and_recording(show: Show, tmp_path: Path) -> None:
    show.press("s")
    show.press_when(show.noted("Saved"), "r")
    show.press("r", after=10)
    show.press_when(show.noted("Recorded"), "q")
    show.run()
    [picture] = tmp_path.glob("*.png")
    assert cv2.imread(str(picture)).shape == (240, 320, 3)
    [recording] = tmp_path.glob("*.mp4")
    assert 2 <= len(decode(recording)) <= 14


def test_what_cannot_be_written_is_noted_and_the_show_goes_on(show: Show, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    show.session._folder = tmp_path / "file"
    show.press("s")
    show.press_when(show.noted("cannot be written"), "r")
    show.press("q")
    show.run()
    assert show.session.recording is None


def test_the_next_camera(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    present = [0, 2, 13]
    monkeypatch.setattr(camera_switch, "list_cameras", lambda: present)
    show.press("c")
    show.press_when(show.noted("Camera 2"), "x")
    show.press_when(lambda: show.screen.pictures[-1].shape == (60, 80, 3), "c")
    show.press_when(show.noted("Camera 13 is cursed."), "x")
    show.press_when(lambda: present.remove(0) or present.remove(13) or True, "c")
    show.press_when(show.noted("No other camera was found."), "q")
    show.run()
    assert [camera.closed.is_set() for camera in show.cameras] == [True]


def test_a_lost_camera_is_told(show: Show) -> None:
    source = show.session.loop.source
    told: list[int] = []

    def lose() -> bool:
        type(source).status = property(lambda self: "Camera 9 is lost.")  # type: ignore
        source.silent = True  # type: ignore[attr-defined]
        told.append(len(show.screen.pictures))
        return True

    try:
        show.press_when(lose, "x")
        show.press_when(lambda: len(show.screen.pictures) > told[0], "q")
        show.run()
    finally:
        del type(source).status
    assert show.app._lasting() == ["Camera 9 is lost."] or show.app._painted[0].startswith("Camera")


def test_an_error_is_shown_until_q(tmp_path: Path) -> None:
    def fail(call: int) -> None:
        if call == 4:
            raise EngineError("The GPU is gone.")

    show = Show(tmp_path, FakeCamera(100), SlowRecognizer(on_call=fail))
    show.press_when(lambda: "The GPU is gone. (q: quit)" in show.app._painted, "q")
    with pytest.raises(EngineError, match="The GPU is gone"):
        show.run()


def test_a_video_ends_the_window_and_a_still_image_stays(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=12)
    show = Show(tmp_path, open_source(clip), SlowRecognizer())
    show.run()
    figures = show.session.loop.figures()
    assert figures.shown + figures.dropped == 12

    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((48, 64, 3), np.uint8))
    show = Show(tmp_path, open_source(tmp_path / "photo.png"), SlowRecognizer(drinking=(0, 1)))
    show.press_when(lambda: show.session.loop.ended, "h")
    show.press_when(lambda: show.app.status.help, "q")
    show.run()
    assert len(show.screen.pictures) >= 2
    assert show.session.event_count == 1
