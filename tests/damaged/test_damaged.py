"""A share of the damaged files at every run; all of them with `--damaged-full`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.damaged.films import FRAMES, encode
from tests.damaged.generator import Case, cases, quick_share
from tests.damaged.judge import try_all
from tests.damaged.pictures import numbered, read_number

EVERY = 24


def test_no_file_brings_it_down(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    full = request.config.getoption("--damaged-full")
    chosen = cases() if full else quick_share(EVERY)
    outcomes, printed = try_all(chosen, tmp_path)
    assert {o.path.name: o.faults for o in outcomes if o.faults} == {}
    assert printed == ""
    states = [o.state for o in outcomes]
    assert states.count("done") > len(states) // 3  # else nothing was put to the test
    assert states.count("refused") > len(states) // 10


def test_there_are_a_thousand_and_they_stay_the_same(tmp_path: Path) -> None:
    all_cases = cases()
    assert len(all_cases) >= 1000
    chosen = [case for case in all_cases[::97] if not case.large]
    names = {case.name for case in chosen}
    again = [case for case in cases() if case.name in names]
    for one, other in zip(chosen, again, strict=True):
        first, second = tmp_path / "first", tmp_path / "second"
        one.write(first)
        other.write(second)
        assert first.read_bytes() == second.read_bytes(), one.name
        first.unlink()
        second.unlink()


@pytest.mark.parametrize("size", [(48, 64), (16, 16), (47, 63), (16, 4000), (300, 200)])
def test_pictures_tell_their_number(size: tuple[int, int]) -> None:
    assert [read_number(numbered(i, size)) for i in (0, 1, 7, 11, 255)] == [0, 1, 7, 11, 255]
    grey = numbered(7, size) // 3 + 85
    assert read_number(grey) is None


def test_a_lost_picture_is_noticed(tmp_path: Path) -> None:
    """The judge itself: a file that is said to hold more than it does."""

    def write(path: Path) -> None:
        path.write_bytes(encode("mp4"))

    chosen = [
        Case("good.mp4", write, frozenset(range(FRAMES))),
        Case("less.mp4", write, frozenset(range(FRAMES + 2))),
        Case("count.mp4", write, count=FRAMES + 1),
    ]
    outcomes, printed = try_all(chosen, tmp_path)
    faults = {o.path.name: o.faults for o in outcomes}
    assert faults["good.mp4"] == []
    assert faults["less.mp4"] == [f"pictures [{FRAMES}, {FRAMES + 1}] were lost"]
    assert faults["count.mp4"] == [f"{FRAMES} of {FRAMES + 1} pictures were found"]
    assert printed == ""


# Stands in for the worker: reports its first file, then dies; where two were left, it hangs.
BROKEN = """
import json, sys, time
paths = json.load(open(sys.argv[1]))
line = {"path": paths[0], "state": "refused", "problem": paths[0] + " is bad."}
print(json.dumps(line), flush=True)
time.sleep(60) if len(paths) == 2 else sys.exit(3)
"""


def test_a_worker_that_dies_or_hangs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.damaged import judge

    start = judge.subprocess.Popen

    def broken(command: list[str], **options: Any) -> Any:
        return start([command[0], "-c", BROKEN, *command[3:]], **options)

    monkeypatch.setattr(judge.subprocess, "Popen", broken)
    monkeypatch.setattr(judge, "LIMIT_S", 6.0)
    chosen = [Case(f"{n}.mp4", lambda p: p.touch(), frozenset()) for n in range(4)]
    outcomes, _ = try_all(chosen, tmp_path)
    assert [o.state for o in outcomes] == ["refused", "crashed", "refused", "hung"]
    assert [o.faults for o in outcomes] == [[], ["crashed"], [], ["hung"]]
