"""What Net_coarse and Net_fine are shown, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fra_live.annotations import Region, Sample
from fra_live.stages.windows import Window, WindowParameters
from fra_live.training.augment import View
from fra_live.training.images import TrainingImage
from fra_live.training.views import action_in_view, coarse_view, fine_views, jitter
from tests.tiny import LABELS

Box = tuple[float, float, float, float]
PARAMETERS = WindowParameters(face_scale=2.5, min_side=0.15, max_side=1.1, default_side=0.5)


def image(action: int, *things: tuple[str, Box], scale: float = 1.0) -> TrainingImage:
    """100 x 100 px with boxes."""
    regions = tuple(Region(name, (), box) for name, box in things)
    side = round(100 / scale)
    sample = Sample(Path("a.png"), side, side, None, frozenset(LABELS.names[1:]), regions)
    return TrainingImage(
        image=np.zeros((100, 100, 3), np.uint8),
        label_map=np.zeros((100, 100), np.uint8),
        unannotated=np.zeros(5, bool),
        weight=1.0,
        rate=1.0,
        action=action,
        scale=scale,
        sample=sample,
    )


FACE: tuple[str, Box] = ("face", (40, 20, 56, 40))  # 16 x 20 round (48, 30)


def views_of(
    shown: TrainingImage, predicted: list[Window] | None = None
) -> list[tuple[View, float]]:
    return fine_views(shown, LABELS, PARAMETERS, predicted or [])


def test_a_face_as_at_run_time() -> None:
    assert views_of(image(0, FACE)) == [(View((48.0, 30.0), 50.0), 1.0)]


def test_boxes_are_brought_to_the_image_in_memory() -> None:
    shown = image(0, ("face", (80, 40, 112, 80)), scale=0.5)
    assert views_of(shown) == [(View((48.0, 30.0), 50.0), 1.0)]


def test_an_object_at_the_face_is_shown_now_and_then() -> None:
    views = views_of(image(0, FACE, ("drink", (45, 40, 55, 50))))
    assert views[1:] == [(View((50.0, 45.0), 50.0), 0.25)]


def test_an_object_far_from_the_face_gets_a_window_of_its_own() -> None:
    views = views_of(image(0, FACE, ("drink", (85, 85, 95, 95))))
    assert views[1:] == [(View((90.0, 90.0), 50.0), 0.7)]


def test_large_objects_are_shown_whole() -> None:
    views = views_of(image(0, FACE, ("drink", (40, 40, 100, 100))))
    assert views[1][0].side == pytest.approx(72.0)


def test_an_object_without_a_face() -> None:
    assert views_of(image(0, ("phone", (40, 40, 50, 60)))) == [(View((45.0, 50.0), 60.0), 0.7)]


def test_windows_that_net_coarse_asks_for() -> None:
    window = Window(20.0, 70.0, 30.0)
    assert views_of(image(2), [window]) == [(View((20.0, 70.0), 30.0), 1.0)]
    assert views_of(image(0, FACE), [window])[1:] == [(View((20.0, 70.0), 30.0), 0.5)]


def test_an_image_of_nothing_is_shown_from_its_middle() -> None:
    assert views_of(image(2)) == [(View((50.0, 50.0), 50.0), 1.0)]


DRINK: tuple[str, Box] = ("drink", (60, 60, 70, 80))


@pytest.mark.parametrize(
    ("shown", "view", "action"),
    [
        (image(0, FACE, DRINK), View((65, 70), 30), 0),  # the object lies inside
        (image(0, FACE, DRINK), View((20, 20), 20), 2),  # it lies elsewhere: no action here
        (image(0, FACE, DRINK), View((65, 53), 20), -1),  # a sixth of it: unknown
        (image(0, FACE, DRINK), View((65, 60), 20), 0),  # just half of it
        (image(0, FACE), View((48, 30), 50), 0),  # hidden: the face stands in
        (image(0, FACE), View((80, 80), 20), 2),
        (image(0), View((50, 50), 100), -1),  # neither object nor face is drawn
        (image(2, FACE, DRINK), View((65, 70), 30), 2),  # an image of no action
        (image(-1, FACE, DRINK), View((65, 70), 30), -1),  # unknown stays unknown
        (image(1, FACE, DRINK), View((65, 70), 30), 2),  # phoning, and the phone is hidden
    ],
)
def test_the_action_that_a_window_shows(shown: TrainingImage, view: View, action: int) -> None:
    assert action_in_view(shown, view, LABELS) == action


@pytest.mark.parametrize("seed", range(10))
def test_random_views_stay_near(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moved = jitter(View((50.0, 40.0), 30.0), rng)
    assert 30 / 1.45 <= moved.side <= 30 * 1.45
    assert abs(moved.centre_xy[0] - 50) <= 5
    assert abs(moved.centre_xy[1] - 40) <= 5
    whole = coarse_view(image(0), rng)
    assert 100 * np.exp(-0.45) <= whole.side <= 100 * np.exp(0.3)
    assert abs(whole.centre_xy[0] - 50) <= 0.5 * max(0, 100 - whole.side) + 0.08 * whole.side
