"""`fra-live demo` where the engine fails or hangs in mid-clip, and another one takes over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fra_live import cli
from fra_live.commands import demo as commands
from fra_live.demo import run as demo
from fra_live.errors import EngineError
from fra_live.pool import RecognizerPool
from fra_live.recognizer import load
from tests.faulty import Engined, Faulty, raising, unavailable
from tests.red import film


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of 10 frames in the place of the demo's 900."""

    def compose(path: Path, progress: Callable[[int, int], None]) -> None:
        film(path, 1)
        progress(10, 10)

    monkeypatch.setattr(demo, "compose_clip", compose)


def test_the_next_engine_goes_on_with_the_frame(tmp_path: Path) -> None:
    second = Engined("openvino")
    report = demo.run_demo(
        tmp_path, Faulty(Engined("torch"), raising(4)), reserves=[unavailable, lambda: second]
    )
    assert second.calls == 6
    assert report.notices == (
        "The engine (torch in f32) failed at frame 4 of demo.mp4 (The network is gone); openvino"
        " in f32 carries on from there.",
    )
    assert report.to_dict()["notices"] == list(report.notices)


def test_without_another_engine_it_ends_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no other engine is left"):
        demo.run_demo(tmp_path, Faulty(Engined("torch"), raising(4)), reserves=[unavailable])


def test_the_program_falls_back_and_says_so(
    mobile_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`fra-live demo` as it is, but for fault and clip; what takes over is loaded by itself."""
    pytest.importorskip("skimage")
    members: list[Any] = [Faulty(load(mobile_bundle, "openvino", "f32", 1), raising(2))]
    monkeypatch.setattr(commands, "load_recognizers", lambda _: RecognizerPool(members))
    status = cli.main([
        "demo", "--out", str(tmp_path), "--model", str(mobile_bundle), "--threads", "1",
        "--json", "-",
    ])  # fmt: skip
    printed, said = capsys.readouterr()
    assert status == 0
    assert "openvino in f32 carries on from there." in said
    assert "failed at frame 2 of demo.mp4" in json.loads(printed)["notices"][0]
