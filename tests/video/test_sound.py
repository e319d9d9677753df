"""The source's sound in its annotated copy."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fra_live.video.files import FileSource
from fra_live.video.sinks import VideoSink
from tests.video.copies import copy, packets, times

Clip = Callable[..., Path]


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
