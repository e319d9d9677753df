from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fra_live.live.events import ActiveEvent
from fra_live.live.placing import Placing
from fra_live.results import Explanation
from tests.live.loop_parts import make_result


def test_a_result_in_the_mirror() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    result, placing = make_result(image), Placing((100, 200), (100, 200), mirror=True)
    mirrored = placing.result(result)
    assert result.candidates[0].box_xyxy == (60, 45, 80, 60)
    assert mirrored.candidates[0].box_xyxy == (120, 45, 140, 60)
    np.testing.assert_allclose(
        mirrored.candidates[0].outline[0], [(140, 45), (120, 45), (120, 60), (140, 60)]
    )
    assert mirrored.people[0].face.box_xyxy == pytest.approx((120, 20, 160, 50))
    again = placing.result(mirrored)
    assert again.candidates[0].box_xyxy == result.candidates[0].box_xyxy
    image[:, :50] = 255
    assert placing.image(image)[:, 150:].min() == 255


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (None, (100, 200)),
        ((500, 500), (100, 200)),  # never enlarged
        ((50, 500), (50, 100)),
        ((500, 20), (10, 20)),
        ((0, 0), (1, 1)),
    ],
)
def test_a_frame_is_reduced_to_the_room_there_is(
    room: tuple[int, int] | None, shown: tuple[int, int]
) -> None:
    placing = Placing.within((100, 200), room)
    assert placing.shown == shown
    assert placing.image(np.zeros((100, 200, 3), np.uint8)).shape == (*shown, 3)


def test_a_reduced_result_lies_where_the_reduced_picture_shows_it() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    result = make_result(image)
    x0, y0, x1, y1 = map(int, result.candidates[0].box_xyxy)
    image[y0:y1, x0:x1] = 255
    for mirror in (False, True):
        placing = Placing.within((100, 200), (50, 100), mirror)
        x0, y0, x1, y1 = map(int, placing.result(result).candidates[0].box_xyxy)
        lit = np.argwhere(placing.image(image)[..., 0] > 127)
        assert lit.min(axis=0) == pytest.approx((y0, x0), abs=1)
        assert lit.max(axis=0) == pytest.approx((y1 - 1, x1 - 1), abs=1)


def test_events_and_explanation_move_too() -> None:
    result, placing = make_result(np.zeros((100, 200, 3))), Placing((100, 200), (50, 100), True)
    ramp = np.arange(8, dtype=np.float32).reshape(1, 2, 4)
    explanation = Explanation(ramp, ((0.0, 0.0, 20.0, 20.0),), ramp, result.candidates)
    moved = placing.result(replace(result, explanation=explanation)).explanation
    assert moved is not None
    assert moved.windows == ((90.0, 0.0, 100.0, 10.0),)
    assert moved.coarse_probabilities[0, 0].tolist() == [3, 2, 1, 0]
    assert moved.candidates[0].box_xyxy == (60.0, 22.5, 70.0, 30.0)
    event = ActiveEvent(0, "drinking", "drink", 0, 0.0, 1.0, 0.9, 3, (0.0, 0.0, 20.0, 20.0), False)
    unseen = replace(event, face_xyxy=None)
    assert [e.face_xyxy for e in placing.events([event, unseen])] == [(90, 0, 100, 10), None]


def test_nothing_is_copied_where_nothing_changes() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    result, placing = make_result(image), Placing.within((100, 200), (100, 200))
    assert placing.image(image) is image
    assert placing.result(result) is result
