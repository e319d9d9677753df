"""The commands with the model that ships, on small inputs: what they print, write and return."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live import cli
from fra_live.commands import common
from fra_live.errors import MissingExtraError
from fra_live.video.sinks import VideoSink


@pytest.fixture
def model(mobile_bundle: Path) -> list[str]:
    """Options that make every run quick and the same everywhere."""
    return ["--model", str(mobile_bundle), "--precision", "f32", "--threads", "1"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of nothing."""
    path = tmp_path / "photo.png"
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    cv2.imwrite(str(path), noise)
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Eight grey frames."""
    path = tmp_path / "clip.mp4"
    with VideoSink(path, (96, 128), 8) as sink:
        for index in range(8):
            sink.write(np.full((96, 128, 3), 20 * index, np.uint8), index / 8)
    return path


def sentences(shown: str) -> list[str]:
    """Lines of stderr that fra-live itself said."""
    return [line for line in shown.splitlines() if line.startswith("fra-live: ")]


def test_process_reports_each_input(
    photo: Path, clip: Path, model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("text")
    out = tmp_path / "out"
    arguments = ["process", str(photo), str(broken), str(clip), "--out", str(out), *model]

    assert cli.main([*arguments, "--frames", "--json", "-"]) == 1
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    states = {Path(entry["path"]).name: entry["state"] for entry in report["inputs"]}
    assert states == {"photo.png": "done", "broken.jpg": "refused", "clip.mp4": "done"}
    assert "broken.jpg cannot be read" in shown.err
    assert sentences(shown.err)[-1] == "fra-live: 1 of 3 inputs had a problem, named above."
    assert (out / "events.jsonl").is_file() and (out / "clip.mp4").is_file()
    assert len((out / "frames.jsonl").read_text().splitlines()) == 8

    broken.unlink()
    arguments.remove(str(broken))
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.startswith("2 done before; ")


def test_live_without_a_window_tells_events(
    clip: Path, model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"
    arguments = ["live", str(clip), "--no-window", "--events", str(events), *model]
    assert cli.main(arguments) == 0
    shown = capsys.readouterr()
    assert events.is_file()
    assert len(shown.out.splitlines()) == len(events.read_text().splitlines())
    assert "8 frames shown" in sentences(shown.err)[-1]


def test_live_where_no_window_can_open(
    clip: Path,
    model: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if os.name == "nt":
        pytest.skip("Windows always has a display")
    assert cli.main(["live", str(clip), *model]) == 1
    (said,) = sentences(capsys.readouterr().err)
    assert "--no-window" in said


def test_explain_draws_a_sheet_for_each_image(
    photo: Path, clip: Path, model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "twin" / "photo.jpg"
    twin.parent.mkdir()
    cv2.imwrite(str(twin), cv2.imread(str(photo)))
    out = tmp_path / "sheets"
    inputs = [str(photo), str(twin), str(clip)]
    assert cli.main(["explain", *inputs, "--out", str(out), *model]) == 1
    shown = capsys.readouterr()
    (said,) = sentences(shown.err)[1:]
    assert said.startswith(f"fra-live: {clip} is a video")
    assert shown.out == f"2 sheets in {out}\n"
    names = sorted(path.name for path in out.iterdir())
    assert names == ["photo-explained-2.png", "photo-explained.png"]
    assert all(cv2.imread(str(path)).shape[1] > 1000 for path in out.iterdir())


def test_bench_ends_in_a_line_of_json(
    model: list[str], photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    photo.rename(photos / photo.name)
    arguments = ["--seconds", "0.2", "--size", "128x96", "--images", str(photos)]
    assert cli.main(["bench", *arguments, "--json", "-", *model]) == 0
    shown = capsys.readouterr()
    figures = json.loads(shown.out)
    assert figures["frame"] == [96, 128] and figures["precision"] == "f32"
    assert figures["fps"] > 0 and 0 < figures["overhead_share"] < 1
    assert {"p50", "p95"} <= figures["latency_ms"].keys()
    assert {"coarse", "fine"} <= figures["stages_ms"].keys()
    assert "frames/s" in shown.err  # the card


def coco(path: Path, photo: Path) -> Path:
    """A set of one photo in which somebody drinks."""
    box = [20, 20, 60, 20, 60, 60, 20, 60]
    image = {"id": 1, "file_name": photo.name, "height": 96, "width": 128}
    data = {
        "categories": [{"id": 3, "name": "drink"}],
        "images": [image | {"action": "drinking", "action_object": "drink"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "segmentation": [box]}],
    }
    path.write_text(json.dumps(data))
    return path


def test_evaluate_gives_the_figures_of_the_contract(
    photo: Path, model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = coco(tmp_path / "set.json", photo)
    assert cli.main(["evaluate", "--data", str(data), "--json", "-", *model]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["n"] == 1 and figures["ap"]["drinking"] == figures["mean_ap"] == 1.0
    assert figures["ap"]["phoning"] is None  # there is none in the set
    assert {"n", "false_alarm_rate", "recall_at_that_threshold"} <= figures["none"].keys()
    assert {"n", "top1_iou50", "top3_iou50"} <= figures["localisation"]["drink"].keys()
    assert "drink" in figures["iou"]

    target, page = tmp_path / "figures.json", tmp_path / "page.html"
    written = ["--json", str(target), "--report", str(page)]
    assert cli.main(["evaluate", "--data", str(data), *written, *model]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(target.read_text()) == figures
    assert "average precision" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["process", "{here}/none.mp4", "--out", "{here}/out"], "none.mp4"),
        (["evaluate", "--data", "{here}/none.json"], "none.json cannot be read"),
        (["evaluate", "--data", "{here}/photo.png"], "photo.png"),
        (["evaluate", "--clip", "{here}/none.mp4"], "none.json"),
        (["live", "{here}/none.mp4", "--no-window"], "none.mp4"),
        (["explain", "{here}/none.png", "--out", "{here}/sheets"], "none.png"),
        (["bench", "--images", "{here}/none"], "none"),
        (["demo", "--out", "{here}/photo.png"], "photo.png"),
    ],
)
def test_bad_input_gets_a_sentence_that_names_it(
    arguments: list[str],
    said: str,
    photo: Path,
    model: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = str(photo.parent)
    assert cli.main([a.format(here=here) for a in arguments] + model) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown and "internal error" not in shown


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.json", None, "does not exist"),
        ("set.json", "no JSON", "is no JSON"),
        ("empty.json", '{"images": [], "annotations": [], "categories": []}', "lists no images"),
    ],
)
def test_training_refuses_bad_sets(
    name: str,
    content: str | None,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("torch")
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    out = tmp_path / "out"
    assert cli.main(["train", "all", "--data", str(path), "--out", str(out)]) == 1
    (sentence,) = sentences(capsys.readouterr().err)
    assert name in sentence and said in sentence
    assert not out.exists()


def test_parts_of_the_networks_go_with_the_networks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "all", "--data", "x", "--out", "y", "--only", "fold0"])
    assert end.value.code == 2
    assert "--only goes with 'networks'" in capsys.readouterr().err


def test_a_missing_extra_names_the_command() -> None:
    common.require("Nothing", "web", "json")
    with pytest.raises(MissingExtraError, match=r"The page needs the 'web' extra: pip install"):
        common.require("The page", "web", "json", "no_such_module")
