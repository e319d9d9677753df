"""Annotated copies: true times, colours as they were."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fra_live.video.files import FileSource
from fra_live.video.sinks import VideoSink
from tests.video.copies import copy, times

Clip = Callable[..., Path]


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


def test_the_copy_of_a_turned_clip_is_not_turned_again(make_clip: Clip, tmp_path: Path) -> None:
    copy(make_clip(frames=3, rotation=90), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.height, frame.width, frame.rotation) == (64, 48, 0)
