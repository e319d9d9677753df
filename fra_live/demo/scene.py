"""The scene: a camera that moves slowly over the portrait while hands come and go."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from fra_live.demo.effects import Bubbles, Smoke, lay
from fra_live.demo.gestures import GESTURES, Gesture
from fra_live.demo.portrait import load_portrait
from fra_live.demo.props import CIGARETTE
from fra_live.demo.relief import KEEP

SIZE = (480, 640)  # H, W
RATE = 30
DURATION_S = 30.0
MOVE_S = 0.3  # how long a hand takes to come or to go


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


def hand_motion(gesture: Gesture, action: TrueAction, time_s: float) -> _Matrix | None:
    """Portrait px to portrait px: where the drawn hand is; None when it is out of sight."""
    t = time_s - action.start_s
    late = action.end_s - time_s
    there = np.clip((min(t, late) + MOVE_S / 2) / MOVE_S, 0, 1)
    if there <= 0:
        return None
    there = there * there * (3 - 2 * there)
    (cx, cy), (ex, ey) = gesture.contact, gesture.elbow
    reach = 260 / math.hypot(ex - cx, ey - cy)
    dx, dy, angle = _held(action.action, t)
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
        # Enlarged once with a good filter; the camera then moves over it with a fast one.
        self._photo = cv2.resize(portrait.image, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)
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
        half = _chain(view, np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]]))
        image = cv2.warpAffine(self._photo, half, SIZE[::-1], flags=cv2.INTER_LINEAR)
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
        before = hand_motion(gesture, action, time_s - 0.4 / RATE)
        x0, y0 = gesture.area[:2]
        shift = 0.5 / KEEP - 0.5
        rest = np.array([[1 / KEEP, 0, x0 + shift], [0, 1 / KEEP, y0 + shift]])
        layer = self._warp(gesture, _chain(_chain(view, motion), rest))
        if before is not None and abs(before - motion).max() > 2:  # motion blur: shutter 0.4
            steps = [motion + (before - motion) * s for s in (0.25, 0.5, 0.75, 1.0)]
            total = layer.astype(np.uint16)
            for step in steps:
                total += self._warp(gesture, _chain(_chain(view, step), rest))
            layer = (total // (1 + len(steps))).astype(np.uint8)
        lay(image, layer, 0, 0)
        tip = _place(_chain(view, motion), *gesture.contact)
        scale, t = float(view[0, 0]), time_s - action.start_s
        if action.action == "smoking":
            tip = (tip[0] + scale * 0.982 * CIGARETTE, tip[1] + scale * 0.19 * CIGARETTE)
            self._smoke.draw(image, tip, scale, t)
        elif action.action == "blowing_bubbles":
            self._bubbles.draw(image, tip, scale, t)

    @staticmethod
    def _warp(gesture: Gesture, matrix: _Matrix) -> np.ndarray:
        return np.asarray(cv2.warpAffine(gesture.layer, matrix, SIZE[::-1], flags=cv2.INTER_LINEAR))
