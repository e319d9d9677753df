"""`process` over real files, with a stand-in for the model that looks for red."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from fra_live.errors import SinkError
from fra_live.live.overlay import OverlayOptions
from fra_live.process import process
from fra_live.reports import Progress
from fra_live.video.files import FileSource
from tests.red import GREY, RATE, RED, RedFinder, film, lines, photo, visible


def test_films_and_photos(tmp_path: Path) -> None:
    inputs = [film(tmp_path / "in/a.mp4"), photo(tmp_path / "in/sub/b.png"), tmp_path / "in"]
    out, told = tmp_path / "out", list[Progress]()
    report = process(inputs, out, RedFinder(), frames_jsonl=True, progress=told.append)

    assert report.ok
    assert [(r.path, r.state, r.frames) for r in report.inputs] == [
        (inputs[0], "done", 50),
        (inputs[1], "done", 1),
    ]
    assert [r.output for r in report.inputs] == [out / "a.mp4", out / "b.png"]
    assert set(visible(out)) == {
        "a.mp4", "b.png", "events.jsonl", "frames.jsonl", "results.jsonl",
    }  # fmt: skip

    (event,) = lines(report.events)
    assert (event["source"], event["action"]) == (str(inputs[0]), "drinking")
    assert event["start_s"] == pytest.approx(1.0, abs=0.3)
    assert event["end_s"] == pytest.approx(3.5, abs=0.3)
    assert event["box_xyxy"] == [20, 20, 60, 60]

    rows = lines(report.frames)
    assert [(r["index"], r["timestamp_s"]) for r in rows] == [(i, i / 10) for i in range(50)]
    assert [r["action"] for r in rows[8:12]] == ["none", "none", "drinking", "drinking"]
    (result,) = lines(report.results)
    assert (result["source"], result["output"]) == (str(inputs[1]), "b.png")
    assert result["action"] == "drinking"

    with FileSource.open(out / "a.mp4") as copy, FileSource.open(inputs[0]) as original:
        pairs = list(zip(copy, original, strict=True))
        assert copy.rate == original.rate == RATE
    assert all(abs(c.timestamp_s - o.timestamp_s) < 1e-6 for c, o in pairs)
    changed = [int(np.abs(c.image.astype(int) - o.image).max()) > 60 for c, o in pairs]
    assert changed[20]  # the object is drawn where it is seen
    assert np.abs(cv2.imread(str(out / "b.png")).astype(int) - RED).max() > 60

    assert [(t.number, t.total) for t in told if t.state] == [(1, 2), (2, 2)]
    steps = [t for t in told if t.path == inputs[0] and t.state is None]
    assert [t.frame for t in steps] == list(range(1, 51))
    assert steps[-1].share == 1.0
    assert steps[24].share == 0.5


def test_progress_of_a_film_that_does_not_tell_its_frames(tmp_path: Path) -> None:
    path, told = tmp_path / "a.mkv", list[Progress]()
    with av.open(str(film(tmp_path / "a.mp4", 2))) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    assert process([path], tmp_path / "out", RedFinder(), progress=told.append).ok
    shares = [step.share for step in told if step.state is None]
    assert len(shares) == 20
    assert shares == pytest.approx([i / 20 for i in range(20)], abs=0.01)


def test_nothing_is_done_twice(tmp_path: Path) -> None:
    inputs, out = [film(tmp_path / "a.mp4", 2), photo(tmp_path / "b.png")], tmp_path / "out"
    process(inputs, out, RedFinder(), frames_jsonl=True)
    before, again = visible(out), RedFinder()
    report = process(inputs, out, again, frames_jsonl=True)
    assert [r.state for r in report.inputs] == ["skipped", "skipped"]
    assert (again.calls, report.inputs[0].frames, report.ok) == (0, 20, True)
    assert visible(out) == before
    process(inputs, out, again)  # without the lines: there is nothing to do either
    assert again.calls == 0


def test_what_has_changed_is_done_anew(tmp_path: Path) -> None:
    path, other, out = film(tmp_path / "a.mp4", 1), photo(tmp_path / "b.png"), tmp_path / "out"

    def calls(version: int = 1, **options: Any) -> int:
        recognizer = RedFinder(version)
        process([path, other], out, recognizer, **options)
        return recognizer.calls

    assert calls() == 11
    assert calls() == 0
    assert calls(frames_jsonl=True) == 10  # the film, for its lines
    photo(other, GREY)
    os.utime(other, ns=(1, 1))
    assert calls() == 1
    assert calls(overlay_options=OverlayOptions(banner=False)) == 11
    assert calls(version=2, overlay_options=OverlayOptions(banner=False)) == 11
    (out / "a.mp4").unlink()
    assert calls(version=2, overlay_options=OverlayOptions(banner=False)) == 10
    assert calls(version=2, overlay_options=OverlayOptions(banner=False), overwrite=True) == 11
    assert set(visible(out)) == {"a.mp4", "b.png", "events.jsonl", "results.jsonl"}


def test_bad_inputs_do_not_stop_the_others(tmp_path: Path) -> None:
    good = film(tmp_path / "good.mp4", 1)
    cut = film(tmp_path / "cut.mp4", 4)
    data = cut.read_bytes()
    pictures = data.index(b"mdat")
    cut.write_bytes(data[: pictures + (len(data) - pictures) * 7 // 10])
    (tmp_path / "note.jpg").write_text("Dear all")
    (tmp_path / "void.mp4").touch()
    tiny = photo(tmp_path / "tiny.png")
    tiny.write_bytes(cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes())
    inputs = ["none.mp4", tmp_path / "note.jpg", tmp_path / "void.mp4", cut, tiny, good]
    report = process(inputs, tmp_path / "out", RedFinder())

    states = {r.path.name: r.state for r in report.inputs}
    assert states == {
        "none.mp4": "refused", "note.jpg": "refused", "void.mp4": "refused",
        "tiny.png": "refused", "cut.mp4": "done", "good.mp4": "done",
    }  # fmt: skip
    assert not report.ok
    assert len(report.problems) == 5
    for problem in report.problems:
        assert problem.endswith(".")
        assert "\n" not in problem
    assert any("tiny.png has 1×1 px; at least 16" in p for p in report.problems)
    assert any("cut.mp4 is incomplete: it ends after" in p for p in report.problems)
    assert set(visible(tmp_path / "out")) == {"cut.mp4", "good.mp4", "events.jsonl"}
    with FileSource.open(tmp_path / "out/cut.mp4") as copy:
        assert 5 < len(list(copy)) < 40
    again = process([cut], tmp_path / "out", RedFinder())
    assert (again.inputs[0].state, again.ok) == ("skipped", False)  # still worth saying


def test_equal_names_get_names_of_their_own(tmp_path: Path) -> None:
    first, second = film(tmp_path / "x/clip.mp4", 1), film(tmp_path / "y/clip.mp4", 1)
    third = tmp_path / "y/CLIP.mov"
    third.write_bytes(second.read_bytes())
    out = tmp_path / "out"
    report = process([first, second, third], out, RedFinder())
    assert [r.output.name for r in report.inputs if r.output] == [
        "clip.mp4", "clip-annotated.mp4", "CLIP-mov.mp4",
    ]  # fmt: skip
    # A later run leaves them to their owners.
    fourth = film(tmp_path / "z/clip.mp4", 1)
    assert process([fourth], out, RedFinder()).inputs[0].output == out / "clip-2.mp4"
    report = process([tmp_path], tmp_path / "all", RedFinder())
    assert {p for p in visible(tmp_path / "all") if p.endswith("mp4")} == {
        "x/clip.mp4", "y/CLIP.mp4", "y/clip-annotated.mp4", "z/clip.mp4",
    }  # fmt: skip


def test_no_input_is_written_over(tmp_path: Path) -> None:
    path = film(tmp_path / "clip.mp4", 1)
    (tmp_path / "link.mp4").hardlink_to(path)
    before = path.read_bytes()
    for _ in range(2):
        report = process([tmp_path], tmp_path, RedFinder(), overwrite=True)
        assert path.read_bytes() == before
        assert sorted(r.output.name for r in report.inputs if r.output) == [
            "clip-annotated.mp4", "link-annotated.mp4",
        ]  # fmt: skip


def test_files_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    path, out = photo(tmp_path / "a.png"), tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_text("mine")
    report = process([path], out, RedFinder())
    assert report.inputs[0].state == "refused"
    assert "a.png exists and is not from an earlier run" in report.problems[0]
    assert (out / "a.png").read_text() == "mine"
    assert process([path], out, RedFinder(), overwrite=True).ok
    assert (out / "a.png").read_bytes()[:4] == b"\x89PNG"

    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "events.jsonl").write_text("mine")
    with pytest.raises(SinkError, match=r"events\.jsonl exists and is not from an earlier run"):
        process([path], tables, RedFinder())
    assert visible(tables) == {"events.jsonl": b"mine"}


def test_an_output_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="cannot be written"):
        process([photo(tmp_path / "a.png")], tmp_path / "file" / "out", RedFinder())


def test_tables_hold_what_is_in_the_folder(tmp_path: Path) -> None:
    first, second = film(tmp_path / "b.mp4"), film(tmp_path / "a.mp4")
    out = tmp_path / "out"
    process([first], out, RedFinder())
    report = process([second], out, RedFinder())
    assert [e["source"] for e in lines(report.events)] == [str(second), str(first)]
    (out / "b.mp4").unlink()
    report = process([second], out, RedFinder())
    assert [e["source"] for e in lines(report.events)] == [str(second)]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux tells")
def test_nothing_stays_open(tmp_path: Path) -> None:
    """Neither threads nor files, after good inputs and after bad ones."""
    inputs = [film(tmp_path / f"{i}.mp4", 0.5) for i in range(4)]
    inputs += [photo(tmp_path / f"{i}.png") for i in range(4)]
    inputs[1].write_bytes(inputs[1].read_bytes()[:900])
    inputs[5].write_bytes(inputs[5].read_bytes()[:90])
    process(inputs, tmp_path / "first", RedFinder())  # what is opened once may stay
    before = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    report = process(inputs, tmp_path / "out", RedFinder(), frames_jsonl=True)
    assert [r.state for r in report.inputs].count("done") == 6
    assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) == before


def test_the_recognizer_is_let_go(tmp_path: Path) -> None:
    """With hundreds of MB of networks, and not only when Python looks for circles."""
    recognizer, paths = RedFinder(), [film(tmp_path / "a.mp4", 0.5), photo(tmp_path / "b.png")]
    kept = weakref.ref(recognizer)
    gc.disable()
    try:
        process(paths, tmp_path / "out", recognizer, reserves=[RedFinder], progress=lambda _: None)
        del recognizer
        assert kept() is None
    finally:
        gc.enable()
