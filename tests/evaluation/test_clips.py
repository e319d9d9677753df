"""Pairing of events with true actions, on times that can be checked by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fra_live.errors import DataError
from fra_live.evaluation.clips import TrueAction, match_events, read_truth
from fra_live.results import Event


def event(action: str, start_s: float, end_s: float) -> Event:
    return Event("clip.mp4", action, start_s, end_s, 0.9, 10, (1.0, 2.0, 3.0, 4.0))


TRUTH = [TrueAction("drinking", 0.0, 4.0), TrueAction("phoning", 7.0, 11.0)]


@pytest.mark.parametrize(
    ("events", "found", "false", "repeated"),
    [
        ([], 0, 0, 0),
        ([event("drinking", 0.5, 4.5), event("phoning", 7.0, 11.0)], 2, 0, 0),
        # the name must agree
        ([event("phoning", 0.0, 4.0)], 0, 1, 0),
        # 0.9 s of 4 s is less than a quarter: not found, and false
        ([event("drinking", 3.1, 6.0)], 0, 1, 1),
        ([event("drinking", 3.0, 6.0)], 1, 0, 0),
        # two events in one action: the one that covers more is paired, the other repeats it
        ([event("drinking", 0.0, 1.5), event("drinking", 2.0, 4.0)], 1, 1, 1),
        # between the actions
        ([event("drinking", 4.5, 6.5)], 0, 1, 0),
    ],
)
def test_pairs(events: list[Event], found: int, false: int, repeated: int) -> None:
    figures = match_events(events, TRUTH)
    assert (figures["n"], figures["found"], figures["missed"]) == (2, found, 2 - found)
    assert (figures["false"], figures["repeated"]) == (false, repeated)


def test_one_event_over_two_actions_of_a_name_finds_one() -> None:
    truth = [TrueAction("drinking", 0.0, 4.0), TrueAction("drinking", 6.0, 9.0)]
    figures = match_events([event("drinking", 1.0, 9.0)], truth)
    assert figures["found"] == 1
    assert figures["actions"][1]["event"] is not None  # all of the second, 3/4 of the first


def test_errors_are_signed_and_their_means_absolute() -> None:
    figures = match_events([event("drinking", 0.5, 3.8), event("phoning", 6.9, 11.4)], TRUTH)
    first, second = figures["actions"]
    assert (first["start_error_s"], first["end_error_s"]) == (0.5, -0.2)
    assert (second["start_error_s"], second["end_error_s"]) == (-0.1, 0.4)
    assert figures["mean_start_error_s"] == pytest.approx(0.3)
    assert figures["mean_end_error_s"] == pytest.approx(0.3)
    json.dumps(figures, allow_nan=False)


def test_truth_is_read_with_further_keys(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"action": "drinking", "start_s": 0, "end_s": 4.0, "photo": "a.jpg"}]')
    assert read_truth(path, ["drinking"]) == [TrueAction("drinking", 0.0, 4.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("{}", "holds no list"),
        ('["drinking"]', "entry 1 lacks a proper"),
        ('[{"action": "drinking", "start_s": 0}]', "entry 1 lacks a proper 'end_s'"),
        ('[{"action": "napping", "start_s": 0, "end_s": 1}]', "'napping', which the model"),
        ('[{"action": "drinking", "start_s": 2, "end_s": 2}]', "not after its start"),
        ('[{"action": "drinking", "start_s": 0, "end_s": Infinity}]', "not after its start"),
    ],
)
def test_wrong_truth_is_told_in_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_truth(path, ["drinking"])
    assert "\n" not in str(caught.value)


def test_a_missing_truth_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.json"):
        read_truth(tmp_path / "gone.json", [])


def test_a_whole_clip(tmp_path: Path, recognizer: Any, paint: Any) -> None:
    """Two seconds of nothing, two of a drink, one of nothing, through sources and events."""
    av = pytest.importorskip("av")
    sources = pytest.importorskip("fra_live.video.sources")
    pytest.importorskip("fra_live.live.events")
    assert sources is not None
    from fra_live.evaluation.clips import evaluate_clip

    path = tmp_path / "clip.mp4"
    face = ("face", (10, 10, 40, 50))
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=15)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        video.bit_rate = 4_000_000
        for number in range(75):
            drinks = 30 <= number < 60
            things = [face, ("drink", (60, 40, 110, 90))] if drinks else [face]
            image = av.VideoFrame.from_ndarray(paint((120, 160), *things), format="bgr24")
            container.mux(video.encode(image))
        container.mux(video.encode(None))
    truth = tmp_path / "clip.json"
    truth.write_text('[{"action": "drinking", "start_s": 2.0, "end_s": 4.0}]')
    steps: list[int] = []
    figures = evaluate_clip(recognizer, path, truth, progress=lambda done, _: steps.append(done))
    assert figures["frames"] == steps[-1] == 75
    assert (figures["found"], figures["false"]) == (1, 0)
    assert abs(figures["actions"][0]["start_error_s"]) < 1.0
    assert abs(figures["actions"][0]["end_error_s"]) < 1.0
