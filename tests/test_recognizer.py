"""The whole method on a drawn world in which the networks are right by construction."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fra_live.labels import NO_ACTION
from fra_live.recognizer import Recognizer, describe, describe_for_ranking
from fra_live.results import FrameResult
from fra_live.stages.candidates import box_iou
from fra_live.stages.rank import best_distinct
from fra_live.stages.regions import body_parts
from tests.tiny import ACTIONS, LABELS, PARAMETERS, ColourEngine, scene

STAGES = ["preprocess", "coarse", "windows", "fine", "refine", "candidates", "context", "rank",
          "classify", "results"]  # fmt: skip


def box_of(polygon: np.ndarray) -> np.ndarray:
    return np.concatenate([polygon.min(axis=0), polygon.max(axis=0)])[None]


def plain(result: FrameResult) -> dict[str, Any]:
    """Everything but the times."""
    return {k: v for k, v in result.to_dict().items() if k != "stages_ms"}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("seed", [901, 902])  # scenes that the heads were not trained on
def test_actions_and_their_objects(colours: Recognizer, action: str, seed: int) -> None:
    image, things = scene(action, (120, 160), seed)
    result = colours(image)
    assert max(result.actions, key=lambda k: result.actions[k]) == action
    assert result.frame == (120, 160)
    assert len(result.people) == 1
    face = dict(things)["face"]
    assert box_iou(np.array([result.people[0].face.box_xyxy]), box_of(face))[0, 0] > 0.6
    if action != NO_ACTION:
        best = result.candidates[0]
        assert best.label == LABELS.actions[action]
        assert box_iou(np.array([best.box_xyxy]), box_of(dict(things)[best.label]))[0, 0] > 0.5
        assert best.person == 0
        assert best.probability > 0.5
        assert [h.label for h in result.hands] == ["hand"]


def test_probabilities_sum_to_one(colours: Recognizer) -> None:
    result = colours(scene("drinking", (120, 160), 5)[0])
    assert list(result.actions) == ["drinking", "phoning", "none"]
    assert sum(result.actions.values()) == pytest.approx(1)
    assert list(result.scores) == ["drinking", "phoning"]
    for person in result.people:
        assert sum(person.actions.values()) == pytest.approx(1)


def test_several_people_each_with_an_action(colours: Recognizer) -> None:
    left, right = scene("drinking", (120, 120), 7)[0], scene("phoning", (120, 120), 8)[0]
    result = colours(np.hstack([left, right]))
    assert len(result.people) == 2
    people = sorted(result.people, key=lambda p: p.face.box_xyxy[0])
    assert people[0].actions["drinking"] > people[0].actions["phoning"]
    assert people[1].actions["phoning"] > people[1].actions["drinking"]
    order = [result.people.index(p) for p in people]
    persons = {c.label: c.person for c in reversed(result.candidates)}
    assert persons == {"drink": order[0], "phone": order[1]}


def test_the_score_is_the_maximum_over_candidates(colours: Recognizer) -> None:
    image = np.hstack([scene("drinking", (120, 120), 7)[0], scene("phoning", (120, 120), 8)[0]])
    found = colours.segment(image)
    faces = [p for p in body_parts(found.fine, LABELS, (120, 240)) if p.label == "face"]
    overlaps = colours.ranker(describe_for_ranking(LABELS, found, faces, (120, 240)))
    boxes = np.array([p.box for p in found.proposals])
    best = best_distinct(overlaps, boxes, PARAMETERS.top)
    kept = [found.proposals[i] for i in best]
    rows, _ = describe(LABELS, found, kept, overlaps[best], faces)
    scores = colours.classifier.candidate_scores(rows)
    assert len(scores) == 3
    total = scores.max(axis=0)
    result = colours(image)
    probabilities = colours.classifier.probabilities(total).tolist()
    assert list(result.actions.values()) == pytest.approx(probabilities, abs=1e-5)
    calibrated = colours.classifier.calibrated_scores(total).tolist()
    assert list(result.scores.values()) == pytest.approx(calibrated, abs=1e-4)


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 4000), (4000, 1), (2, 3), (97, 131), (31, 500), (33, 32)],
)
def test_odd_frames(colours: Recognizer, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    result = colours(image, explain=True)
    assert result.frame == shape
    assert sum(result.actions.values()) == pytest.approx(1)
    height, width = shape
    for candidate in result.candidates:
        x0, y0, x1, y1 = candidate.box_xyxy
        assert 0 <= x0 < x1 <= width + 1e-3
        assert 0 <= y0 < y1 <= height + 1e-3
    json.dumps(result.to_dict())


@pytest.mark.parametrize("value", [0, 60, 127])
def test_a_frame_of_one_colour(colours: Recognizer, value: int) -> None:
    result = colours(np.full((60, 80, 3), value, np.uint8))
    assert result.people == ()
    assert all(c.person is None for c in result.candidates)


def test_nothing_in_sight(colours: Recognizer) -> None:
    result = colours(np.full((60, 80, 3), 60, np.uint8))
    assert result.candidates == result.people == result.hands == ()
    assert sum(result.actions.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((8, 8), np.uint8),  # grey
        np.zeros((8, 8, 1), np.uint8),
        np.zeros((8, 8, 4), np.uint8),  # with alpha
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
        None,  # what cv2.imread gives for a file that it cannot read
    ],
)
def test_other_arrays_are_value_errors(colours: Recognizer, frame: Any) -> None:
    with pytest.raises(ValueError, match="A frame is"):
        colours(frame)


def test_the_same_frame_gives_the_same_result(colours: Recognizer) -> None:
    image = scene("phoning", (120, 160), 3)[0]
    before = image.copy()
    first = plain(colours(image))
    colours(scene("drinking", (90, 70), 4)[0])  # another size in between
    assert plain(colours(image)) == first
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    "view", [lambda i: i[:, ::-1], lambda i: i[::2, 1::2], lambda i: i.transpose(1, 0, 2)]
)
def test_views_of_arrays(colours: Recognizer, view: Callable[[np.ndarray], np.ndarray]) -> None:
    image = view(scene("phoning", (120, 160), 3)[0])
    assert not image.flags.c_contiguous
    assert plain(colours(image)) == plain(colours(np.ascontiguousarray(image)))


def test_time_and_stages(colours: Recognizer) -> None:
    result = colours(scene("phoning", (120, 160), 3)[0], timestamp_s=2.5)
    assert result.timestamp_s == 2.5
    assert list(result.stages_ms) == STAGES
    assert all(ms >= 0 for ms in result.stages_ms.values())
    assert result.explanation is None


def test_to_dict_is_json(colours: Recognizer) -> None:
    result = colours(scene("drinking", (120, 160), 3)[0])
    again = json.loads(json.dumps(result.to_dict()))
    assert again["action"] == result.action
    for candidate in again["candidates"]:
        for polygon in candidate["outline"]:
            for x, y in polygon:
                assert (round(x, 1), round(y, 1)) == (x, y)


def test_explanation(colours: Recognizer) -> None:
    image = np.hstack([scene("drinking", (120, 120), 7)[0], scene("phoning", (120, 120), 8)[0]])
    result = colours(image, explain=True)
    inside = result.explanation
    assert inside is not None
    for maps in (inside.coarse_probabilities, inside.fine_probabilities):
        assert maps.shape[0] == 5
        assert maps.dtype == np.float32
        np.testing.assert_allclose(maps.sum(axis=0), 1.0, atol=1e-4)
    assert 1 <= len(inside.windows) <= PARAMETERS.windows.max_windows
    scores = [c.score for c in inside.candidates]
    assert scores == sorted(scores, reverse=True)
    assert len(inside.candidates) >= len(result.candidates) == PARAMETERS.top
    every = [(c.label, c.box_xyxy, c.score) for c in inside.candidates]
    places = [every.index((c.label, c.box_xyxy, c.score)) for c in result.candidates]
    assert places == sorted(places)
    assert places[0] == 0


def test_maps_of_one_frame_are_not_overwritten_by_the_next(colours: Recognizer) -> None:
    first = colours(scene("drinking", (120, 160), 3)[0], explain=True).explanation
    assert first is not None
    kept = first.coarse_probabilities.copy(), first.fine_probabilities.copy()
    colours(scene("none", (120, 160), 4)[0])
    assert np.array_equal(first.coarse_probabilities, kept[0])
    assert np.array_equal(first.fine_probabilities, kept[1])


def test_the_threshold_may_be_set(colours: Recognizer) -> None:
    image = scene("drinking", (120, 160), 3)[0]
    before = colours.threshold
    try:
        colours.threshold = 1.1
        result = colours(image)
        assert (result.threshold, result.action) == (1.1, NO_ACTION)
        colours.threshold = 0.0
        assert colours(image).action == "drinking"
    finally:
        colours.threshold = before


def test_warm_up_runs_every_number_of_windows(colours: Recognizer) -> None:
    fine = colours.engine.fine
    assert isinstance(fine, ColourEngine)
    fine.batches.clear()
    colours.warm_up((60, 80))
    most = PARAMETERS.windows.max_windows
    assert {b[0] for b in fine.batches} == set(range(1, most + 1))
