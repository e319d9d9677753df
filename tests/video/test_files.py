"""Recorded video: every readable frame, upright, at its own time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fra_live.errors import SourceError
from fra_live.video import files
from fra_live.video.base import Frame
from fra_live.video.decoding import turn_upright
from fra_live.video.files import FileSource, Timeline
from fra_live.video.sources import open_source

Clip = Callable[..., Path]


def read(path: Path) -> tuple[FileSource, list[Frame]]:
    with FileSource.open(path) as source:
        return source, list(source)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov", "a.avi", "a.h264"])
def test_every_frame_in_order_at_its_time(
    make_clip: Clip, number_of: Callable[[np.ndarray], int], name: str
) -> None:
    source, frames = read(make_clip(name, frames=23))  # B-frames: the last wait in the decoder
    assert [number_of(f.image) for f in frames] == list(range(23))
    assert [f.index for f in frames] == list(range(23))
    first = frames[0].timestamp_s
    assert [f.timestamp_s - first for f in frames] == pytest.approx(
        [i / 25 for i in range(23)], abs=0.001
    )
    assert (source.rate, source.size, source.live, source.problem) == (25, (48, 64), False, None)


def test_what_is_known_of_a_file(make_clip: Clip) -> None:
    with open_source(make_clip(frames=30, rate=Fraction(30000, 1001))) as source:
        assert source.rate == Fraction(30000, 1001)
        assert source.count == 30
        assert source.duration_s == pytest.approx(1.001, abs=0.002)
        assert source.path is not None
        assert source.name == str(source.path)


def test_variable_frame_rate(make_clip: Clip) -> None:
    ticks = [0, 10, 15, 100, 101, 250, 1000]
    clip = make_clip("v.mkv", frames=7, pts=ticks, time_base=Fraction(1, 100), b_frames=0)
    _, frames = read(clip)
    assert [f.timestamp_s for f in frames] == pytest.approx([t / 100 for t in ticks])


@pytest.mark.parametrize(
    ("rotation", "mirrored", "size", "red_at"),  # red_at: the corner, (y, x)
    [
        (0, False, (48, 64), (0, 0)),
        (90, False, (64, 48), (1, 0)),  # counterclockwise: the right column becomes the top row
        (180, False, (48, 64), (1, 1)),
        (270, False, (64, 48), (0, 1)),
        (0, True, (48, 64), (0, 1)),
        (90, True, (64, 48), (1, 1)),
    ],
)
def test_rotation_is_applied(
    make_clip: Clip, rotation: int, mirrored: bool, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    source, frames = read(make_clip(frames=3, rotation=rotation, mirrored=mirrored))
    assert source.size == size
    for frame in frames:
        assert frame.image.shape == (*size, 3)
        assert frame.image.flags.c_contiguous
        for y in (0, 1):
            for x in (0, 1):
                blue, _, red = frame.image[4 + y * (size[0] - 9), 4 + x * (size[1] - 9)]
                assert (int(red) > 180 and int(blue) < 80) == ((y, x) == red_at)


def test_turning_by_all_eight_matrices() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2)
    one = 1 << 16
    for matrix, expected in [
        ([[one, 0], [0, one]], [[0, 1, 2], [3, 4, 5]]),
        ([[-one, 0], [0, one]], [[2, 1, 0], [5, 4, 3]]),
        ([[one, 0], [0, -one]], [[3, 4, 5], [0, 1, 2]]),
        ([[-one, 0], [0, -one]], [[5, 4, 3], [2, 1, 0]]),
        ([[0, one], [one, 0]], [[0, 3], [1, 4], [2, 5]]),
        ([[0, one], [-one, 0]], [[3, 0], [4, 1], [5, 2]]),  # clockwise
        ([[0, -one], [one, 0]], [[2, 5], [1, 4], [0, 3]]),  # counterclockwise
        ([[0, -one], [-one, 0]], [[5, 2], [4, 1], [3, 0]]),
    ]:
        turned = turn_upright(image, np.array(matrix, np.int32))
        assert turned[..., 0].tolist() == expected, matrix
    assert turn_upright(image, None) is image


def test_pixels_that_are_not_square(make_clip: Clip) -> None:
    source, frames = read(make_clip(frames=2, aspect=Fraction(3, 2)))
    assert source.size == (48, 96)
    assert frames[0].image.shape == (48, 96, 3)


@pytest.mark.parametrize(("codec", "pixels"), [("ffv1", "yuv444p"), ("mjpeg", "yuvj444p")])
def test_odd_sizes(make_clip: Clip, codec: str, pixels: str) -> None:
    source, frames = read(make_clip("odd.mkv", frames=2, size=(47, 63), codec=codec, pixels=pixels))
    assert source.size == (47, 63)
    assert frames[1].image.shape == (47, 63, 3)


def test_large_film(make_clip: Clip, number_of: Callable[[np.ndarray], int]) -> None:
    """Above 1080p several frames are decoded at a time."""
    source, frames = read(make_clip(frames=5, size=(1088, 2048)))
    assert source.size == (1088, 2048)
    assert [number_of(f.image) for f in frames] == list(range(5))


def test_grey_and_deep_video(make_clip: Clip) -> None:
    for pixels in ("gray", "gray16le", "yuv420p10le"):
        _, frames = read(make_clip("d.mkv", frames=1, codec="ffv1", pixels=pixels))
        assert frames[0].image.shape == (48, 64, 3)
        assert abs(int(frames[0].image[40, 40, 0]) - 40) < 4


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 16_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match=r"song\.m4a has no video track\."):
        FileSource.open(path)


def test_no_video_at_all(tmp_path: Path) -> None:
    path = tmp_path / "note.mp4"
    path.write_text("Dear all, please find attached the video.")
    with pytest.raises(SourceError, match=r"note\.mp4 is no video that can be read \(Invalid data"):
        FileSource.open(path)
    path.write_bytes(bytes(5000))
    with pytest.raises(SourceError, match=r"note\.mp4 is no video that can be read"):
        FileSource.open(path)


def test_a_playlist_cannot_reach_other_files(make_clip: Clip, tmp_path: Path) -> None:
    secret = make_clip("secret.mp4", frames=2)
    for name, text in [
        ("a.mp4", f"ffconcat version 1.0\nfile '{secret}'\n"),
        ("b.mp4", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"),
    ]:
        (tmp_path / name).write_text(text)
        with pytest.raises(SourceError, match="is no video that can be read"):
            FileSource.open(tmp_path / name)


def test_a_name_that_looks_like_a_protocol(
    make_clip: Clip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_clip("concat:a.mp4", frames=2)
    monkeypatch.chdir(tmp_path)
    with open_source("concat:a.mp4") as source:
        assert len(list(source)) == 2


def test_a_closed_file_gives_nothing_more(make_clip: Clip) -> None:
    source = FileSource.open(make_clip(frames=5))
    next(iter(source))
    source.close()
    source.close()
    assert list(source) == []


@pytest.mark.parametrize("rotation", [0, 90])
def test_nothing_waits_for_the_garbage_collector(make_clip: Clip, rotation: int) -> None:
    """Pictures that only Python's search for circles frees pile up: half a megabyte each."""
    path = make_clip(frames=40, rotation=rotation)
    read(path)  # what is made at the first use stays
    gc.collect()
    gc.disable()
    try:
        read(path)
        found = gc.collect()
    finally:
        gc.enable()
    assert found < 20


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([0, 1, 2], [0, 1, 2]),
        ([5, 6], [5, 6]),  # a late start is kept: the sound may begin earlier
        ([-2, -1, 0], [0, 1, 2]),  # negative: shifted as a whole
        ([0, 0, 2, 2, 4, 4], [0, 1, 2, 3, 4, 5]),  # repeated
        ([0, 2, 1, 3], [0, 2, 3, 4]),  # disordered
        ([None, None, None], [0, 1, 2]),  # none at all
        ([0, None, 2], [0, 1, 2]),
        ([10, 11, 0, 1, 2], [10, 11, 12, 13, 14]),  # the clock was set back
        ([0, 1, 10**9, 3, 4], [0, 1, 2, 3, 4]),  # one damaged time
        ([0, 1, 3000], [0, 1, 3000]),  # a long pause
    ],
)
def test_times_grow(given: list[int | None], made: list[int]) -> None:
    timeline = Timeline(Fraction(1))
    assert [timeline(None if t is None else Fraction(t)) for t in given] == made


def test_where_nothing_comes_any_more_it_is_told(
    make_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip("a.mp4", frames=100)
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4
    size = int.from_bytes(data[begin - 8 : begin - 4], "big") - 8
    data[begin + size // 2 : begin + size] = bytes(size - size // 2)  # the index stays
    path.write_bytes(data)
    monkeypatch.setattr(files, "_MAX_BARREN_PACKETS", 5)
    source, frames = read(path)
    assert 10 < len(frames) < 90
    assert source.problem is not None
    assert "is incomplete: reading stopped (no picture in 5 packets); " in source.problem
