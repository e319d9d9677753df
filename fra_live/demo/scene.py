"""The scene: a camera that moves slowly over the portrait while hands come and go."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from fra_live.demo.effects import Bubbles, Smoke, lay
from fra_live.demo.gestures import GESTURES, Gesture
from fra_live.demo.portrait import MOUTH_AREA, load_portrait
from fra_live.demo.props import CIGARETTE
from fra_live.demo.relief import KEEP, Area

SIZE = (480, 640)  # H, W
RATE = 30
DURATION_S = 30.0
MOVE_S = 0.3  # how long a hand takes to come or to go
_LIPS_CLOSE = ("drinking", "blowing_bubbles", "smoking")


class TrueAction(NamedTuple):
    """An action that the clip shows.

    Attributes:
        action: its name.
        start_s, end_s: the middle of the hand's coming and of its going, s.
    """

    action: str
    start_s: float
    end_s: float


DEMO_ACTIONS = [
    TrueAction("drinking", 1.6, 5.2),
    TrueAction("phoning", 7.4, 11.0),
    TrueAction("brushing_teeth", 13.2, 16.8),
    TrueAction("blowing_bubbles", 19.0, 22.6),
    TrueAction("smoking", 24.8, 28.4),
]

_Matrix = np.ndarray  # (2, 3) float64, maps (x, y, 1) to (x, y)


def _place(matrix: _Matrix, x: float, y: float) -> tuple[float, float]:
    return float(matrix[0] @ (x, y, 1)), float(matrix[1] @ (x, y, 1))


def _chain(after: _Matrix, before: _Matrix) -> _Matrix:
    return np.asarray(after @ np.vstack([before, (0, 0, 1)]))


def _rest(area: Area) -> _Matrix:
    """Px of a layer to portrait px."""
    shift = 0.5 / KEEP - 0.5  # the centres of the first px
    return np.array([[1 / KEEP, 0, area[0] + shift], [0, 1 / KEEP, area[1] + shift]])


def _warp(layer: np.ndarray, matrix: _Matrix) -> np.ndarray:
    return np.asarray(cv2.warpAffine(layer, matrix, SIZE[::-1], flags=cv2.INTER_LINEAR))


def camera(time_s: float) -> _Matrix:
    """Portrait px to frame px: a slow pan and zoom that leaves the shuttle model out."""
    width = 350 + 9 * math.sin(0.42 * time_s) + 2 * math.sin(1.3 * time_s + 1)
    x = 188 + 4 * math.sin(0.33 * time_s + 0.6) + 0.8 * math.sin(1.7 * time_s)
    y = 140 + 2 * math.sin(0.51 * time_s + 2) + 0.6 * math.sin(1.9 * time_s + 1)
    scale = SIZE[1] / width
    return np.array([[scale, 0, SIZE[1] / 2 - scale * x], [0, scale, SIZE[0] / 2 - scale * y]])


def _held(action: str, t: float) -> tuple[float, float, float]:
    """How a held object moves: x and y in portrait px, rotation in degrees."""
    sway = 0.8 * math.sin(1.9 * t), 0.7 * math.sin(2.7 * t + 1)
    if action == "drinking":
        return sway[0], sway[1], 2.0 * math.sin(1.3 * t)
    if action == "brushing_teeth":
        return 6.0 * math.sin(2 * math.pi * 2.2 * t), sway[1], 0.8 * math.sin(2.0 * t)
    return sway[0], sway[1], 0.7 * math.sin(1.1 * t)


def presence(action: TrueAction, time_s: float) -> float:
    """How far the hand has come: 0 out of sight, 1 at the mouth or the ear."""
    inside = min(time_s - action.start_s, action.end_s - time_s)
    share = min(max((inside + MOVE_S / 2) / MOVE_S, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def hand_motion(gesture: Gesture, action: TrueAction, time_s: float) -> _Matrix | None:
    """Portrait px to portrait px: where the drawn hand is; None when it is out of sight."""
    there = presence(action, time_s)
    if there <= 0:
        return None
    (cx, cy), (ex, ey) = gesture.contact, gesture.elbow
    reach = 260 / math.hypot(ex - cx, ey - cy)
    dx, dy, angle = _held(action.action, time_s - action.start_s)
    dx += (1 - there) * reach * (ex - cx)
    dy += (1 - there) * reach * (ey - cy)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array(
        [[cos, -sin, cx + dx - cos * cx + sin * cy], [sin, cos, cy + dy - sin * cx - cos * cy]]
    )


class Scene:
    """Everything that is drawn once, and the frames that come of it.

    Attributes:
        gestures: action → its hand and object.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """

    def __init__(self, seed: int = 0) -> None:
        portrait = load_portrait()
        self._photo = portrait.enlarged()
        self._lips = portrait.closed_lips()
        self.gestures = {name: draw(portrait) for name, draw in GESTURES.items()}
        self._smoke = Smoke(seed + 1)
        wand = next(a for a in DEMO_ACTIONS if a.action == "blowing_bubbles")
        self._bubbles = Bubbles(seed + 2, wand.end_s - wand.start_s)
        rng = np.random.default_rng(seed)
        grain = rng.standard_normal((SIZE[0] + 64, SIZE[1] + 64, 3)).astype(np.float32)
        grain = 3.4 * cv2.GaussianBlur(grain, (0, 0), 0.6)
        self._light, self._dark = (
            np.round(np.clip(sign * grain, 0, 255)).astype(np.uint8) for sign in (1, -1)
        )
        self._seed = seed

    def frame(self, index: int) -> np.ndarray:
        """(480, 640, 3) uint8 BGR of the frame at `index` / `RATE` seconds."""
        time_s = index / RATE
        view = camera(time_s)
        image = _warp(self._photo, _chain(view, _rest((0, 0, 512, 512))))
        for action in DEMO_ACTIONS:
            self._draw(image, action, time_s, view)
        rng = np.random.default_rng([self._seed, index])
        x, y = rng.integers(0, 64, 2)
        part = np.s_[y : y + SIZE[0], x : x + SIZE[1]]
        return np.asarray(cv2.subtract(cv2.add(image, self._light[part]), self._dark[part]))

    def _draw(self, image: np.ndarray, action: TrueAction, time_s: float, view: _Matrix) -> None:
        gesture = self.gestures[action.action]
        motion = hand_motion(gesture, action, time_s)
        if motion is None:
            return
        if action.action in _LIPS_CLOSE:
            lips = _warp(self._lips, _chain(view, _rest(MOUTH_AREA)))
            lay(image, cv2.convertScaleAbs(lips, alpha=presence(action, time_s)), 0, 0)
        placed = _chain(view, motion)
        layer = _warp(gesture.layer, _chain(placed, _rest(gesture.area)))
        before = hand_motion(gesture, action, time_s - 0.4 / RATE)
        if before is not None and abs(before - motion).max() > 2:  # motion blur: shutter 0.4
            total = layer.astype(np.uint16)
            for share in (0.25, 0.5, 0.75, 1.0):
                then = _chain(view, motion + (before - motion) * share)
                total += _warp(gesture.layer, _chain(then, _rest(gesture.area)))
            layer = (total // 5).astype(np.uint8)
        lay(image, layer, 0, 0)
        scale, t = float(view[0, 0]), time_s - action.start_s
        if action.action == "smoking":
            x, y = _place(placed, *gesture.contact)
            tip = (x + scale * 0.982 * CIGARETTE, y + scale * 0.19 * CIGARETTE)
            self._smoke.draw(image, tip, scale, t)
        elif action.action == "blowing_bubbles":
            self._bubbles.draw(image, _place(view, *gesture.contact), scale, t)
