"""The verdict of a long run, and short ones of the loop and the page."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def verdicts(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return importlib.import_module("soak_verdict")


@pytest.fixture
def small_clip(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.syspath_prepend(str(root / "scripts"))
    clip = tmp_path / "clip.mp4"
    importlib.import_module("soak").write_clip(clip, size=(48, 64), seconds=1)
    return clip


def samples(verdicts: ModuleType, minutes: int = 10) -> list[Any]:
    return [
        verdicts.Sample(5.0 * i, 150 * i, 200.0 + (50 if i < 12 else 60), 5, 9, 40.0)
        for i in range(1, 12 * minutes)
    ]


def verdict(verdicts: ModuleType, noted: list[Any]) -> dict[str, bool | None]:
    return {finding.what: finding.good for finding in verdicts.judge(noted)}


def test_what_settles_in_the_first_minute_is_flat(verdicts: ModuleType) -> None:
    found = verdict(verdicts, samples(verdicts))
    assert found == dict.fromkeys(("memory", "threads", "files", "age p95"), True)


@pytest.mark.parametrize(
    ("what", "field", "grow"),
    [
        ("memory", "memory_mb", lambda s: s.memory_mb + 2 * s.time_s / 3600),
        ("threads", "threads", lambda s: s.threads + (s.time_s > 400)),
        ("files", "files", lambda s: s.files + int(s.time_s / 100)),
        ("age p95", "age_p95_ms", lambda s: s.age_p95_ms * (1 + s.time_s / 3000)),
    ],
)
def test_what_grows_is_told(
    verdicts: ModuleType, what: str, field: str, grow: Callable[[Any], float]
) -> None:
    noted = [replace(s, **{field: grow(s)}) for s in samples(verdicts)]
    found = verdict(verdicts, noted)
    assert found.pop(what) is False
    assert set(found.values()) == {True}


def test_a_connection_that_comes_and_goes_is_no_growth(verdicts: ModuleType) -> None:
    noted = [replace(s, files=9 + 3 * (i % 7 == 3)) for i, s in enumerate(samples(verdicts))]
    assert verdict(verdicts, noted)["files"] is True


def test_a_busier_machine_is_no_growth(verdicts: ModuleType) -> None:
    """Threads that wait for a core make frames older, and that is nothing of ours."""
    noted = [
        replace(s, age_p95_ms=40 + s.time_s / 20, waited_ms=s.time_s / 25)
        for s in samples(verdicts)
    ]
    (age,) = [f for f in verdicts.judge(noted) if f.what == "age p95"]
    assert age.good is None and "others were busier" in age.detail
    older = [replace(s, waited_ms=s.waited_ms / 10) for s in noted]
    assert verdict(verdicts, older)["age p95"] is False


def test_a_short_run_says_nothing_of_memory(verdicts: ModuleType) -> None:
    assert verdict(verdicts, samples(verdicts, minutes=2))["memory"] is None
    assert verdict(verdicts, samples(verdicts)[:2]) == {"memory": None, "all else": None}


def test_a_sample_is_what_the_process_has(verdicts: ModuleType, tmp_path: Path) -> None:
    watch = verdicts.Watch()
    before = watch.sample(1, [10.0, 20.0])
    block = bytearray(50_000_000)
    block[::4096] = b"x" * len(block[::4096])
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"):
        after = watch.sample(2, [30.0])
    assert after.memory_mb - before.memory_mb > 40
    assert after.files == before.files + 2
    assert (before.age_p95_ms, after.age_p95_ms) == (19.5, 30.0)
    assert 0 <= after.waited_ms < 60_000


def test_the_loop(run: Any, small_clip: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run("soak.py", small_clip, "--frames", 90, "--stand-in", 1, "--json", report)
    assert done.returncode == 0, done.stdout
    assert "90 frames in" in done.stdout
    found = json.loads(report.read_text())
    assert [f["what"] for f in found["verdict"]][-1] == "threads left"
    assert found["samples"][-1]["frames"] == 90


def test_the_loop_for_a_while(run: Any, small_clip: Path) -> None:
    done = run("soak.py", small_clip, "--seconds", 0.5, "--stand-in", 1)
    assert done.returncode == 0, done.stdout
    assert " frames in " in done.stdout


def test_a_clip_that_is_none_is_told(run: Any, tmp_path: Path) -> None:
    done = run("soak.py", tmp_path / "none.mp4", "--stand-in", 1)
    assert done.returncode == 1
    assert "does not exist" in done.stderr


def test_visits(run: Any, small_clip: Path) -> None:
    """The real page and visitors without a browser, for a moment."""
    pytest.importorskip("gradio")
    done = run("soak.py", small_clip, "--visits", "--stand-in", 1, "--seconds", 5)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"errors  flat  (\d+) visits, 0 told", done.stdout)
    assert found and int(found[1]) >= 3
    assert re.search(r"^[\d,]+ frames in \d+ s", done.stdout, re.MULTILINE)


@pytest.mark.browser
def test_the_page(run: Any, small_clip: Path, tmp_path: Path, mobile_bundle: Path) -> None:
    """The real page with the model that ships, for a moment."""
    pytest.importorskip("gradio")
    report = tmp_path / "report.json"
    done = run(
        "soak.py", small_clip, "--page", "--seconds", 4, "--model", mobile_bundle, "--json", report
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    last = found["samples"][-1]
    assert last["frames"] > 1 and last["memory_mb"] > 50 and last["age_p95_ms"] > 0
    assert found["verdict"][-1] == {"what": "errors", "good": True, "detail": "0 told"}
