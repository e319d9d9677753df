"""Hands and sleeves: round cones with skin, folds and nails; cloth from the portrait's suit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fra_live.demo.portrait import Portrait
from fra_live.demo.relief import Capsule, Colour, Picture, Point, Relief, coverage, noise

_NAIL = (0.74, 0.76, 0.93)
_MARGIN = 40  # from a bone to where its shadow ends, portrait px


@dataclass(frozen=True)
class Finger:
    """A chain of joints, from the knuckle to the tip.

    Attributes:
        joints: the centres, root first.
        root, tip: radius at the root and at the tip.
        nail: where the nail sits, seen from the finger's middle (x, y); None where it is hidden.
    """

    joints: Sequence[Point]
    root: float
    tip: float
    nail: tuple[float, float] | None = None

    def bodies(self) -> list[Capsule]:
        """The round cones between the joints."""
        radii = [float(r) for r in np.linspace(self.root, self.tip, len(self.joints))]
        ends = zip(self.joints, self.joints[1:], radii, radii[1:], strict=False)
        return [Capsule(*end) for end in ends]


def paint_hand(
    picture: Picture, portrait: Portrait, palm: Sequence[Capsule], fingers: Sequence[Finger],
    seed: int,
) -> None:  # fmt: skip
    """Draw a hand over a picture, with its shadow on what lies behind.

    Args:
        picture: what is drawn on.
        portrait: gives the colour of the skin.
        palm: bodies that melt together.
        fingers: back to front is settled by their z.
        seed: of the skin's texture.
    """
    bodies = [*palm, *(body for finger in fingers for body in finger.bodies())]
    picture = picture.around([end[:2] for b in bodies for end in (b.start, b.end)], _MARGIN)
    relief = Relief(picture.area)
    for part in palm:
        relief.add(part, blend=7)
    for finger in fingers:
        for body in finger.bodies():
            relief.add(body, blend=1.2)
    alpha = coverage(relief.distance, 0.35)
    picture.shadow(alpha, portrait.person(picture.area))
    brightness, gloss = relief.shade()
    brightness *= 1 + 0.018 * noise(picture.shape, 0.5, seed) + 0.02 * noise(picture.shape, 4, seed)
    redness = 0.025 * noise(picture.shape, 5, seed + 1)
    for finger in fingers:
        _redden(picture, finger, redness)
        _fold(picture, finger, brightness)
    colour = skin_colour(portrait.skin, brightness, redness)
    for finger in fingers:
        if finger.nail is not None:
            _nail(picture, finger, finger.nail, colour, brightness)
    colour += 0.10 * gloss[..., None]
    picture.paint(alpha, np.clip(colour, 0, 1))


def skin_colour(colour: Colour, brightness: np.ndarray, redness: np.ndarray) -> np.ndarray:
    """(h, w, 3) skin under light: shadows turn red, as light does that went through skin."""
    shade = np.maximum(brightness, 0.02)
    result = np.empty((*shade.shape, 3), np.float32)
    for i, (power, red) in enumerate(((1.35, -0.9), (1.15, -0.6), (0.85, 0.25))):
        result[..., i] = colour[i] * cv2.pow(shade, power) * (1 + red * redness)
    return result


def _redden(picture: Picture, finger: Finger, redness: np.ndarray) -> None:
    """Knuckles and fingertips are redder."""
    for x, y, _ in finger.joints[1:]:
        part = picture.near(x, y, 12)
        d2 = (picture.x[:, part[1]] - x) ** 2 + (picture.y[part[0]] - y) ** 2
        redness[part] += 0.06 * np.exp(-d2 / 32)


def _fold(picture: Picture, finger: Finger, brightness: np.ndarray) -> None:
    """Faint folds across every joint between the root and the tip."""
    joints = finger.joints
    for before, (x, y, _), after in zip(joints, joints[1:], joints[2:], strict=False):
        part = picture.near(x, y, 9)
        u, v = picture.along((x, y), (after[0] - before[0], after[1] - before[1]), part)
        fade = np.exp(-((v / 3.5) ** 2) - (u / 4) ** 2)
        for at in (-1.3, 0.2, 1.5):
            brightness[part] *= 1 - 0.10 * fade * np.exp(-(((u - at + 0.02 * v * v) / 0.35) ** 2))


def _nail(
    picture: Picture, finger: Finger, side: tuple[float, float], colour: np.ndarray,
    brightness: np.ndarray,
) -> None:  # fmt: skip
    """A pale pink nail near the tip."""
    (x0, y0, _), (x1, y1, _) = finger.joints[-2], finger.joints[-1]
    part = picture.near(x1, y1, 2 * finger.tip + 3)
    centre = (x1 + side[0] * finger.tip * 0.35, y1 + side[1] * finger.tip * 0.35)
    u, v = picture.along(centre, (x1 - x0, y1 - y0), part)
    long, wide = finger.tip * 0.85, finger.tip * 0.62
    u = u - 0.9
    distance = wide * (((np.abs(u) / long) ** 2.6 + (np.abs(v) / wide) ** 2.6) ** (1 / 2.6) - 1)
    shine = 0.16 * np.exp(-2 * ((u - 0.5) / long) ** 2 - 6 * ((v + 0.9) / wide) ** 2)
    pink = np.array(_NAIL, np.float32) * brightness[part][..., None] + shine[..., None]
    colour[part] *= 1 - 0.12 * coverage(np.abs(distance) - 0.3, 0.4)[..., None]
    colour[part] += 0.75 * coverage(distance, 0.4)[..., None] * (pink - colour[part])


def paint_sleeve(
    picture: Picture, portrait: Portrait, wrist: tuple[float, float], elbow: tuple[float, float],
    radius: float, seed: int,
) -> None:  # fmt: skip
    """Draw a sleeve of the suit over a wrist, down to an elbow below the frame."""
    picture = picture.around([wrist, elbow], radius + _MARGIN)
    relief = Relief(picture.area)
    relief.add(Capsule((*wrist, 0), (*elbow, 0), radius, radius * 1.35, 0.8))
    u, v = picture.along(wrist, (elbow[0] - wrist[0], elbow[1] - wrist[1]))
    u = u + 5 * np.sqrt(np.maximum(1 - (v / (radius + 2)) ** 2, 0))  # the hem is a circle
    relief.distance = np.maximum(relief.distance, -u)
    relief.height += 0.9 * noise(picture.shape, 6, seed) * np.clip(u / 12, 0, 1)
    alpha = coverage(relief.distance, 0.35)
    picture.shadow(alpha, portrait.person(picture.area))
    brightness, _ = relief.shade(crease=0.6)
    seam = np.exp(-(((u - 9) / 0.7) ** 2)) + 0.7 * np.exp(-((u / 0.9) ** 2))
    stitches = 0.5 * np.exp(-(((u - 11) / 0.5) ** 2)) * (np.sin(2.2 * v) > 0)
    brightness = brightness * (1.05 - 0.25 * seam - 0.2 * stitches)
    cloth = np.concatenate([portrait.cloth, portrait.cloth[::-1]])  # mirrored, so that it repeats
    flat = cloth / (cv2.blur(cloth, (1, 61), borderType=cv2.BORDER_REFLECT) + 1e-3)
    cloth = flat * cloth.mean(axis=(0, 1))
    texture = cv2.remap(cloth, v + cloth.shape[1] / 2, u, cv2.INTER_LINEAR,
                        borderMode=cv2.BORDER_REFLECT)  # fmt: skip
    shade = np.maximum(brightness, 0.02)[..., None] ** np.array((1.4, 1.3, 0.95), np.float32)
    picture.paint(alpha, np.clip(1.06 * texture * shade, 0, 1))
