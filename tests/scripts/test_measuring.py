"""What the measuring scripts stand on: frames' numbers, figures, programs that are followed."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from fra_live.errors import FraLiveError
from fra_live.labels import LabelSet
from fra_live.live.figures import LoopFigures
from tests.live.loop_parts import write_clip


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return importlib.import_module


def numbered(bar_code: Any, number: int, size: tuple[int, int]) -> np.ndarray:
    image = np.random.default_rng(number).integers(60, 200, (*size, 3)).astype(np.uint8)
    bar_code.draw_number(image, number)
    return image


def compressed(image: np.ndarray, quality: int = 70) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@pytest.mark.parametrize("number", [0, 1, 341, 682, 899, 1023])
@pytest.mark.parametrize("size", [(120, 160), (480, 640), (360, 640)])
def test_a_number_survives_what_happens_to_pictures(
    script: Callable[[str], Any], number: int, size: tuple[int, int]
) -> None:
    bar_code = script("bar_code")
    image = numbered(bar_code, number, size)
    jpeg = cv2.imdecode(np.frombuffer(compressed(image), np.uint8), cv2.IMREAD_COLOR)
    for seen in (image, jpeg, jpeg[:, ::-1], cv2.resize(jpeg, (768, 576))):
        assert bar_code.read_number(seen) == number


def test_a_picture_without_a_number_has_none(script: Callable[[str], Any]) -> None:
    bar_code = script("bar_code")
    assert bar_code.read_number(np.zeros((120, 160, 3), np.uint8)) is None
    assert bar_code.read_number(np.full((120, 160, 3), 255, np.uint8)) is None
    image = numbered(bar_code, 5, (120, 160))
    image[60:, -20:] = 0  # half of it is covered
    assert bar_code.read_number(image) != 5


@pytest.mark.browser
def test_a_browser_reads_the_same_number(script: Callable[[str], Any], chromium: str) -> None:
    bar_code, stage = script("bar_code"), script("stage")
    with stage.chromium() as browser:
        page = browser.new_page()
        for number in (0, 341, 1023):
            image = numbered(bar_code, number, (480, 640))
            for seen, expected in ((image, number), (image[:, ::-1], number), (image * 0, None)):
                url = f"data:image/jpeg;base64,{base64.b64encode(compressed(seen)).decode()}"
                read = f"""async (url) => {{
                  const image = new Image();
                  image.src = url;
                  await image.decode();
                  return ({bar_code.READ})(image, image.naturalWidth, image.naturalHeight);
                }}"""
                assert page.evaluate(read, url) == expected


def test_the_camera_file_holds_numbered_pictures(
    script: Callable[[str], Any], tmp_path: Path
) -> None:
    bar_code, measure_page = script("bar_code"), script("measure_page")
    clip, camera = write_clip(tmp_path / "clip.mp4", frames=12), tmp_path / "camera.mjpeg"
    measure_page.write_camera(clip, camera, (120, 160))
    pictures = camera.read_bytes().split(b"\xff\xd8\xff")[1:]
    images = [
        cv2.imdecode(np.frombuffer(b"\xff\xd8\xff" + p, np.uint8), cv2.IMREAD_COLOR)
        for p in pictures
    ]
    assert [bar_code.read_number(image) for image in images] == list(range(12))


def test_the_figures_of_a_visitor(script: Callable[[str], Any]) -> None:
    measure_page = script("measure_page")
    trips = [[100.0, 9999.0]] + [[1000.0 + 100 * i, 100.0 + i] for i in range(100)]
    noted = {"trips": trips, "since": 1000.0, "now": 11_000.0, "unread": 5}
    noted |= {"recognized": 95, "before": 20, "earlier": [0.0, 60.0, 90.0]}
    figures = measure_page.summary(noted)
    assert (figures["fps"], figures["recognized_fps"]) == (10.5, 7.5)
    assert figures["recognized_earlier_ms"] == 60
    assert figures["round_trip_ms"] == {"p50": 149.5, "p95": 194.1}  # not the warm-up's
    with pytest.raises(FraLiveError, match="no annotated picture"):
        measure_page.summary(noted | {"since": 1e6, "now": 2e6})


def test_kinds_of_sources(script: Callable[[str], Any]) -> None:
    measure_live = script("measure_live")
    assert measure_live.source_kind("1920x1080@30") == ("1920x1080@30", (1080, 1920), 30)
    with pytest.raises(Exception, match="is not WIDTHxHEIGHT@RATE"):
        measure_live.source_kind("large")


def test_the_windows_figures_are_read_as_they_are_said(script: Callable[[str], Any]) -> None:
    measure_live = script("measure_live")
    one = LoopFigures(1900, 700, 1800, 90, 30.0, 12.4, 31.0, 99.0, 11.6, 95.0, 140.0)
    two = replace(one, shown=3500, dropped=190, recognized=1500, age_p95_ms=33.0)
    said = [f"debug: So far {figures}." for figures in (one, two)]
    total = measure_live.row(f"fra-live: {two}; 3 events.", 125.0)
    assert (total["shown"], total["passed_over"], total["recognized_fps"]) == (3500, 190, 12.0)
    assert total["recognition_age_ms"] == {"p50": 95, "p95": 140}
    first, second = measure_live.minutes([*said, "fra-live: something else"])
    assert (first["share"], first["age_ms"]) == (0.952, {"p50": 12, "p95": 31})
    assert (second["shown"], second["passed_over"], second["recognized_fps"]) == (1700, 100, 13.3)
    assert second["age_ms"]["p95"] == 33 and "13.3 recognized/s" in measure_live.told("x", second)
    with pytest.raises(FraLiveError, match="no figures"):
        measure_live.row("fra-live: hello", 1.0)


def test_the_most_colourful_moment_is_taken(script: Callable[[str], Any]) -> None:
    make_pictures = script("make_pictures")
    labels = LabelSet(("background", "drink"), (), {"drinking": "drink"})
    plain = np.full((20, 30, 3), 90, np.uint8)
    outlined = plain.copy()
    outlined[5:8] = labels.colour("drink")
    assert make_pictures.colourful(plain, labels) == 0
    assert make_pictures.colourful(outlined, labels) == 90


def test_a_program_is_followed_by_what_it_says(script: Callable[[str], Any]) -> None:
    stage = script("stage")
    program = stage.Program("live", "nowhere.mp4", "--no-window")
    assert "nowhere.mp4" in program.wait_for("does not exist")
    with pytest.raises(FraLiveError, match=r"ended without 'hello'; it said last: .*nowhere\.mp4"):
        program.wait_for("hello")
    program.end()
