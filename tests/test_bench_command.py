"""The command `fra-live bench` on a small model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from fra_live import cli
from tests.tiny import scene

PROMISED = {"backend", "precision", "frame", "fps", "latency_ms", "stages_ms", "network_ms",
            "overhead_share"}  # fmt: skip


def bench(*arguments: str) -> list[str]:
    return ["bench", "--seconds", "0.02", "--frame", "128x96", "--threads", "1", *arguments]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, action in enumerate(("drinking", "phoning")):
        cv2.imwrite(str(folder / f"{number}.png"), scene(action, (96, 128), number)[0])
    return folder


def test_a_card_and_a_last_line(
    tiny_model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    extra = ["--cameras", "1,2", "--precisions", "--peer", "no-such-peer", "--json", str(file)]
    assert cli.main(bench("--model", str(tiny_model), "--images", str(photos), *extra)) == 0
    shown = capsys.readouterr().out
    report: dict[str, Any] = json.loads(shown.splitlines()[-1])
    assert report.keys() >= PROMISED
    assert report["frame"] == [96, 128]
    alone = report["one_at_a_time_fps"]
    assert alone == pytest.approx(1000 / report["latency_ms"]["mean"], rel=0.01)
    assert report["fps"] == max(alone, report["throughput"]["fps"])
    assert report["throughput"]["side_by_side"] == 1  # of one thread
    assert 0 <= report["overhead_share"] < 1
    assert sum(report["stages_ms"].values()) <= report["latency_ms"]["mean"]
    assert report["arithmetic"]["frame_gflop"] > 0
    assert 0 < report["arithmetic"]["share_of_peak"] < 1.5
    assert [row["cameras"] for row in report["cameras"]] == [1, 2]
    engines = {row["precision"]: row for row in report["engines"] if row["backend"] == "openvino"}
    assert "fps" in engines["f32"]
    assert all(("fps" in row) != ("obstacle" in row) for row in report["engines"])
    assert "no network of ultralytics" in report["peer"]["obstacle"]
    assert json.loads(file.read_text()) == report
    for part in (
        "frames/s",
        "candidates",
        "GFLOP",
        "Several cameras",
        "side by side",
        "f32",
        "2 photos of",
    ):
        assert part in shown


def test_json_alone_on_stdout(
    tiny_model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = bench("--model", str(tiny_model), "--images", str(photos), "--json", "-")
    assert cli.main(arguments) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out).keys() >= PROMISED
    assert "frames/s" in shown.err


@pytest.mark.parametrize("counts", ["0", "two", "1,,2", "1,-4", "65"])
def test_numbers_of_cameras(counts: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["bench", "--cameras", counts])
    assert end.value.code == 2
    assert "--cameras" in capsys.readouterr().err


def test_a_missing_model_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(bench("--model", "no-such-model")) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no-such-model" in shown.err
    assert "Traceback" not in shown.err


def test_a_missing_folder_of_photos_is_one_sentence(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = bench("--model", str(tiny_model), "--images", str(tmp_path / "nowhere"))
    assert cli.main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "nowhere is no folder" in shown.err
