"""Results as plain values: what events, sinks and the page write."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fra_live.results import BodyPart, Candidate, Event, FrameResult, Person

OUTLINE = (np.array([[344.9, 10.04], [360.0, 10.06], [350.25, 30.0]], np.float32),)
FACE = BodyPart("face", (1.04, 2.0, 30.06, 40.0), OUTLINE, 0.98765)
CUP = Candidate("drink", (10.0, 20.0, 30.0, 40.0), OUTLINE, 0.123456, 0.9, 0)


def result(actions: dict[str, float], threshold: float = 0.5) -> FrameResult:
    return FrameResult(
        frame=(480, 640),
        actions=actions,
        scores={"drinking": 1.23456, "phoning": -0.5},
        threshold=threshold,
        candidates=(CUP,),
        people=(Person(FACE, actions),),
        hands=(BodyPart("hand", (0, 0, 5, 5), OUTLINE, 0.5),),
        stages_ms={"coarse": 3.14159},
        timestamp_s=1.23456789,
    )


@pytest.mark.parametrize(
    ("actions", "action", "best"),
    [
        ({"drinking": 0.6, "phoning": 0.3, "none": 0.1}, "drinking", ("drinking", 0.6)),
        ({"drinking": 0.5, "phoning": 0.3, "none": 0.2}, "drinking", ("drinking", 0.5)),  # at it
        ({"drinking": 0.2, "phoning": 0.4, "none": 0.4}, "none", ("phoning", 0.4)),
        ({"drinking": 0.1, "phoning": 0.0, "none": 0.9}, "none", ("drinking", 0.1)),
    ],
)
def test_the_action_of_a_frame(
    actions: dict[str, float], action: str, best: tuple[str, float]
) -> None:
    assert result(actions).action == action
    assert result(actions).best_action == best


def test_everything_goes_into_json() -> None:
    values = result({"drinking": np.float64(0.6), "phoning": 0.3, "none": 0.1}).to_dict()
    again = json.loads(json.dumps(values))
    assert again == values
    assert again["frame"] == [480, 640]
    assert again["timestamp_s"] == 1.234568
    assert again["scores"] == {"drinking": 1.2346, "phoning": -0.5}
    assert again["people"][0]["face"]["box_xyxy"] == [1.0, 2.0, 30.1, 40.0]
    assert again["people"][0]["face"]["probability"] == 0.9877
    assert again["candidates"][0]["score"] == 0.1235
    assert again["candidates"][0]["person"] == 0
    assert again["hands"][0]["label"] == "hand"
    assert again["stages_ms"] == {"coarse": 3.142}
    assert "explanation" not in again


def test_outlines_print_one_decimal() -> None:
    # as float32, 344.9 would print as 344.8999938964844
    assert json.dumps(CUP.to_dict()["outline"]) == "[[[344.9, 10.0], [360.0, 10.1], [350.2, 30.0]]]"


@pytest.mark.parametrize("box", [(1.26, 2.0, 3.0, 4.0), None])
def test_a_line_of_events(box: tuple[float, float, float, float] | None) -> None:
    event = Event("clip.mp4", "drinking", 1.23456, 4.0, 0.987654, 31, box, None)
    assert json.loads(json.dumps(event.to_dict())) == {
        "source": "clip.mp4",
        "action": "drinking",
        "start_s": 1.235,
        "end_s": 4.0,
        "peak_score": 0.9877,
        "peak_frame": 31,
        "box_xyxy": None if box is None else [1.3, 2.0, 3.0, 4.0],
        "person": None,
    }
