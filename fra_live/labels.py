"""The label set: which things are segmented, and which action each object belongs to.

The paper's labels (section 3.1, eq. 1) are L = {background, face, hand} ∪ Obj. Here the set is
data: it is read from a model's manifest or from a COCO JSON, never written into code.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fra_live.errors import DataError

NO_ACTION = "none"
BACKGROUND = "background"

# Okabe and Ito's palette: tells apart for the common kinds of colour blindness. RGB, 0-255.
_PALETTE = (
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (0, 158, 115),
    (240, 228, 66),
    (86, 180, 233),
    (230, 159, 0),
)
_BODY_COLOURS = ((235, 235, 235), (190, 190, 190))


@dataclass(frozen=True)
class LabelSet:
    """Names of the probability maps' channels and of the actions.

    Attributes:
        names: channel names in channel order; names[0] is "background".
        body_parts: the names that are body parts ("face", "hand"); the rest are action objects.
        actions: action name → name of its object, in the order of the action scores.
    """

    names: tuple[str, ...]
    body_parts: tuple[str, ...]
    actions: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        if not self.names or self.names[0] != BACKGROUND:
            raise DataError(f"The first label must be '{BACKGROUND}', not {self.names[:1]}.")
        if len(set(self.names)) != len(self.names):
            raise DataError(f"A label name is given twice in {list(self.names)}.")
        for part in self.body_parts:
            if part not in self.names:
                raise DataError(f"Body part '{part}' is not one of the labels {list(self.names)}.")
        for action, name in self.actions.items():
            if name not in self.objects:
                raise DataError(f"Action '{action}' names the object '{name}', which is no label.")

    @property
    def objects(self) -> tuple[str, ...]:
        """The action objects (the paper's Obj), in channel order."""
        return tuple(n for n in self.names[1:] if n not in self.body_parts)

    @property
    def object_channels(self) -> tuple[int, ...]:
        """Channel indices of the action objects, in channel order."""
        return tuple(self.index(n) for n in self.objects)

    @property
    def action_names(self) -> tuple[str, ...]:
        """The actions, without "none", in the order of the action scores."""
        return tuple(self.actions)

    def index(self, name: str) -> int:
        """Channel of a label.

        Raises:
            DataError: the label is unknown.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise DataError(f"'{name}' is not one of the labels {list(self.names)}.") from None

    def colour(self, name: str) -> tuple[int, int, int]:
        """The label's drawing colour as (blue, green, red), 0-255, OpenCV's order."""
        if name in self.body_parts:
            red, green, blue = _BODY_COLOURS[self.body_parts.index(name) % len(_BODY_COLOURS)]
        elif name in self.objects:
            position = self.objects.index(name)
            if position < len(_PALETTE):
                red, green, blue = _PALETTE[position]
            else:  # more objects than the palette holds: golden-angle hues
                hue = (position * 0.618034) % 1.0
                red, green, blue = (int(255 * v) for v in colorsys.hsv_to_rgb(hue, 0.7, 0.95))
        else:
            red = green = blue = 128
        return blue, green, red

    def to_dict(self) -> dict[str, Any]:
        """The form that the manifest holds."""
        return {
            "names": list(self.names),
            "body_parts": list(self.body_parts),
            "actions": dict(self.actions),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSet:
        """Read what `to_dict` wrote.

        Raises:
            DataError: a key is missing or the labels contradict each other.
        """
        try:
            return cls(tuple(data["names"]), tuple(data["body_parts"]), dict(data["actions"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"The label set lacks a proper {error}.") from error
