"""Several people in one frame: what one holds says nothing of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fra_live.labels import NO_ACTION
from fra_live.people import _kept, _owners, bounded
from fra_live.recognizer import Recognizer, load
from fra_live.results import FrameResult, Person
from tests.tiny import scene

SIDE = 120


def people_of(result: FrameResult) -> list[Person]:
    """The people from left to right."""
    return sorted(result.people, key=lambda p: p.face.box_xyxy[0])


def likeliest(person: Person) -> str:
    return max(person.actions, key=lambda name: person.actions[name])


@pytest.mark.parametrize(
    "actions",
    [
        ("drinking", "phoning"),
        ("phoning", "none"),
        ("none", "drinking"),
        ("none", "none"),
        ("drinking", "drinking"),
        ("phoning", "none", "drinking"),
    ],
)
def test_each_does_what_they_do_alone(colours: Recognizer, actions: tuple[str, ...]) -> None:
    scenes = [scene(action, (SIDE, SIDE), 700 + i)[0] for i, action in enumerate(actions)]
    result = colours(np.hstack(scenes))
    assert [likeliest(person) for person in people_of(result)] == list(actions)
    for person in result.people:
        assert sum(person.actions.values()) == pytest.approx(1)
        assert list(person.actions) == list(result.actions)


def test_everyone_who_acts_has_their_object_outlined(colours: Recognizer) -> None:
    """Three drink, and of one image q = 3 candidates are kept, whoever holds them."""
    scenes = [scene("drinking", (SIDE, SIDE), 800 + i)[0] for i in range(3)]
    result = colours(np.hstack(scenes))
    people = people_of(result)
    assert [likeliest(person) for person in people] == ["drinking"] * 3
    order = [result.people.index(person) for person in people]
    for place, number in enumerate(order):
        own = [c for c in result.candidates if c.person == number and c.label == "drink"]
        assert own, f"nothing is outlined at person {place}"
        assert place * SIDE <= own[0].box_xyxy[0] < own[0].box_xyxy[2] <= (place + 1) * SIDE


def test_one_person_does_what_the_frame_shows(colours: Recognizer) -> None:
    result = colours(scene("phoning", (SIDE, 160), 9)[0])
    (person,) = result.people
    assert person.actions == result.actions
    assert len(result.candidates) <= colours.parameters.top


def test_nobody_does_what_the_frame_denies() -> None:
    frame = np.array([0.6, 0.3, 0.1])  # two actions, then none
    first, second = (0.6 / 0.7) ** 0.5, 0.75**0.5
    for person, expected in (
        ([0.98, 0.0, 0.02], [first, 0, 1 - first]),
        ([0.0, 0.9, 0.1], [0, second, 1 - second]),
        ([0.1, 0.2, 0.7], [0.1, 0.2, 0.7]),
    ):
        np.testing.assert_allclose(bounded(np.array(person), frame), expected)
    denied = np.array([0.01, 0.0, 0.99])
    np.testing.assert_allclose(bounded(np.array([0.9, 0.05, 0.05]), denied)[0], 0.1, atol=1e-3)


def test_whose_a_cell_is() -> None:
    faces = np.array([(10, 10, 30, 30), (70, 10, 90, 30)], np.float32)
    owners = _owners((8, 16), faces, (50, 100))
    assert owners.shape == (5, 9)
    assert (owners[:, :4] == 0).all() and (owners[:, 5:] == 1).all()
    kept = _kept(np.ones((2, 8, 16), np.float32), owners == 0).planes
    assert kept.shape == (2, 8, 16)
    assert (kept[:, :, :7] == 1).all() and (kept[:, :, 9:] == 0).all()


def test_two_photographed_people_with_the_shipped_model(mobile_bundle: Path) -> None:
    pytest.importorskip("skimage")
    from fra_live.demo.scene import RATE, Scene

    demo = Scene()
    drinks, phones, idle = (demo.frame(round(t * RATE))[:, 100:540] for t in (3.4, 9.2, 0.5))
    recognizer = load(mobile_bundle, precision="f32", threads=1)
    for frames, actions in (
        ((drinks, phones), ("drinking", "phoning")),
        ((idle, drinks), (NO_ACTION, "drinking")),
        ((phones, idle), ("phoning", NO_ACTION)),
    ):
        left, right = (person.actions for person in people_of(recognizer(np.hstack(frames))))
        for action, own, other in zip(actions, (left, right), (right, left), strict=True):
            assert own[action] > 2 * other[action] or action == NO_ACTION
            assert own[NO_ACTION] > 0.5 or action != NO_ACTION
