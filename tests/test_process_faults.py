"""`process` where things go wrong round it: hangs, a second run, an input that goes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fra_live.errors import SinkError
from fra_live.locking import FolderLock
from fra_live.process import process
from fra_live.video import files, images
from fra_live.video.encoding import VideoSink
from fra_live.video.threads import Stalled, WriteBehind, in_time
from tests.red import RedFinder, film, photo, visible

PATIENCE_S = 0.4


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a hanging call waits for; it goes on when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def hang_at(path: Path, frame: int, stuck: threading.Event, patch: pytest.MonkeyPatch) -> None:
    """Let the decoder hang at a frame of a file."""
    patch.setattr(files, "_CLOSING_S", 0.1)
    read = files.FileSource._read

    def reading(self: files.FileSource) -> Iterator[Any]:
        for given in read(self):
            if self.path == path and given.index == frame:
                stuck.wait(60)
            yield given

    patch.setattr(files.FileSource, "_read", reading)


@pytest.mark.parametrize("frame", [0, 7])  # while it is opened, and later
def test_a_decoder_that_hangs_does_not_stop_the_others(
    frame: int, stuck: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [film(tmp_path / "a.mp4", 1), film(tmp_path / "b.mp4", 2), film(tmp_path / "c.mp4", 1)]
    hang_at(inputs[1], frame, stuck, monkeypatch)
    began = time.monotonic()
    report = process(inputs, tmp_path / "out", RedFinder(), patience_s=PATIENCE_S)
    assert time.monotonic() - began < 30
    assert [r.state for r in report.inputs] == ["done", "refused", "done"]
    assert report.problems == (
        f"{inputs[1]} was given up: nothing of it could be read for 0.4 s; copy it to a local"
        " disk, or convert it to mp4.",
    )
    assert set(visible(tmp_path / "out")) == {"a.mp4", "c.mp4", "events.jsonl"}


def test_an_image_that_hangs_does_not_stop_the_others(
    stuck: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png")]
    decode, data = images._decode, inputs[0].read_bytes()
    hanging = [data]

    def decoding(given: bytes) -> Any:
        if hanging and given == hanging.pop():
            stuck.wait(60)
        return decode(given)

    monkeypatch.setattr(images, "_decode", decoding)
    report = process(inputs, tmp_path / "out", RedFinder(), patience_s=PATIENCE_S)
    assert [r.state for r in report.inputs] == ["refused", "done"]


def test_a_copy_that_hangs_does_not_stop_the_others(
    stuck: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [film(tmp_path / "a.mp4", 2), film(tmp_path / "b.mp4", 1)]
    write = VideoSink.write

    def writing(self: VideoSink, image: Any, timestamp_s: float) -> None:
        if self.path.name == "a.mp4" and self.frames == 3:
            stuck.wait(60)
        write(self, image, timestamp_s)

    monkeypatch.setattr(VideoSink, "write", writing)
    out = tmp_path / "out"
    report = process(inputs, out, RedFinder(), frames_jsonl=True, patience_s=PATIENCE_S)
    assert [r.state for r in report.inputs] == ["refused", "done"]
    assert report.problems == (
        f"{out / 'a.mp4'} was given up: nothing could be written to it for 0.4 s.",
    )
    assert set(visible(out)) == {"b.mp4", "events.jsonl", "frames.jsonl"}


def test_a_slow_file_is_not_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = film(tmp_path / "a.mp4", 1), VideoSink.write

    def slowly(self: VideoSink, image: Any, timestamp_s: float) -> None:
        time.sleep(0.1)  # ten of them take longer than the patience, each alone does not
        write(self, image, timestamp_s)

    monkeypatch.setattr(VideoSink, "write", slowly)
    assert process([path], tmp_path / "out", RedFinder(), patience_s=0.8).ok


def test_the_last_items_may_take_their_time(stuck: threading.Event) -> None:
    done = []
    with WriteBehind(lambda item: (time.sleep(0.1), done.append(item)), 4, 0.8) as behind:
        for item in range(8):
            behind.put(item)
    assert done == list(range(8))
    with pytest.raises(Stalled), WriteBehind(lambda _: stuck.wait(60), 4, 0.2) as behind:
        behind.put(1)
    assert behind.stalled


def test_a_call_in_time() -> None:
    assert in_time(lambda: 3, 5.0) == 3
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 // 0, 5.0)


class Waiting(RedFinder):
    """Waits in the middle of its first frame."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, image: Any, **options: Any) -> Any:
        self.reached.set()
        assert self.go_on.wait(60)
        return super().__call__(image, **options)


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    inputs, out, first = [photo(tmp_path / "a.png")], tmp_path / "out", Waiting()
    thread = threading.Thread(target=process, args=(inputs, out, first))
    thread.start()
    try:
        assert first.reached.wait(60)
        with pytest.raises(SinkError, match=r"Another run \(process \d+\) is writing to .*out; "):
            process(inputs, out, RedFinder())
        assert visible(out) == {}
        process(inputs, tmp_path / "other", RedFinder())
    finally:
        first.go_on.set()
        thread.join(60)
    assert [r.state for r in process(inputs, out, RedFinder()).inputs] == ["skipped"]


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from fra_live.locking import FolderLock\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with FolderLock(folder, folder): os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root)
    assert done.returncode == -9
    with FolderLock(tmp_path, tmp_path):
        pass


def test_an_input_that_is_gone_before_its_turn(tmp_path: Path) -> None:
    inputs = [photo(tmp_path / f"{name}.png") for name in "abc"]
    report = process(
        inputs, tmp_path / "out", RedFinder(), progress=lambda _: inputs[1].unlink(missing_ok=True)
    )
    assert [r.state for r in report.inputs] == ["done", "refused", "done"]
    assert report.problems == (f"{inputs[1]} cannot be read: No such file or directory.",)
