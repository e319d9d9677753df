"""The window where every frame is shown: views, recordings, figures."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fra_live.commands import live
from fra_live.live.figures import LoopFigures
from fra_live.live.hud import Hud
from fra_live.live.overlay import Overlay, OverlayOptions
from fra_live.video.sources import open_source
from tests.live.loop_parts import LABELS, FakeCamera, SlowRecognizer, decode, make_result
from tests.live.scripted_show import Show

SIZE = 240, 320


def run(show: Show, pictures: int = 25) -> LoopFigures:
    show.press("q", after=pictures)
    show.run()
    return show.session.loop.figures()


@pytest.mark.parametrize("every_frame", [True, False])
def test_frames_that_are_not_recognized_are_shown_unless_refused(
    every_frame: bool, tmp_path: Path
) -> None:
    recognizer = SlowRecognizer(0.1)
    show = Show(tmp_path, FakeCamera(60, SIZE), recognizer, every_frame=every_frame)
    figures = run(show, 25 if every_frame else 5)
    assert (figures.shown >= figures.recognized + 8) == every_frame


@pytest.mark.parametrize("options", [OverlayOptions(view=4), OverlayOptions(faces="blur")])
def test_maps_and_hidden_faces_belong_to_recognized_frames(
    options: OverlayOptions, tmp_path: Path
) -> None:
    show = Show(tmp_path, FakeCamera(60, SIZE), SlowRecognizer(0.05), options)
    figures = run(show, 5)
    assert figures.shown <= figures.recognized


def test_views_switch_it(tmp_path: Path) -> None:
    show = Show(tmp_path, FakeCamera(60, SIZE), SlowRecognizer(0.02))
    loop, pictures = show.session.loop, show.screen.pictures
    switched: list[bool] = []

    def some_more() -> bool:
        switched.append(loop.every_frame)
        return len(pictures) > 4 * len(set(switched))

    for key in ("3", "1", "q"):
        show.press_when(some_more, key)
    show.run()
    assert switched[0] and switched[-1] and not all(switched)


def test_a_recording_has_every_frame_once(tmp_path: Path) -> None:
    recognizer = SlowRecognizer(0.1)
    show = Show(tmp_path, FakeCamera(30, SIZE), recognizer)
    show.press("r")
    show.press("r", after=20)
    show.press_when(show.noted("Recorded"), "q")
    show.run()
    [recording] = tmp_path.glob("*.mp4")
    times = [float(frame.time or 0) for frame in decode(recording)]
    assert len(times) > recognizer.calls and min(np.diff(times)) > 0


def test_still_images_are_never_carried_from_one_to_the_next(tmp_path: Path) -> None:
    for name in "ab":
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((48, 64, 3), ord(name), np.uint8))
    show = Show(tmp_path, open_source(f"{tmp_path}/*.png"), SlowRecognizer(0.05))
    assert not show.session.every_frame and not show.session.loop.every_frame
    show.press_when(lambda: show.session.loop.ended, "q")
    show.run()
    assert show.session.loop.figures().recognized == 2


def test_the_recognitions_rate_and_age_stand_under_the_frames() -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    found = replace(make_result(image), candidates=(), people=(), hands=())

    def panel(hud: Hud) -> tuple[int, int]:
        drawn = Overlay(LABELS, OverlayOptions(actions=False, banner=False)).draw(
            image, found, (), hud
        )
        ys, xs = np.nonzero((drawn[:200, :250] != image[:200, :250]).any(axis=2))
        return int(ys.max()), int(xs[ys < 90].max())

    plain, told = panel(Hud(30, 12)), panel(Hud(30, 12, recognized_fps=18, recognized_ms=95))
    assert told[0] > plain[0]
    assert panel(Hud(30, 12, recognized_fps=18)) != plain


def test_the_command_shows_every_frame_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    parser, taken = argparse.ArgumentParser(), list[Any]()
    live.add_arguments(parser)

    def run_window(spec: str, load: object, options: object, **given: object) -> int:
        taken.append(options)
        return 0

    monkeypatch.setattr("fra_live.live.window.run_window", run_window)
    for given in (["clip.mp4"], ["clip.mp4", "--recognized-only"]):
        assert live.run(parser.parse_args(given)) == 0
    assert [options.every_frame for options in taken] == [True, False]
