"""Copies that cannot be completed: never half a file under its name, and one sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fra_live.errors import SinkError
from fra_live.video.sinks import VideoSink
from tests.video.copies import times

Clip = Callable[..., Path]


def test_an_error_leaves_nothing(tmp_path: Path, numbered: Callable[..., np.ndarray]) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        VideoSink(tmp_path / "out.mp4", (48, 64), Fraction(25)) as sink,
    ):
        sink.write(numbered(0), 0)
        assert [p.name for p in tmp_path.iterdir()] == [".out.part.mp4"]
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_no_frames_no_file(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "out.mp4", (48, 64), Fraction(25)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_stays_until_the_new_one_is_complete(
    tmp_path: Path, numbered: Callable[..., np.ndarray]
) -> None:
    (tmp_path / "out.mp4").write_text("old")
    with VideoSink(tmp_path / "out.mp4", (48, 64), Fraction(25)) as sink:
        sink.write(numbered(0), 0)
        assert (tmp_path / "out.mp4").read_text() == "old"
    assert len(times(tmp_path / "out.mp4")) == 1


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for path, said in [
        (tmp_path / "file" / "out.mp4", "cannot be written: "),
        (tmp_path / "folder.mp4", "is a folder"),
        (tmp_path / ("x" * 300 + ".mp4"), "cannot be written: File name too long"),
    ]:
        with pytest.raises(SinkError, match=said):
            VideoSink(path, (48, 64), Fraction(25))
    with pytest.raises(SinkError, match=r"H\.264 cannot hold pictures of 20000×10 px"):
        VideoSink(tmp_path / "a.mp4", (10, 20_000), Fraction(25))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.mp4"]


def test_the_longest_name_that_a_file_may_have(
    tmp_path: Path, numbered: Callable[..., np.ndarray]
) -> None:
    out = tmp_path / ("x" * 251 + ".mp4")
    with VideoSink(out, (48, 64), Fraction(25)) as sink:
        sink.write(numbered(0), 0)
    assert out.is_file()


FULL_DISK = """
import resource, signal, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from fra_live.errors import SinkError
from fra_live.video.sinks import JsonlSink, VideoSink
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
random = np.random.default_rng(1)
out = Path(sys.argv[1])
try:
    with VideoSink(out / "out.mp4", (240, 320), Fraction(25)) as sink:
        for index in range(200):
            sink.write(random.integers(0, 255, (240, 320, 3), np.uint8), index / 25)
except SinkError as error:
    print(error)
try:
    with JsonlSink(out / "out.jsonl") as lines:
        for index in range(200_000):
            lines.write({"index": index})
except SinkError as error:
    print(error)
"""


def test_a_full_disk_is_one_sentence_and_no_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 2, lines
    assert lines[0].endswith("out.mp4 cannot be written: File too large.")
    assert lines[1].endswith("out.jsonl cannot be written: File too large.")
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from fra_live.video.sinks import VideoSink
sink = VideoSink(Path(sys.argv[1]), (48, 64), Fraction(25), recoverable=True)
for index in range(1000):
    sink.write(np.full((48, 64, 3), index % 256, np.uint8), index / 25)
os.kill(os.getpid(), 9)
"""


def test_what_a_crash_leaves_of_a_recoverable_file_plays(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "out.mp4")])
    assert [p.name for p in tmp_path.iterdir()] == [".out.part.mp4"]
    assert len(times(tmp_path / ".out.part.mp4")) > 500
