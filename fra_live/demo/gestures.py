"""The five gestures: which hand holds which object where, as layers to lay over the portrait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fra_live.demo.hands import Finger, paint_hand, paint_sleeve
from fra_live.demo.portrait import Portrait
from fra_live.demo.props import (
    paint_cigarette,
    paint_cup,
    paint_phone,
    paint_toothbrush,
    paint_wand,
)
from fra_live.demo.relief import Area, Capsule, Picture


@dataclass(frozen=True)
class Gesture:
    """A hand with an object, ready to be moved over the portrait.

    Attributes:
        layer: (h, w, 4) uint8, premultiplied BGRA, `relief.KEEP` samples per portrait px.
        area: what it covers at rest, portrait px.
        contact: where the object meets the mouth or the ear, portrait px.
        elbow: where the arm comes from, portrait px.
    """

    layer: np.ndarray
    area: Area
    contact: tuple[float, float]
    elbow: tuple[float, float]


def _gesture(picture: Picture, contact: tuple[float, float], elbow: tuple[float, float]) -> Gesture:
    layer = np.round(np.clip(picture.finish(), 0, 255)).astype(np.uint8)
    return Gesture(layer, picture.area, contact, elbow)


def drinking(portrait: Portrait) -> Gesture:
    """Her right hand tilts a paper cup at the mouth, fingers round its front."""
    picture, elbow = Picture((92, 100, 290, 304)), (112.0, 372.0)
    wrist = [
        Capsule((186, 184, 6), (163, 238, -4), 15, 15, 0.75),
        Capsule((187, 198, 8), (165, 240, -4), 15, 15, 0.75),
        Capsule((163, 236, -4), (152, 268, -8), 16, 16, 0.8),
    ]
    paint_hand(picture, portrait, wrist, [], 12)
    paint_sleeve(picture, portrait, (158, 252), elbow, 21, 11)
    paint_cup(picture, portrait, (224, 148), (7, 66))
    fingers = []
    rows = ((183, 174, 34, 6.4), (184, 186, 36, 6.6), (186, 197, 34, 6.3), (189, 207, 30, 5.5))
    for x, y, reach, radius in rows:
        joints = (
            (x, y + 2, 12), (x + 13, y - 1, 28), (x + 24, y, 33), (x + reach, y + 2.5, 32)
        )  # fmt: skip
        fingers.append(Finger(joints, radius, 0.78 * radius, (0.2, -0.1)))
    knuckles = [Capsule((182, 176, 8), (184, 208, 8), 9, 8, 0.9)]
    paint_hand(picture, portrait, knuckles, fingers, 13)
    return _gesture(picture, (224, 148), elbow)


def phoning(portrait: Portrait) -> Gesture:
    """Her right hand holds a smartphone at the ear."""
    picture, elbow = Picture((40, 70, 214, 304)), (88.0, 372.0)
    wrist = [Capsule((145, 208, 0), (132, 262, -6), 18, 17, 0.8)]
    paint_hand(picture, portrait, wrist, [], 22)
    paint_sleeve(picture, portrait, (133, 250), elbow, 21, 21)
    paint_phone(picture, portrait, (161, 85), (24, 95))
    palm = [
        Capsule((127, 150, -2), (140, 205, 0), 13, 16, 0.8),
        Capsule((138, 172, 4), (147, 206, 4), 13, 15, 0.8),
        Capsule((154, 190, 8), (146, 212, 4), 12, 15, 0.8),
        Capsule((145, 206, 0), (143, 218, -2), 18, 17, 0.8),
    ]
    fingers = [
        Finger(((162, 196, 16), (175, 182, 24), (183, 164, 26), (184, 149, 24)), 8.0, 5.6,
               (0.5, 0)),
        Finger(((137, 178, 8), (142, 160, 22), (155, 152, 28), (166, 154, 26)), 6.0, 4.5, (0, 0)),
        Finger(((131, 168, 6), (136, 146, 22), (152, 137, 30), (169, 139, 27)), 6.7, 5.0, (0, 0)),
        Finger(((127, 158, 4), (132, 132, 22), (150, 122, 30), (169, 124, 27)), 7.0, 5.2, (0, 0)),
        Finger(((126, 148, 2), (131, 118, 20), (147, 108, 29), (164, 109, 26)), 6.8, 5.1, (0, 0)),
    ]  # fmt: skip
    paint_hand(picture, portrait, palm, fingers, 23)
    return _gesture(picture, (174, 140), elbow)


def brushing_teeth(portrait: Portrait) -> Gesture:
    """Her right fist moves a toothbrush along the teeth."""
    picture, elbow = Picture((44, 110, 270, 304)), (86.0, 372.0)
    wrist = [
        Capsule((160, 176, -6), (146, 205, -10), 24, 20, 0.7),
        Capsule((147, 200, -10), (130, 250, -14), 19, 17, 0.8),
    ]
    paint_hand(picture, portrait, wrist, [], 32)
    paint_sleeve(picture, portrait, (137, 232), elbow, 21, 31)
    paint_toothbrush(picture, portrait, (238, 147), (-98.8, 15.6))
    fingers = []
    columns = ((144, 163.6, 6.2), (156, 161.4, 7.2), (169, 159.2, 7.5), (182, 157, 7.2))
    for x, y, radius in columns:
        joints = ((x - 3, y - 8, 8), (x, y - 4, 15), (x + 1, y + 12, 18), (x - 1, y + 23, 10))
        fingers.append(Finger(joints, radius, 0.85 * radius))
    thumb = ((168, 196, 14), (183, 188, 20), (196, 175, 22), (206, 164, 20))
    fingers.append(Finger(thumb, 8.0, 5.6, (0.2, -0.3)))
    back = [Capsule((150, 176, 0), (172, 176, 0), 16, 16, 0.6)]
    paint_hand(picture, portrait, back, fingers, 33)
    return _gesture(picture, (226, 147), elbow)


def smoking(portrait: Portrait) -> Gesture:
    """Her left hand holds a cigarette to the lips between two fingers."""
    picture, elbow = Picture((196, 110, 390, 304)), (338.0, 372.0)
    palm = [
        Capsule((262, 212, 0), (278, 252, -4), 13, 15, 0.75),
        Capsule((280, 218, 0), (288, 255, -4), 13, 15, 0.75),
        Capsule((282, 248, -4), (297, 286, -8), 17, 17, 0.8),
    ]
    middle = Finger(((270, 210, 4), (271, 181, 10), (266, 164, 12), (262, 150, 10)), 6.8, 5.0)
    paint_hand(picture, portrait, palm, [middle], 42)
    paint_sleeve(picture, portrait, (293, 272), elbow, 21, 41)
    paint_cigarette(picture, portrait, (223, 151), (98.2, 19.1))
    fingers = [
        Finger(((290, 226, 4), (298, 208, 14), (290, 208, 18), (281, 216, 14)), 5.8, 4.6),
        Finger(((281, 216, 6), (288, 194, 16), (279, 197, 20), (270, 206, 16)), 6.5, 5.0),
        Finger(((260, 212, 10), (254, 184, 18), (249, 166, 20), (246, 152, 17)), 6.9, 5.0, (0, 0)),
        Finger(((266, 240, 10), (250, 228, 16), (244, 214, 18), (243, 201, 16)), 8.0, 5.8,
               (-0.4, 0)),
    ]  # fmt: skip
    heel = [Capsule((264, 214, 2), (286, 224, 2), 10, 10, 0.8)]
    paint_hand(picture, portrait, heel, fingers, 43)
    return _gesture(picture, (223, 151), elbow)


def blowing_bubbles(portrait: Portrait) -> Gesture:
    """Her right hand holds a bubble wand before the lips."""
    picture, elbow = Picture((90, 120, 270, 304)), (120.0, 376.0)
    palm = [
        Capsule((204, 209, -4), (184, 241, -6), 17, 16, 0.8),
        Capsule((186, 237, -6), (166, 280, -10), 17, 17, 0.8),
    ]
    paint_hand(picture, portrait, palm, [], 52)
    paint_sleeve(picture, portrait, (172, 262), elbow, 21, 51)
    paint_wand(picture, portrait, (224, 154), (-30.9, 95.1))
    fingers = [
        Finger(((194, 229, 6), (216, 229, 16), (224, 239, 18), (214, 245, 14)), 6.2, 4.8),
        Finger(((193, 220, 8), (218, 218, 18), (227, 229, 20), (215, 235, 16)), 6.7, 5.0),
        Finger(((194, 211, 8), (219, 206, 20), (228, 217, 22), (216, 224, 18)), 7.0, 5.2),
        Finger(((195, 203, 8), (216, 194, 20), (226, 201, 24), (220, 210, 22)), 6.9, 5.1),
        Finger(((189, 219, 16), (196, 202, 22), (205, 190, 24), (214, 183, 22)), 7.8, 5.6,
               (0.2, -0.3)),
    ]  # fmt: skip
    knuckles = [Capsule((193, 207, 4), (192, 231, 4), 10, 9, 0.9)]
    paint_hand(picture, portrait, knuckles, fingers, 54)
    return _gesture(picture, (224, 154), elbow)


GESTURES: dict[str, Callable[[Portrait], Gesture]] = {
    "drinking": drinking,
    "phoning": phoning,
    "brushing_teeth": brushing_teeth,
    "smoking": smoking,
    "blowing_bubbles": blowing_bubbles,
}
