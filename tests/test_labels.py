"""Label sets: channels, objects, actions, colours, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from fra_live.errors import DataError
from fra_live.labels import LabelSet

LABELS = LabelSet(
    ("background", "face", "drink", "hand", "phone"),
    ("face", "hand"),
    {"phoning": "phone", "drinking": "drink"},
)


def test_channels() -> None:
    assert LABELS.objects == ("drink", "phone")
    assert LABELS.object_channels == (2, 4)
    assert LABELS.action_names == ("phoning", "drinking")  # in their own order
    assert LABELS.index("hand") == 3
    with pytest.raises(DataError, match="'cup' is not one of the labels"):
        LABELS.index("cup")


@pytest.mark.parametrize(
    ("names", "body", "actions", "message"),
    [
        ((), (), {}, "first label must be 'background'"),
        (("face", "background"), (), {}, "first label must be 'background'"),
        (("background", "cup", "cup"), (), {}, "given twice"),
        (("background", "cup"), ("face",), {}, "Body part 'face'"),
        (("background", "cup"), (), {"phoning": "phone"}, "'phoning' names the object 'phone'"),
        (("background", "face"), ("face",), {"facing": "face"}, "'facing' names the object"),
        (("background", "cup"), (), {"resting": "background"}, "'resting' names the object"),
    ],
)
def test_contradictions(
    names: tuple[str, ...], body: tuple[str, ...], actions: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        LabelSet(names, body, actions)


def test_round_trip() -> None:
    again = LabelSet.from_dict(LABELS.to_dict())
    assert again == LABELS
    assert again.action_names == LABELS.action_names


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"names": ["background"]},
        {"names": 5, "body_parts": [], "actions": {}},
        {"names": ["background"], "body_parts": [], "actions": ["drinking"]},
        {"names": ["background"], "body_parts": [], "actions": 3},
    ],
)
def test_improper_data(data: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="lacks a proper"):
        LabelSet.from_dict(data)


def test_colours_differ_however_many_there_are() -> None:
    names = tuple(f"thing{i}" for i in range(20))
    labels = LabelSet(("background", "face", "hand", *names), ("face", "hand"), {})
    colours = [labels.colour(n) for n in labels.names]
    assert all(0 <= v <= 255 for colour in colours for v in colour)
    assert len(set(colours)) == len(colours)
    assert labels.colour("thing0") == (178, 114, 0)  # blue, as BGR
