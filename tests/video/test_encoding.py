"""Annotated copies: true times, the source's sound, colours as they were, never half a file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fra_live.errors import SinkError
from fra_live.video.files import FileSource
from fra_live.video.sinks import VideoSink

Clip = Callable[..., Path]


def copy(path: Path, out: Path) -> VideoSink:
    with FileSource.open(path) as source:
        assert source.size is not None
        with VideoSink(out, source.size, source.rate, source=path) as sink:
            for frame in source:
                sink.write(frame.image, frame.timestamp_s)
    return sink


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(f.time) for f in container.decode(video=0)]


def packets(path: Path, kind: str = "audio", number: int = 0) -> list[Any]:
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[number]
        base = stream.time_base
        return [(float(p.pts * base), bytes(p)) for p in container.demux(stream) if p.size]


def test_h264_that_browsers_play(tmp_path: Path, numbered: Callable[..., np.ndarray]) -> None:
    out = tmp_path / "new" / "out.mp4"
    with VideoSink(out, (48, 64), Fraction(30)) as sink:
        for index in range(30):
            sink.write(numbered(index), index / 30)
            assert not out.exists()
    assert sink.frames == 30
    assert [p.name for p in out.parent.iterdir()] == ["out.mp4"]
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # plays before it is loaded whole
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.average_rate, stream.frames) == (30, 30)
        assert stream.duration * stream.time_base == 1


@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(12), Fraction(25), Fraction(60)]
)
def test_rates_stay_rational(
    tmp_path: Path, numbered: Callable[..., np.ndarray], rate: Fraction
) -> None:
    with VideoSink(tmp_path / "out.mp4", (48, 64), rate) as sink:
        for index in range(12):
            # as Matroska has it: rounded to whole ms
            sink.write(numbered(index), round(float(index / rate), 3))
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate
        assert stream.duration * stream.time_base == 12 / rate


def test_variable_times_are_kept(tmp_path: Path, numbered: Callable[..., np.ndarray]) -> None:
    moments = [0.0, 0.011, 0.5, 0.51, 3.0, 3.2]
    with VideoSink(tmp_path / "out.mp4", (48, 64), Fraction(2), source=None) as sink:
        for index, moment in enumerate(moments):
            sink.write(numbered(index), moment)
    assert times(tmp_path / "out.mp4") == pytest.approx(moments, abs=0.001)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration / av.time_base == pytest.approx(3.7, abs=0.01)


def test_times_that_do_not_grow_are_moved(
    tmp_path: Path, numbered: Callable[..., np.ndarray]
) -> None:
    with VideoSink(tmp_path / "out.mp4", (48, 64), Fraction(25)) as sink:
        for index, moment in enumerate([0.0, 0.04, 0.04, 0.02, 0.12]):
            sink.write(numbered(index), moment)
    made = times(tmp_path / "out.mp4")
    assert len(made) == 5
    assert made == sorted(set(made))
    assert made[-1] == pytest.approx(0.12)


@pytest.mark.parametrize("size", [(47, 63), (1, 1), (49, 2)])
def test_odd_sizes_lose_nothing(tmp_path: Path, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 200, np.uint8)
    with VideoSink(tmp_path / "out.mp4", size, Fraction(25)) as sink:
        for index in range(3):
            sink.write(image, index / 25)
    with FileSource.open(tmp_path / "out.mp4") as source:
        assert source.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert abs(int(next(iter(source)).image[-1, -1, 1]) - 200) < 5  # the border is no black


@pytest.mark.parametrize("size", [(96, 128), (720, 64)])
def test_colours_survive(tmp_path: Path, size: tuple[int, int]) -> None:
    """BT.601 below 720 rows and BT.709 from there, and both said so."""
    colours = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (200, 90, 30), (255, 255, 255), (0, 0, 0)]
    with VideoSink(tmp_path / "out.mp4", size, Fraction(25), crf=1) as sink:
        for index, colour in enumerate(colours):
            sink.write(np.full((*size, 3), colour, np.uint8), index / 25)
    with FileSource.open(tmp_path / "out.mp4") as source:
        for colour, frame in zip(colours, source, strict=True):
            assert np.abs(frame.image[40, 40].astype(int) - colour).max() <= 6, colour
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1 if size[0] >= 720 else 6, 1)


def test_frames_of_another_size_are_fitted_in(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "out.mp4", (48, 64), Fraction(25)) as sink:
        sink.write(np.full((48, 64, 3), 200, np.uint8), 0)
        sink.write(np.full((100, 50, 3), 200, np.uint8), 0.04)  # mid-stream change
    with FileSource.open(tmp_path / "out.mp4") as source:
        second = list(source)[1].image
    assert second.shape == (48, 64, 3)
    assert int(second[24, 32, 0]) > 180
    assert int(second[24, 5, 0]) < 40


@pytest.mark.parametrize(
    ("name", "codec", "rate", "kept"),
    [
        ("a.mp4", "aac", 16_000, "aac"),
        ("a.ts", "aac", 44_100, "aac"),
        ("a.mkv", "libopus", 48_000, "opus"),
        ("a.mkv", "libmp3lame", 44_100, "mp3float"),
        ("a.mkv", "flac", 44_100, "flac"),
    ],
)
def test_sound_is_copied_packet_by_packet(
    make_clip: Clip, tmp_path: Path, name: str, codec: str, rate: int, kept: str
) -> None:
    path = make_clip(name, frames=25, sound=codec, sound_rate=rate)
    assert copy(path, tmp_path / "out.mp4").problem is None
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [s.codec_context.name for s in container.streams] == ["h264", kept]
    before, after = packets(path), packets(tmp_path / "out.mp4")
    assert len(after) == len(before)
    if name != "a.ts":  # there each packet has a header of its own, which mp4 has once
        assert [data for _, data in after] == [data for _, data in before]
    # Sound stays where it was beside the picture.
    shift = times(path)[0] - times(tmp_path / "out.mp4")[0]
    for (old, _), (new, _) in zip(before, after, strict=True):
        assert new + shift == pytest.approx(old, abs=0.002)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("a.avi", "pcm_s16le", 16_000, "mono"),
        ("a.mov", "pcm_s16le", 48_000, "stereo"),
        ("a.mkv", "ac3", 48_000, "5.1"),
        ("a.mkv", "libmp3lame", 8_000, "mono"),
    ],
)
def test_other_sound_becomes_aac(
    make_clip: Clip, tmp_path: Path, name: str, codec: str, rate: int, layout: str
) -> None:
    path = make_clip(name, frames=50, sound=codec, sound_rate=rate, layout=layout)
    assert copy(path, tmp_path / "out.mp4").problem is None
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.codec_context.sample_rate) == ("aac", rate)
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(stream)])
    assert len(samples) / rate == pytest.approx(2.0, abs=0.15)
    wave = samples[rate // 2 : rate]
    assert 0.15 < float(np.sqrt((wave**2).mean())) < 0.3  # a sine of .3, not silence


def test_sound_that_goes_on_after_the_picture(make_clip: Clip, tmp_path: Path) -> None:
    path = make_clip(frames=25, sound="aac", sound_rate=48_000)
    long = make_clip("long.mp4", frames=75, sound="aac", sound_rate=48_000)
    with (
        FileSource.open(path) as source,
        VideoSink(tmp_path / "out.mp4", (48, 64), Fraction(25), source=long) as sink,
    ):
        for frame in source:
            sink.write(frame.image, frame.timestamp_s)
    assert len(packets(tmp_path / "out.mp4")) == len(packets(long))


def test_the_copy_of_a_turned_clip_is_not_turned_again(make_clip: Clip, tmp_path: Path) -> None:
    copy(make_clip(frames=3, rotation=90), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.height, frame.width, frame.rotation) == (64, 48, 0)


def test_damaged_sound_does_not_lose_the_picture(make_clip: Clip, tmp_path: Path) -> None:
    path = make_clip("a.mkv", frames=25, sound="libopus", sound_rate=48_000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    sink = copy(path, tmp_path / "out.mp4")
    assert sink.frames > 5
    assert packets(tmp_path / "out.mp4")


def test_damaged_durations_of_sound_do_not_cost_the_copy(make_clip: Clip, tmp_path: Path) -> None:
    path = make_clip(frames=25, sound="aac")
    data = bytearray(path.read_bytes())
    table = data.rindex(b"stts")
    last = table + 12 + 8 * int.from_bytes(data[table + 8 : table + 12], "big") - 4
    data[last : last + 4] = b"\x92\0\0\0"
    path.write_bytes(data)
    assert copy(path, tmp_path / "out.mp4").frames == 25
    assert len(times(tmp_path / "out.mp4")) == 25


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
