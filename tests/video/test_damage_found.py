"""What the damaged files of `tests/damaged` have brought to light, each as small as it can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from fra_live.video.address import is_image
from fra_live.video.files import FileSource
from fra_live.video.images import read_image
from fra_live.video.sinks import VideoSink
from tests.damaged.films import FRAMES, encode, film, photo
from tests.damaged.pictures import read_number


def numbers(path: Path) -> list[int | None]:
    with FileSource.open(path) as source:
        return [read_number(frame.image) for frame in source]


def test_a_gif_with_many_pictures_is_a_film(tmp_path: Path) -> None:
    moving, still = tmp_path / "a.gif", tmp_path / "b.gif"
    moving.write_bytes(film("gif").data)
    still.write_bytes(photo("gif").data)
    assert (is_image(moving), is_image(still)) == (False, True)
    assert numbers(moving) == list(range(FRAMES))
    moving.write_bytes(film("gif").data[:6000])  # OpenCV reads whole ones only
    assert numbers(moving)[:4] == [0, 1, 2, 3]


def test_a_png_with_many_pictures_is_a_film(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode("apng", codec="apng", pixels="rgb24"))
    assert not is_image(path)
    assert numbers(path) == list(range(FRAMES))


def test_a_still_gif_that_was_cut(tmp_path: Path) -> None:
    path, data = tmp_path / "a.gif", photo("gif", size=(200, 300)).data
    path.write_bytes(data[:-10])
    assert is_image(path)
    assert read_number(read_image(path)) == 7


def test_a_damaged_film_is_well_again_from_its_next_key_frame_on(tmp_path: Path) -> None:
    """With guesses for the lost parts, H.264's key frame at 8 was lost too."""
    whole, path = film("mp4").data, tmp_path / "a.mp4"
    with av.open(str(_put(path, whole))) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    random, kept = np.random.default_rng(0), []
    for _ in range(30):
        data = bytearray(whole)
        for place in random.integers(packets[0][0] + 60, packets[0][0] + packets[0][1], 3):
            data[place] ^= int(random.integers(1, 256))
        first = numbers(_put(path, bytes(data)))
        assert numbers(path) == first  # the same each time
        kept.append(first[8:] == [8, 9, 10, 11])
    assert all(kept)


def _put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_sound_that_changes_on_the_way_does_not_cost_the_copy(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.mpg", tmp_path / "copy.mp4"
    parts = [
        encode("mpg", codec="mpeg2video", sound="mp2", rate=25, sound_rate=rate)
        for rate in (48_000, 32_000)
    ]
    path.write_bytes(b"".join(parts))
    with (
        FileSource.open(path) as source,
        VideoSink(copy, (48, 64), source.rate, source=path) as sink,
    ):
        for frame in source:
            sink.write(frame.image, frame.timestamp_s)
    assert sink.problem is not None and "could not be kept whole" in sink.problem
    with av.open(str(copy)) as container:
        assert container.streams.video[0].frames == 2 * FRAMES


QUIET = """
import contextlib, os, sys
from pathlib import Path
from fra_live.errors import SourceError
from fra_live.quiet import quiet_libraries
with quiet_libraries() if sys.argv[2] else contextlib.nullcontext():
    from fra_live.video.images import read_image
    with contextlib.suppress(SourceError):
        read_image(Path(sys.argv[1]))
    print("we do", file=sys.stderr)
os.write(2, b"and everybody afterwards")
"""


@pytest.mark.parametrize("quiet", ["", "quiet"])
def test_libraries_are_quiet_while_a_command_runs(quiet: str, tmp_path: Path, root: Path) -> None:
    data = bytearray(photo("png", size=(64, 64)).data)
    data[60] ^= 0xFF  # inside the compressed pixels: libpng complains
    path = _put(tmp_path / "a.png", bytes(data))
    command = [sys.executable, "-c", QUIET, str(path), quiet]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100)
    assert done.stderr.endswith("we do\nand everybody afterwards")
    assert ("libpng" in done.stderr) == (not quiet)
