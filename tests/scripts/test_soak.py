from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def soak(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("soak_script", root / "scripts" / "soak.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["soak_script"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def samples(soak: ModuleType, minutes: int = 10) -> list:  # type: ignore[type-arg]
    return [
        soak.Sample(5.0 * i, 150 * i, 200.0 + (50 if i < 12 else 60), 5, 9, 40.0)
        for i in range(1, 12 * minutes)
    ]


def verdict(soak: ModuleType, noted: list, left: int = 0) -> dict[str, bool | None]:  # type: ignore[type-arg]
    return {finding.what: finding.good for finding in soak.judge(noted, left)}


def test_what_settles_in_the_first_minute_is_flat(soak: ModuleType) -> None:
    assert set(verdict(soak, samples(soak)).values()) == {True}


@pytest.mark.parametrize(
    ("what", "field", "grow"),
    [
        ("memory", "memory_mb", lambda s: s.memory_mb + 2 * s.time_s / 3600),
        ("threads", "threads", lambda s: s.threads + (s.time_s > 400)),
        ("files", "files", lambda s: s.files + int(s.time_s / 100)),
        ("age p95", "age_p95_ms", lambda s: s.age_p95_ms * (1 + s.time_s / 3000)),
    ],
)
def test_what_grows_is_told(soak: ModuleType, what: str, field: str, grow) -> None:  # type: ignore[no-untyped-def]
    noted = [replace(s, **{field: grow(s)}) for s in samples(soak)]
    found = verdict(soak, noted)
    assert found.pop(what) is False
    assert set(found.values()) == {True}


def test_threads_that_stay_behind_are_told(soak: ModuleType) -> None:
    assert verdict(soak, samples(soak), left=1)["threads left"] is False


def test_a_short_run_says_nothing_of_memory(soak: ModuleType) -> None:
    assert verdict(soak, samples(soak, minutes=2))["memory"] is None


def test_a_run(
    soak: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    clip = tmp_path / "clip.mp4"
    soak.write_clip(clip, size=(48, 64), seconds=1)
    report = tmp_path / "report.json"
    monkeypatch.setattr(
        sys, "argv", ["soak.py", str(clip), "--frames", "90", "--stand-in", "1",
                      "--json", str(report)]
    )  # fmt: skip
    assert soak.main() == 0
    assert "90 frames in" in capsys.readouterr().out
    assert '"what": "threads left"' in report.read_text()


def test_a_clip_that_is_none_is_told(
    soak: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["soak.py", str(tmp_path / "none.mp4"), "--stand-in", "1"])
    assert soak.main() == 1
    assert "does not exist" in capsys.readouterr().err
