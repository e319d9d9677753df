"""`process` on a full disk, without the right to write, and beside notes that are damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fra_live.errors import SinkError
from fra_live.process import process
from fra_live.video.sinks import JsonlSink
from tests.red import RedFinder, film, photo

FULL_DISK = """
import json, resource, sys
from pathlib import Path
from fra_live.process import process
from fra_live.errors import SinkError
from tests.red import RedFinder, visible
inputs, here, size = sys.argv[1:3], Path(sys.argv[3]), int(sys.argv[4])
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for step in range(12):
    limit, out = round(size * step / 10), here / str(step)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        report = process(inputs, out, RedFinder())
        said = [report.inputs[0].state, *report.problems]
    except SinkError as error:
        said = ["failed", str(error)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(json.dumps([limit, said, sorted(visible(out)), [
        p.name for p in out.rglob("*.part*")]]))
"""


def test_a_full_disk_leaves_whole_files_or_none(tmp_path: Path) -> None:
    """Files can grow to a limit only, at twelve limits from nothing to more than is needed."""
    pytest.importorskip("resource")
    inputs, whole = [film(tmp_path / "a.mp4"), photo(tmp_path / "b.png")], tmp_path / "whole"
    process(inputs, whole, RedFinder())
    copy = (whole / "a.mp4").read_bytes()
    command = [sys.executable, "-c", FULL_DISK, *map(str, inputs), str(tmp_path), str(len(copy))]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    states = []
    for line in done.stdout.splitlines():
        limit, (state, *problems), names, parts = json.loads(line)
        assert parts == []
        if "a.mp4" in names:
            assert (tmp_path / str(len(states)) / "a.mp4").read_bytes() == copy
        else:
            assert state in ("refused", "failed")
            assert any("cannot be written" in problem for problem in problems)
        if state == "done":
            assert limit >= len(copy) and "a.mp4" in names
        states.append(state)
    assert states[0] in ("refused", "failed")
    assert states[5] == "refused"
    assert states[-1] == "done"
    assert "Traceback" not in done.stderr


def test_folders_that_cannot_be_written_to(tmp_path: Path) -> None:
    inputs = [photo(tmp_path / "a.png")]
    for out in (Path("/proc/fra-live-out"), Path("/dev/null/out"), tmp_path / "a.png"):
        with pytest.raises(SinkError, match="cannot be written: "):
            process(inputs, out, RedFinder())
    with pytest.raises(SinkError, match="cannot be written"):
        JsonlSink(Path("/proc/fra-live.jsonl"))


def test_a_folder_in_the_place_of_a_copy(tmp_path: Path) -> None:
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    report = process([photo(tmp_path / "a.png")], tmp_path / "out", RedFinder(), overwrite=True)
    assert report.inputs[0].state == "refused"
    assert "is a folder" in report.problems[0]


@pytest.mark.parametrize("name", ["lock", "at-work"])
def test_notes_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "out" / ".fra-live" / name).mkdir(parents=True)
    with pytest.raises(SinkError, match=f"{name} cannot be written: "):
        process([photo(tmp_path / "a.png")], tmp_path / "out", RedFinder())


def test_damaged_notes_are_none(tmp_path: Path) -> None:
    """Whatever a crash or a bad disk left there."""
    path, out = photo(tmp_path / "a.png"), tmp_path / "out"
    process([path], out, RedFinder())
    notes = out / ".fra-live"
    (notes / "at-work").write_bytes(b"\xff\xfe\nFatal Python error: \xff")
    (record,) = notes.glob("*.json")
    for damaged in (b"", b"{", b"[]", b'{"format": 1}', b'{"format": 1, "input": 3}', b"\xff"):
        record.write_bytes(damaged)
        assert [r.state for r in process([path], out, RedFinder(), overwrite=True).inputs] == [
            "done"
        ]
    assert [r.state for r in process([path], out, RedFinder()).inputs] == ["skipped"]
