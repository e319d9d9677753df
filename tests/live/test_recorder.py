from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fra_live.errors import SinkError
from fra_live.live.background import Background
from fra_live.live.card import draw_card
from fra_live.live.recorder import Recorder, free_name
from tests.live.loop_parts import decode


def test_a_recording_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    recorder = Recorder(path, (48, 64), Fraction(30))
    pictures = [np.full((48, 64, 3), 8 * i, np.uint8) for i in range(10)]
    for i, picture in enumerate(pictures):
        if i == 5:
            recorder.cut()  # ten minutes' pause leave no gap
        recorder.write(lambda p=picture: p, 100 + i / 30 + (600 if i >= 5 else 0))
        time.sleep(0.005)
    assert not path.exists()
    assert recorder.close() == path
    frames = decode(path)
    assert len(frames) + recorder.left_out == 10
    assert frames[0].time == 0
    assert frames[-1].time <= 9 / 30 + 0.02


def test_a_recorder_leaves_frames_out_rather_than_wait(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "clip.mp4", (48, 64), Fraction(30))
    held = threading.Event()
    picture = np.zeros((48, 64, 3), np.uint8)

    def draw() -> np.ndarray:
        held.wait()
        return picture

    start = time.perf_counter()
    for i in range(40):
        recorder.write(draw, i / 30)
    assert time.perf_counter() - start < 1
    assert recorder.left_out >= 20
    held.set()
    frames = decode(recorder.close())
    assert len(frames) == 40 - recorder.left_out


def test_a_recording_that_breaks_off_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    recorder = Recorder(path, (48, 64), Fraction(30))
    for i in range(3):
        recorder.write(lambda: np.zeros((48, 64, 3), np.uint8), i / 30)

    def broken() -> np.ndarray:
        raise SinkError("The disk is full.")

    recorder.write(broken, 0.1)
    with pytest.raises(SinkError, match="disk is full"):
        recorder.close()
    assert len(decode(path)) == 3


def test_names_are_not_used_twice(tmp_path: Path) -> None:
    first = free_name(tmp_path, ".png")
    first.touch()
    assert free_name(tmp_path, ".png") != first


def test_a_card_shows_its_sentences_in_any_size() -> None:
    for size in ((480, 640), (120, 160), (90, 1000)):
        card = draw_card("fra-live", ["Opening the source …", "word " * 60], size)
        assert card.shape == (*size, 3)
        assert card.max() > 150


def test_background_work_that_nobody_wants_is_discarded() -> None:
    released, discarded = threading.Event(), threading.Event()
    work = Background(lambda: released.wait(5), lambda result: discarded.set())
    assert not work.done()
    work.abandon()
    released.set()
    assert discarded.wait(5)
