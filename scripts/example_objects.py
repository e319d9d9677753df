"""A spoon and a paint brush in a drawn hand, for the example set of `make_example_set.py`.

Drawn with the renderer of `fra_live.demo`, in px of its portrait (512 by 512); besides the picture
each gesture keeps the outlines that an annotator would draw: those of the hand and of what is
seen of the object.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.demo.hands import Finger, paint_hand, paint_sleeve
from fra_live.demo.portrait import Portrait
from fra_live.demo.relief import Area, Capsule, Colour, Picture, Point, coverage

AREA: Area = (40, 90, 290, 400)
GRIP = 74.0  # from the end of an object that is at the face to the middle of the fist
HANDLE = 88.0  # length of an object; it ends inside the fist, so that one piece is seen
ELBOW = (84.0, 424.0)
_FIST_AXIS = (-0.988, 0.156)  # along which the fist below is drawn, away from the face
_SEEN = 0.8  # coverage from which a px counts; shadows stay below it

Place = tuple[float, float]
Paint = Callable[[Picture, Portrait, Place, Place], None]


@dataclass(frozen=True)
class HeldObject:
    """A hand with an object, or an empty one, ready to be moved over the portrait.

    Attributes:
        layer: (h, w, 4) uint8 premultiplied BGRA of `AREA`, `relief.KEEP` samples a portrait px.
        hand: (h, w) uint8, 255 where the hand is seen.
        thing: (h, w) uint8, 255 where the object is seen.
        contact: where the object meets the face, portrait px.
    """

    layer: np.ndarray
    hand: np.ndarray
    thing: np.ndarray
    contact: Place


def _lit(light: np.ndarray, colour: Colour) -> np.ndarray:
    return np.asarray(np.clip(light[..., None] * np.array(colour, np.float32), 0, 1))


def _bump(values: np.ndarray, at: float, width: float) -> np.ndarray:
    return np.asarray(np.exp(-(((values - at) / width) ** 2)))


def paint_spoon(picture: Picture, portrait: Portrait, tip: Place, back: Place) -> None:
    """A steel spoon, the hollow of its bowl towards the viewer.

    Args:
        picture: what is drawn on.
        portrait: says where shadows fall.
        tip: of the bowl, portrait px.
        back: direction from there along the handle.
    """
    u, v = picture.along(tip, back)
    bowl = 10.5 * (np.hypot((u - 17) / 17, v / (10.5 - 0.12 * (u - 17))) - 1)
    width = np.interp(u, (28, 40, 70, HANDLE), (3.4, 2.0, 2.6, 3.4)).astype(np.float32)
    handle = np.maximum(np.abs(v) - width, np.maximum(28 - u, u - HANDLE))
    alpha = coverage(np.minimum(bowl, handle))
    picture.shadow(alpha, portrait.person(picture.area))
    light = 0.62 + 0.34 * _bump(v, -1.0, 1.8) - 0.12 * np.clip(v / 4, -1, 1)
    picture.paint(alpha, _lit(light, (0.95, 0.93, 0.92)))
    hollow = 0.50 + 0.30 * np.clip(v / 9, -1, 1) + 0.45 * _bump(u, 22, 5) * _bump(v, 3.5, 2.5)
    picture.paint(coverage(bowl + 1.4), _lit(hollow, (0.96, 0.94, 0.92)))


def paint_paint_brush(picture: Picture, portrait: Portrait, tip: Place, back: Place) -> None:
    """A flat brush for face paint: red bristles, a brass ferrule, a black handle.

    Args:
        picture: what is drawn on.
        portrait: says where shadows fall.
        tip: of the bristles, portrait px.
        back: direction from there along the handle.
    """
    u, v = picture.along(tip, back)
    stations, widths = (0, 6, 22, 34, 48, 70, HANDLE), (4.5, 8.0, 6.5, 4.6, 4.8, 4.2, 3.4)
    width = np.interp(u, stations, widths).astype(np.float32)
    alpha = coverage(np.maximum(np.abs(v) - width, np.maximum(-u, u - HANDLE)))
    picture.shadow(alpha, portrait.person(picture.area))
    light = 0.75 + 0.5 * _bump(v / width, -0.35, 0.45) - 0.25 * np.clip(v / width, 0, 1)
    picture.paint(alpha, _lit(light, (0.17, 0.15, 0.14)))
    picture.paint(alpha * coverage(np.abs(u - 29) - 7), _lit(light, (0.30, 0.62, 0.78)))
    bristles = 0.85 + 0.22 * np.sin(2.4 * v) - 0.012 * u
    picture.paint(alpha * coverage(u - 22), _lit(bristles, (0.16, 0.10, 0.72)))


def _turned(back: Place, grip: Place) -> Callable[[float, float], Place]:
    """From the fist's own coordinates, origin in its middle, to portrait px."""
    angle = math.atan2(back[1], back[0]) - math.atan2(_FIST_AXIS[1], _FIST_AXIS[0])
    cos, sin = math.cos(angle), math.sin(angle)
    return lambda x, y: (grip[0] + cos * x - sin * y, grip[1] + sin * x + cos * y)


def hold(portrait: Portrait, paint: Paint | None, tip: Place, back: Place) -> HeldObject:
    """A fist round an object whose end is at the face.

    Args:
        portrait: gives skin and cloth.
        paint: draws the object; None for an empty hand.
        tip: where the object meets the face, portrait px.
        back: direction from there along the handle.
    """
    length = math.hypot(*back)
    grip = (tip[0] + GRIP * back[0] / length, tip[1] + GRIP * back[1] / length)
    at = _turned(back, grip)

    def joint(x: float, y: float, z: float) -> Point:
        return (*at(x, y), z)

    wrist = [
        Capsule(joint(-4, 17, -6), joint(-16, 46, -10), 24, 20, 0.7),
        Capsule(joint(-15, 41, -10), joint(-19, 78, -14), 19, 15, 0.8),
    ]
    fingers = []
    for x, y, radius in ((-20, 4.6, 6.2), (-8, 2.4, 7.2), (5, 0.2, 7.5), (18, -2.0, 7.2)):
        joints = (
            joint(x - 3, y - 8, 8), joint(x, y - 4, 15), joint(x + 1, y + 12, 18),
            joint(x - 1, y + 23, 10),
        )  # fmt: skip
        fingers.append(Finger(joints, radius, 0.85 * radius))
    thumb = (joint(4, 37, 14), joint(19, 29, 20), joint(32, 16, 22), joint(42, 5, 20))
    fingers.append(Finger(thumb, 8.0, 5.6, (0.2, -0.3)))
    palm = [Capsule(joint(-14, 17, 0), joint(8, 17, 0), 16, 16, 0.6)]

    picture = Picture(AREA)
    paint_hand(picture, portrait, wrist, [], 32)
    paint_sleeve(picture, portrait, at(-18, 72), ELBOW, 21, 31)
    if paint is not None:
        paint(picture, portrait, tip, back)
    paint_hand(picture, portrait, palm, fingers, 33)
    layer = np.round(np.clip(picture.finish(), 0, 255)).astype(np.uint8)

    front = _mask(lambda alone: paint_hand(alone, portrait, palm, fingers, 33))
    behind = _mask(lambda alone: paint_hand(alone, portrait, wrist, [], 32))
    sleeve = _mask(lambda alone: paint_sleeve(alone, portrait, at(-18, 72), ELBOW, 21, 31))
    thing = np.zeros_like(front)
    if paint is not None:
        thing = _mask(lambda alone: paint(alone, portrait, tip, back)) & ~front
    # Opened, since slivers of the wrist stay beside the sleeve.
    hand = cv2.morphologyEx(front | (behind & ~sleeve), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    return HeldObject(layer, hand, thing, tip)


def _mask(draw: Callable[[Picture], None]) -> np.ndarray:
    """(h, w) uint8, 255 where something that is drawn alone covers a px of the layer."""
    picture = Picture(AREA)
    draw(picture)
    return np.where(picture.finish()[..., 3] > 255 * _SEEN, np.uint8(255), np.uint8(0))


def held_objects(portrait: Portrait) -> dict[str, Sequence[HeldObject]]:
    """Action → the hands that show it; "none" → an empty hand."""
    return {
        "eating": [
            hold(portrait, paint_spoon, (226, 150), (-0.93, 0.37)),
            hold(portrait, paint_spoon, (226, 150), (-0.78, 0.62)),
        ],
        "face_painting": [
            hold(portrait, paint_paint_brush, (199, 131), (-0.86, 0.51)),
            hold(portrait, paint_paint_brush, (206, 96), (-0.84, 0.54)),
        ],
        "none": [hold(portrait, None, (206, 150), (-0.84, 0.54))],
    }
