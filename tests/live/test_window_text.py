from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live.errors import FraLiveError, SinkError, SourceError
from fra_live.live.event_files import EventFiles
from fra_live.live.window import WindowOptions, run_window
from fra_live.results import Event
from fra_live.video.sinks import JsonlSink
from tests.live.loop_parts import SlowRecognizer, decode, write_clip
from tests.live.program import Program


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=45, size=(240, 320))


def run_text(
    source: Path | str | int, tmp_path: Path, **options: object
) -> tuple[list[Event], list[str], SlowRecognizer]:
    events: list[Event] = []
    said: list[str] = []
    recognizer = SlowRecognizer(drinking=(0.3, 1e9))
    settings = WindowOptions(window=False, events=tmp_path / "events.jsonl", folder=tmp_path)
    settings = replace(settings, **options)  # type: ignore[arg-type]
    assert run_window(source, lambda: recognizer, settings, say=said.append,
                      tell_event=events.append) == 0  # fmt: skip
    return events, said, recognizer


def test_without_a_window_events_are_told_and_written(clip: Path, tmp_path: Path) -> None:
    events, said, recognizer = run_text(clip, tmp_path, record=True, threshold=0.6)
    assert recognizer.calls == 45 and recognizer.threshold == 0.6  # every frame of a file
    assert [e.action for e in events] == ["drinking"]
    assert events[0].end_s == pytest.approx(44 / 30, abs=0.01)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["drinking"]
    assert said[-1].startswith("45 frames shown, 0 passed over;") and "1 event." in said[-1]
    [recording] = tmp_path.glob("fra-live-*.mp4")
    assert len(decode(recording)) > 5


def test_events_as_csv_and_in_pictures(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    run_text(clip, tmp_path, events=tmp_path / "events.csv", event_folder=folder)
    [head, row] = (tmp_path / "events.csv").read_text("utf-8-sig").splitlines()
    assert head.startswith("source,action") and ",drinking," in row
    [film, still] = sorted(folder.iterdir(), key=lambda p: p.suffix, reverse=True)
    assert (film.suffix, still.suffix) == (".mp4", ".jpg")
    assert len(decode(film)) == 45  # the two seconds before it reach back to the start


def test_a_full_disk_ends_the_table_not_the_show(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = EventFiles(tmp_path / "events.jsonl", None)
    event = Event("x", "drinking", 0.0, 1.0, 0.9, 0, None)
    files.write([event])

    def refuse(self: JsonlSink, line: object) -> None:
        raise SinkError("The disk is full.")

    monkeypatch.setattr(JsonlSink, "write", refuse)
    with pytest.raises(SinkError):
        files.write([event])
    files.write([event])  # not tried any more
    files.close()
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1


def test_still_images_have_events_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((48, 64, 3), np.uint8))
    events, _, _ = run_text(folder, tmp_path)
    assert [(e.action, e.start_s, e.end_s) for e in events] == [("drinking", 1.0, 1.0)]


@pytest.mark.parametrize(
    ("source", "told"),
    [("missing.mp4", "does not exist"), ("37", r"Camera 37 .*'fra-live demo' needs no camera")],
)
def test_a_source_that_is_not_there_is_told_at_once(source: str, told: str, tmp_path: Path) -> None:
    def load() -> SlowRecognizer:
        time.sleep(30)  # nobody waits for the networks then
        return SlowRecognizer()

    start = time.perf_counter()
    with pytest.raises(SourceError, match=told):
        run_window(source, load, WindowOptions(window=False))
    assert time.perf_counter() - start < 10


def test_a_model_that_is_not_there_is_told(clip: Path) -> None:
    def load() -> SlowRecognizer:
        raise FraLiveError("There is no model.")

    with pytest.raises(FraLiveError, match="There is no model"):
        run_window(clip, load, WindowOptions(window=False))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_all_files(
    number: signal.Signals, clip: Path, tmp_path: Path, start: Callable[..., Program]
) -> None:
    program = start(clip, tmp_path, "text", "repeat", "record")
    program.wait_for_frames(40)
    program.process.send_signal(number)
    assert program.end() == 0, program.lines
    assert not [line for line in program.lines if "Traceback" in line]
    assert [json.loads(s)["action"] for s in (tmp_path / "events.jsonl").read_text().splitlines()]
    [recording] = tmp_path.glob("fra-live-*.mp4")
    assert len(decode(recording)) > 2


def test_an_engine_that_hangs_does_not_hang_the_program(
    clip: Path, tmp_path: Path, start: Callable[..., Program]
) -> None:
    program = start(clip, tmp_path, "text", "hang")
    assert program.end() == 1
    assert "error The engine has not answered for" in program.lines[-1]
