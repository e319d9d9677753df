"""Stills, clips and tables of events."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fra_live.errors import SinkError
from fra_live.labels import LabelSet
from fra_live.live.event_table import COLUMNS, EventTable
from fra_live.live.events import EventTracker
from fra_live.live.frame_ring import FrameRing
from fra_live.live.snapshots import EventSnapshots, SnapshotParameters
from fra_live.results import Event, FrameResult

LABELS = LabelSet(("background", "face", "drink"), ("face",), {"drinking": "drink"})
FPS = 15


def grey(value: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def run(snapshots: EventSnapshots, until: float, on: tuple[float, float], peak: int = -1) -> None:
    """Frames as bright as their index; the action lasts from on[0] to on[1] s."""
    tracker = EventTracker("clip", LABELS)
    for index in range(int(until * FPS)):
        t = index / FPS
        p = 0.99 if index == peak else 0.9 if on[0] <= t < on[1] else 0.02
        actions = {"drinking": p, "none": 1 - p}
        tracker.update(FrameResult((48, 64), actions, {}, 0.5, (), timestamp_s=t), index)
        snapshots.update(grey(index), t, index, tracker.active)


def decode(path: Path) -> tuple[list[float], list[float]]:
    """Times in s and mean brightness of a clip's frames."""
    with av.open(str(path)) as container:
        frames = [(f.time or 0.0, float(f.to_ndarray(format="gray").mean())) for f in
                  container.decode(video=0)]  # fmt: skip
    return [f[0] for f in frames], [f[1] for f in frames]


def test_a_clip_begins_before_its_event_and_a_still_shows_its_peak(tmp_path: Path) -> None:
    kept = EventSnapshots(tmp_path, "cam 1/x", rate=Fraction(FPS), live=False)
    run(kept, until=9, on=(3.0, 5.0), peak=60)
    paths = kept.close()
    clip, still = sorted(paths, key=lambda p: p.suffix, reverse=True)
    assert clip.name == "cam_1_x_00003.00s_drinking_0.mp4" and still.suffix == ".jpg"
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    image = cv2.imread(str(still))
    assert image is not None and abs(float(image.mean()) - 60) <= 2
    times, brightness = decode(clip)
    assert times[0] == 0 and np.allclose(np.diff(times), 1 / FPS, atol=0.002)
    assert brightness[0] == pytest.approx(1 * FPS, abs=2)  # 2 s before the start at 3 s
    assert brightness[-1] == pytest.approx(6 * FPS, abs=2)  # 1 s after the end at 5 s


def test_what_still_goes_on_is_finished_at_the_end(tmp_path: Path) -> None:
    with EventSnapshots(tmp_path, rate=Fraction(FPS), live=False) as kept:
        run(kept, until=4, on=(2.0, 99.0))
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".jpg", ".mp4"]
    times, _ = decode(next(tmp_path.glob("*.mp4")))
    assert times[-1] == pytest.approx(4 - 1 / FPS, abs=0.01)  # all of it: it began at 0 s


def test_long_events_are_cut_and_nothing_happens_without_events(tmp_path: Path) -> None:
    limits = SnapshotParameters(stills=False, longest_s=1.5, before_s=0.5)
    kept = EventSnapshots(tmp_path, rate=Fraction(FPS), parameters=limits, live=False)
    run(kept, until=6, on=(1.0, 99.0))
    (clip,) = kept.close()
    assert decode(clip)[0][-1] == pytest.approx(2.0, abs=0.1)
    empty = EventSnapshots(tmp_path / "none", rate=Fraction(FPS))
    run(empty, until=2, on=(99, 99))
    assert empty.close() == [] and not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    kept = EventSnapshots(blocked, rate=Fraction(FPS), live=False)
    run(kept, until=5, on=(1.0, 2.0))
    with pytest.raises(SinkError, match="file"):
        kept.close()
    assert kept.error is not None and kept.paths == []


def test_the_ring_is_bounded_in_seconds_and_bytes() -> None:
    ring = FrameRing(seconds=1.0, max_bytes=10_000_000)
    for i in range(100):
        ring.push(grey(i), i / 10, i)
    assert [f.index for f in ring.since(0)] == list(range(89, 100))
    assert [f.index for f in ring.since(9.75)] == [98, 99]
    found = ring.find(95)
    assert found is not None and found.image[0, 0, 0] == 95 and ring.find(5) is None

    size = 480 * 640 * 3
    tight = FrameRing(seconds=100.0, max_bytes=3 * size)
    noisy = np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    smooth = cv2.GaussianBlur(noisy, (0, 0), 9)
    for i in range(60):
        tight.push(smooth, float(i), i)
        assert tight.bytes <= 3 * size
    assert len(tight) > 20  # as JPEG far more fit than three
    last = tight.find(59)
    assert last is not None
    assert np.abs(last.image.astype(int) - smooth).mean() < 3
    tight.push(smooth, 5.0, 60)  # a clock set back
    assert len(tight) == 1


def test_table(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    events = [
        Event("Küche, 2.mp4", "drinking", 1.23456, 3.5, 0.91234, 42, (1.0, 2.04, 3.0, 4.0), 1),
        Event("b", "drinking", 0.0, 1.0, 0.9, 3, None, None),
    ]
    with EventTable(path) as table:
        for event in events:
            table.write(event)
        assert not path.exists()  # until it is complete
    table.close()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert list(rows[0].values()) == [
        "Küche, 2.mp4", "drinking", "1", "1.235", "3.5", "2.265", "0.9123", "42",
        "1.0", "2.0", "3.0", "4.0",
    ]  # fmt: skip
    assert (rows[1]["person"], rows[1]["x0"]) == ("", "")

    with pytest.raises(RuntimeError), EventTable(tmp_path / "broken.csv") as table:
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["events.csv"]
    with pytest.raises(SinkError, match="no/where"):
        (tmp_path / "no").write_text("")
        EventTable(tmp_path / "no" / "where.csv")
