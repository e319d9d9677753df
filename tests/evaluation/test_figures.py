"""Pictures of the method's inside, checked by their pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fra_live.evaluation.figures import (
    add_truth,
    candidate_crop,
    fitted,
    heat,
    outlined,
    prediction,
    square_round,
    weighted_crop,
)
from fra_live.evaluation.sheet import _listed, explanation_sheet
from fra_live.explain import explain
from fra_live.results import Box, Candidate
from fra_live.samples import Region, Sample

DRINK = ("drink", (30, 20, 50, 40))
FACE = ("face", (5, 5, 25, 30))


@pytest.mark.parametrize(
    ("shape", "room", "expected"),
    [
        ((100, 200), (100, 100), (50, 100)),
        ((200, 100), (100, 100), (100, 50)),
        ((10, 10), (300, 100), (100, 100)),  # small pictures grow
        ((1, 5000), (100, 100), (1, 100)),  # and none vanishes
    ],
)
def test_fitted(shape: tuple[int, int], room: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fitted(np.zeros((*shape, 3), np.uint8), *room).shape[:2] == expected


def test_heat_is_grey_at_0_and_bright_at_1() -> None:
    image = np.full((20, 40, 3), (200, 100, 50), np.uint8)
    probability = np.zeros((2, 4), np.float32)
    probability[:, 3] = 1
    drawn = heat(image, probability)
    assert drawn.shape == image.shape
    assert len(set(drawn[10, 2].tolist())) == 1  # no colour is left
    assert drawn[10, 38].astype(int).sum() > 600
    assert drawn[10, 2].astype(int).sum() < 300


def test_prediction_paints_the_strongest_label(recognizer: Any) -> None:
    labels = recognizer.labels
    probabilities = np.full((5, 4, 8), 0.1, np.float32)
    probabilities[0] = 0.5
    probabilities[labels.index("drink"), :, 4:] = 0.9
    image = np.zeros((40, 80, 3), np.uint8)
    drawn = prediction(image, probabilities, labels)
    expected = 0.78 * np.array(labels.colour("drink"), float)
    np.testing.assert_allclose(drawn[20, 70], expected, atol=1)
    assert (drawn[20, 5] == 0).all()
    with_window = prediction(image, probabilities, labels, [(10, 5, 30, 35)])
    assert with_window[20, 10].astype(int).sum() > 500


@pytest.mark.parametrize(
    ("box", "scale", "least", "expected"),
    [
        ((40, 40, 60, 50), 2.0, 0.0, (30, 25, 40, 40)),
        ((0, 0, 20, 20), 2.0, 0.0, (0, 0, 40, 40)),  # pushed inside
        ((95, 75, 100, 80), 1.0, 30.0, (70, 50, 30, 30)),
        ((0, 0, 100, 80), 2.0, 0.0, (0, 0, 100, 80)),  # as large as the frame at most
        ((7, 7, 7, 7), 1.0, 0.0, (6, 6, 2, 2)),  # a box without area
    ],
)
def test_square_round(
    box: Box, scale: float, least: float, expected: tuple[int, int, int, int]
) -> None:
    assert square_round(box, (80, 100), scale, least) == expected


def test_outlines_follow_the_size_of_the_picture(recognizer: Any, paint: Any) -> None:
    image = paint((60, 80), FACE, DRINK)
    result = recognizer(image, explain=True)
    before = image.copy()
    drawn = outlined(fitted(image, 320, 240), result, recognizer.labels)
    np.testing.assert_array_equal(image, before)
    colour = np.array(recognizer.labels.colour("drink"))
    edge = drawn[118:122, 30 * 4 - 6 : 30 * 4 + 6].reshape(-1, 3)  # the drink's left edge
    assert (np.abs(edge.astype(int) - colour).sum(axis=1) < 30).any()
    bare = outlined(fitted(image, 320, 240), result, recognizer.labels, bare=True)
    assert (bare != drawn).any()


def test_truth_is_outlined_in_white(recognizer: Any) -> None:
    polygon = np.array([[10, 10], [30, 10], [30, 20], [10, 20]], np.float32)
    regions = (
        Region("drink", (polygon,), (10, 10, 30, 20)),
        Region("phone", (polygon + 25,), (35, 35, 55, 45)),
    )
    sample = Sample(Path("a.png"), 60, 80, "drinking", frozenset({"drink"}), regions)
    image = np.zeros((120, 160, 3), np.uint8)
    add_truth(image, sample, "drink")
    assert image[30, 20].sum() > 600
    assert (image[65:, 65:] == 0).all()


def test_a_weighted_object_stands_out_of_the_dark(recognizer: Any, paint: Any) -> None:
    image = np.maximum(paint((60, 80), DRINK), 90)
    image[20:40, 30:50] = paint((60, 80), DRINK)[20:40, 30:50]
    result = recognizer(image, explain=True)
    crop = weighted_crop(image, result, recognizer.labels, result.candidates[0], 60)
    assert crop.shape == (60, 60, 3)
    assert crop[30, 30].astype(int).sum() > 250  # the object as it is
    assert crop[2, 2].astype(int).sum() < 80  # all else is dimmed
    around = candidate_crop(image, result.candidates[0], recognizer.labels, 60)
    assert around.shape == (60, 60, 3)


@pytest.mark.parametrize("size", [(60, 80), (1, 1), (300, 40), (40, 300)])
def test_a_sheet_of_any_picture(size: tuple[int, int], recognizer: Any, paint: Any) -> None:
    image = paint(size, *([FACE, DRINK] if size == (60, 80) else []))
    sheet = explanation_sheet(image, recognizer(image, explain=True), recognizer.labels, "a.png")
    assert sheet.dtype == np.uint8
    assert (sheet[:30] > 250).all()  # a white margin on every side
    assert (sheet[-20:] > 250).all()
    assert (sheet[:, :30] > 250).all()
    assert (sheet[:, -20:] > 250).all()
    assert (sheet < 60).any()


def candidate(score: float, label: str = "drink", x: float = 0) -> Candidate:
    return Candidate(label, (x, 0, x + 9, 9), (), score, 0.5)


def test_kept_candidates_are_listed_by_their_numbers() -> None:
    ranked = [candidate(s, x=i) for i, s in enumerate((0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2))]
    kept = [replace(ranked[i], person=0) for i in (0, 2, 7)]  # others show what these show
    listed = _listed(ranked, kept)
    assert [rank for rank, _ in listed] == [1, 0, 2, 0, 3]
    assert [c.score for _, c in listed] == [0.9, 0.8, 0.7, 0.6, 0.2]
    assert [rank for rank, _ in _listed(ranked[:2], ranked[:2])] == [1, 2]


def test_a_sheet_needs_an_explanation(recognizer: Any, paint: Any) -> None:
    image = paint((60, 80))
    result = replace(recognizer(image, explain=True), explanation=None)
    with pytest.raises(ValueError, match="explain=True"):
        explanation_sheet(image, result, recognizer.labels)


def test_explain_reports_what_it_cannot_read_and_goes_on(
    tmp_path: Path, recognizer: Any, paint: Any
) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "more/a.png"):
        assert cv2.imwrite(str(folder / name), paint((60, 80), FACE, DRINK))
    (folder / "broken.jpg").write_text("no image")
    gone = tmp_path / "gone.png"
    steps: list[tuple[int, int]] = []
    reports = explain([gone, folder], recognizer, out, lambda *step: steps.append(step))
    problems = {r.path.name: r.problem for r in reports if r.problem}
    assert set(problems) == {"gone.png", "broken.jpg"}
    assert all("\n" not in str(problem) for problem in problems.values())
    written = sorted(r.output.relative_to(out).as_posix() for r in reports if r.output)
    assert written == ["a-explained.png", "more/a-explained.png"]
    assert all(cv2.imread(str(out / name)) is not None for name in written)
    assert steps[-1] == (4, 4)


def test_explain_never_writes_over_what_was_given(
    tmp_path: Path, recognizer: Any, paint: Any
) -> None:
    photo, like = tmp_path / "a.png", tmp_path / "a-explained.png"
    for path in (photo, like):
        cv2.imwrite(str(path), paint((60, 80), DRINK))
    before = like.read_bytes()
    reports = explain([photo, like], recognizer, tmp_path)
    assert like.read_bytes() == before
    assert [r.output.name for r in reports if r.output] == [
        "a-explained-2.png",
        "a-explained-explained.png",
    ]
