"""Recorded video that was cut off or damaged: what is left of it, and the sentence that tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fra_live.errors import SourceError
from fra_live.video.base import Frame
from fra_live.video.files import FileSource
from fra_live.video.integrity import missing_part

Clip = Callable[..., Path]
FASTSTART = {"movflags": "+faststart"}


def read(path: Path) -> tuple[FileSource, list[Frame]]:
    with FileSource.open(path) as source:
        return source, list(source)


def test_cut_mp4_gives_what_is_left_and_says_so(
    make_clip: Clip, number_of: Callable[[np.ndarray], int]
) -> None:
    path = make_clip(frames=40, sound="aac", options=FASTSTART)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    source, frames = read(path)
    assert 10 <= len(frames) < 40
    assert [number_of(f.image) for f in frames[:10]] == list(range(10))
    assert source.problem == (
        f"{path} is incomplete: it ends after {len(data) * 7 // 10:,} of {len(data):,} bytes;"
        f" {len(frames)} frames could be used."
    )
    assert source.status == source.problem


def test_cut_mkv(make_clip: Clip) -> None:
    path = make_clip("c.mkv", frames=40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source, frames = read(path)
    assert 3 <= len(frames) < 40
    assert source.problem is not None
    assert "bytes" in source.problem


def test_mp4_without_its_index_is_refused_with_the_reason(make_clip: Clip) -> None:
    path = make_clip(frames=10)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="it was cut off before its index was written; repair"):
        FileSource.open(path)
    path.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(SourceError, match="its index is missing"):
        FileSource.open(path)


def test_whole_files_lack_nothing(make_clip: Clip) -> None:
    fragments = {"movflags": "+frag_keyframe+empty_moov"}
    for name, options in [("a.mp4", {}), ("b.mp4", fragments), ("c.mkv", {}), ("d.avi", {})]:
        assert missing_part(make_clip(name, frames=5, options=options)) is None


def test_flipped_bytes_raise_nothing_and_lose_little(make_clip: Clip) -> None:
    random = np.random.default_rng(3)
    for name in ("a.mp4", "b.mkv", "c.avi", "d.ts"):
        path = make_clip(name, frames=20, options=FASTSTART if name == "a.mp4" else {})
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(8):
            data = whole.copy()
            places = random.integers(0, len(data), 5)
            data[places] ^= random.integers(1, 255, 5, np.uint8)
            path.write_bytes(data.tobytes())
            try:
                source, frames = read(path)
            except SourceError as error:
                assert str(path) in str(error)
            else:
                times = [f.timestamp_s for f in frames]
                assert times == sorted(set(times))
                assert frames
                assert source.size is not None
