"""Results carried along with pictures that move by known amounts."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fra_live.live.carrying import Carrier
from fra_live.results import BodyPart, Candidate, Explanation, FrameResult, Person

SIZE = 240, 320
FACE, CUP, HAND = (110.0, 60.0, 180.0, 150.0), (150.0, 130.0, 175.0, 165.0), (160, 140, 200, 180)


def photo(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) uint8 with the coarse and fine structure of a photo."""
    rng = np.random.default_rng(seed)
    image = np.zeros((*size, 3), np.float32)
    for side, weight in ((6, 60), (24, 40), (80, 25), (size[1] // 2, 12)):
        noise = rng.normal(0, weight, (side * size[0] // size[1], side, 3)).astype(np.float32)
        image += cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(image + 120, 0, 255).astype(np.uint8)


def moved(image: np.ndarray, scale: float = 1, x: float = 0, y: float = 0) -> np.ndarray:
    """x, y → scale · (x, y) + shift, with the noise of a camera."""
    matrix = np.array([[scale, 0, x], [0, scale, y]], np.float64)
    warped = cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(9).normal(0, 3, image.shape)
    return np.clip(warped + noise, 0, 255).astype(np.uint8)


def polygon(box: tuple[float, ...]) -> np.ndarray:
    x0, y0, x1, y1 = box
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def found(size: tuple[int, int] = SIZE, by: float = 1.0) -> FrameResult:
    """A face with a cup in a hand, all enlarged `by` so much."""
    face, cup, hand = (tuple(by * v for v in box) for box in (FACE, CUP, HAND))
    actions = {"drinking": 0.9, "none": 0.1}
    return FrameResult(
        frame=size,
        actions=actions,
        scores={"drinking": 2.0},
        threshold=0.5,
        candidates=(Candidate("drink", cup, (polygon(cup),), 0.8, 0.9, 0),),  # type: ignore[arg-type]
        people=(Person(BodyPart("face", face, (polygon(face),), 0.9), actions),),  # type: ignore[arg-type]
        hands=(BodyPart("hand", hand, (polygon(hand),), 0.7),),  # type: ignore[arg-type]
        timestamp_s=4.0,
    )


def carry(before: np.ndarray, after: np.ndarray, result: FrameResult) -> FrameResult:
    carrier = Carrier()
    carrier.refer(before, result)
    return carrier.carry(after)


@pytest.mark.parametrize("size", [(120, 160), SIZE, (480, 640)])
@pytest.mark.parametrize(
    ("scale", "x", "y"), [(1, 0, 0), (1, 7, -4), (1, -18, 12), (1.1, 3, 2), (0.88, 10, 20)]
)
def test_boxes_and_outlines_go_where_the_picture_goes(
    size: tuple[int, int], scale: float, x: float, y: float
) -> None:
    by = size[0] / SIZE[0]
    before, result = photo(1, size), found(size, by)
    got = carry(before, moved(before, scale, by * x, by * y), result)
    shift = by * np.array([x, y])
    for was, now in (
        (result.candidates[0], got.candidates[0]),
        (result.people[0].face, got.people[0].face),
        (result.hands[0], got.hands[0]),
    ):
        expected = scale * np.array(was.box_xyxy).reshape(2, 2) + shift
        np.testing.assert_allclose(np.array(now.box_xyxy).reshape(2, 2), expected, atol=2)
        np.testing.assert_allclose(now.outline[0], scale * was.outline[0] + shift, atol=2)
        assert now.outline[0].dtype == np.float32
    assert (got.actions, got.scores, got.timestamp_s) == (result.actions, result.scores, 4.0)
    assert got.candidates[0].person == 0 and got.people[0].actions == result.people[0].actions


def test_a_thing_that_moves_by_itself_is_followed_by_itself() -> None:
    result, before = found(), photo(1)
    after, cup = before.copy(), photo(5)[:35, :25]
    before[130:165, 150:175] = after[137:172, 140:165] = cup
    got = carry(before, after, replace(result, hands=()))
    np.testing.assert_allclose(got.candidates[0].box_xyxy, (140, 137, 165, 172), atol=2)
    np.testing.assert_allclose(got.people[0].face.box_xyxy, FACE, atol=2)


def test_a_thing_without_structure_goes_with_its_face() -> None:
    before = photo(1)
    before[125:190, 145:210] = 90  # cup and hand
    got = carry(before, moved(before, x=12, y=5), found())
    for was, now in ((CUP, got.candidates[0]), (HAND, got.hands[0])):
        np.testing.assert_allclose(now.box_xyxy, np.array(was) + np.array((12, 5, 12, 5)), atol=2)


def test_what_leaves_the_picture_is_no_candidate_any_more() -> None:
    before = photo(1)
    edge = Candidate("drink", (2, 100, 14, 120), (polygon((2, 100, 14, 120)),), 0.8, 0.9, 0)
    result = replace(found(), candidates=(*found().candidates, edge))
    got = carry(before, moved(before, x=-25), result)
    assert [c.label for c in got.candidates] == ["drink"]
    assert got.candidates[0].box_xyxy[0] == pytest.approx(125, abs=2)


def test_after_a_cut_nothing_is_outlined() -> None:
    got = carry(photo(1), photo(2), found())
    assert got.candidates == () == got.people and got.hands == ()
    assert got.actions["drinking"] == 0.9
    got = carry(photo(1), np.zeros((*SIZE, 3), np.uint8), found())
    assert got.candidates == ()


def test_where_nothing_can_be_followed_everything_stays() -> None:
    flat = np.full((*SIZE, 3), 120, np.uint8)
    for after in (flat, flat + 20):
        assert carry(flat, after, found()).candidates[0].box_xyxy == CUP
    dark = np.clip(np.random.default_rng(1).normal(4, 2, flat.shape), 0, 255).astype(np.uint8)
    dark_too = np.clip(np.random.default_rng(2).normal(4, 2, flat.shape), 0, 255).astype(np.uint8)
    got = carry(dark, dark_too, found()).candidates[0]
    np.testing.assert_allclose(got.box_xyxy, CUP, atol=3)


@pytest.mark.parametrize("size", [(480, 640), (120, 160), (240, 300)])
def test_a_picture_of_another_size_has_no_outlines(size: tuple[int, int]) -> None:
    got = carry(photo(1), photo(1, size), found())
    assert got.frame == size and got.candidates == () == got.people


def test_a_result_that_grew_old_is_not_carried() -> None:
    carrier = Carrier()
    carrier.refer(photo(1), found())
    assert len(carrier.carry(photo(1), later_s=1.9).candidates) == 1
    assert carrier.carry(photo(1), later_s=2.1).candidates == ()


def test_the_maps_stay_with_their_frame() -> None:
    maps = np.zeros((5, 8, 8), np.float32)
    result = replace(found(), explanation=Explanation(maps, (), maps, ()))
    assert carry(photo(1), photo(1), result).explanation is None


def test_a_result_without_things_is_carried_as_it_is() -> None:
    empty = replace(found(), candidates=(), people=(), hands=())
    assert carry(photo(1), photo(2), empty) == empty


def test_there_must_be_a_reference() -> None:
    with pytest.raises(ValueError, match="no recognized frame"):
        Carrier().carry(photo(1))
