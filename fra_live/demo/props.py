"""The five action objects, drawn in coordinates along and across their own axis."""

from __future__ import annotations

import math

import numpy as np

from fra_live.demo.portrait import Portrait
from fra_live.demo.relief import Colour, Picture, coverage, noise

_Place = tuple[float, float]


def _lit(light: np.ndarray, colour: Colour) -> np.ndarray:
    """(h, w, 3): a colour under (h, w) light."""
    return np.asarray(np.clip(light[..., None] * np.array(colour, np.float32), 0, 1))


def _bump(values: np.ndarray, at: float, width: float) -> np.ndarray:
    return np.exp(-(((values - at) / width) ** 2))


def _around(picture: Picture, origin: _Place, direction: _Place, length: float) -> Picture:
    """The part of a picture that an object of a length reaches, its shadow included."""
    share = length / math.hypot(*direction)
    end = (origin[0] + share * direction[0], origin[1] + share * direction[1])
    return picture.around((origin, end), 50)


def paint_cup(picture: Picture, portrait: Portrait, rim: _Place, down: _Place) -> None:
    """A paper cup with a blue band, its rim at the mouth and its bottom towards the viewer.

    Args:
        picture: what is drawn on.
        portrait: says where shadows fall.
        rim: centre of the rim, portrait px.
        down: direction from the rim to the bottom.
    """
    picture = _around(picture, rim, down, 66)
    u, v = picture.along(rim, down)
    length, top, bottom = 66.0, 29.0, 21.5
    half = top + (bottom - top) * np.clip(u / length, 0, 1)
    round_ = np.sqrt(np.maximum(1 - (v / half) ** 2, 0))
    side = np.maximum(np.abs(v) - half, np.maximum(-u - 3.5 * round_, u - length - 6.5 * round_))
    alpha = coverage(side)
    picture.shadow(alpha, portrait.person(picture.area))
    s = np.clip(v / half, -1, 1)
    light = 0.62 + 0.38 * np.clip(1 - ((s - 0.25) / 1.1) ** 2, 0, 1)
    light = (light - 0.25 * np.clip(-s - 0.4, 0, 1)) * (1 + 0.01 * noise(picture.shape, 1, 3))
    picture.paint(alpha, _lit(light, (0.93, 0.95, 0.97)))
    band = np.maximum(np.maximum(14 - u - 6.5 * round_, u - 46 - 6.5 * round_), side)
    picture.paint(0.95 * coverage(band), _lit(light, (0.62, 0.30, 0.08)))
    lip = np.maximum(np.abs(u + 3.5 * round_ - 1.3) - 1.5, np.abs(v) - half - 0.6)
    picture.paint(coverage(lip), _lit(light, (0.99, 1.0, 1.0)))
    for shrink, grey in ((0.0, (0.62, 0.66, 0.70)), (1.6, (0.52, 0.56, 0.60))):
        disc = ((u - length) / (6.5 - shrink * 0.8)) ** 2 + (v / (bottom - shrink)) ** 2 - 1
        picture.paint(coverage(5 * disc, 0.7), grey)


def paint_phone(picture: Picture, portrait: Portrait, top: _Place, down: _Place) -> None:
    """A dark smartphone, its back half turned to the viewer.

    Args:
        picture: what is drawn on.
        portrait: says where shadows fall.
        top: middle of its upper edge, portrait px.
        down: direction from the upper to the lower edge.
    """
    picture = _around(picture, top, down, 100)
    u, v = picture.along(top, down)
    length, half, corner = 88.0, 12.5, 7.0
    du, dv = np.abs(u - length / 2) - length / 2 + corner, np.abs(v) - half + corner
    box = np.hypot(np.maximum(du, 0), np.maximum(dv, 0)) + np.minimum(np.maximum(du, dv), 0)
    box -= corner
    alpha = coverage(box)
    picture.shadow(alpha, portrait.person(picture.area))
    picture.paint(alpha, (0.66, 0.65, 0.64))
    edge = alpha * np.clip(1 - np.abs(v - half + 1.6) / 1.2, 0, 1)
    picture.paint(0.8 * edge, (0.90, 0.89, 0.88))
    sheen = 0.09 + 0.12 * _bump(u - 0.9 * v, 26, 16) + 0.0004 * u
    back = np.maximum(box + 1.3, v - half + 4.0)
    picture.paint(coverage(back), _lit(sheen, (1.15, 1.05, 1.0)))


def paint_toothbrush(picture: Picture, portrait: Portrait, head: _Place, back: _Place) -> None:
    """A white and blue toothbrush, bristles up.

    Args:
        picture: what is drawn on.
        portrait: says where shadows fall.
        head: tip of the head, portrait px.
        back: direction from the head along the handle.
    """
    picture = _around(picture, head, back, 127)
    u, v = picture.along(head, back)
    stations, widths = (0, 4, 22, 30, 48, 60, 110, 126), (2.2, 3.4, 3.4, 1.8, 2.0, 3.6, 4.2, 3.2)
    width = np.interp(u, stations, widths).astype(np.float32)
    handle = coverage(np.maximum(np.abs(v) - width, np.maximum(-u, u - 127)))
    tufts = coverage(np.maximum(np.abs(v - 6.2) - 4.2, np.abs(u - 12.5) - 10.5))
    picture.shadow(np.maximum(handle, tufts), portrait.person(picture.area))
    comb = 0.86 + 0.12 * np.sin(2.6 * u) + 0.008 * v
    picture.paint(tufts, _lit(comb, (0.97, 0.97, 0.96)))
    picture.paint(tufts * coverage(np.abs(u - 12.5) - 4), _lit(comb, (0.92, 0.62, 0.25)))
    s = v / width
    light = 0.70 + 0.45 * _bump(s, 0.35, 0.5) - 0.2 * np.clip(-s, 0, 1)
    picture.paint(handle, _lit(light, (0.93, 0.93, 0.92)))
    for middle in (58, 108):
        picture.paint(handle * coverage(np.abs(u - middle) - 14), _lit(light, (0.78, 0.42, 0.08)))


def paint_cigarette(picture: Picture, portrait: Portrait, lips: _Place, out: _Place) -> None:
    """A cigarette with a cork filter and a glowing tip.

    Args:
        picture: what is drawn on.
        portrait: says where shadows fall.
        lips: its end in the mouth, portrait px.
        out: direction from there to the tip.
    """
    picture = _around(picture, lips, out, 64)
    u, v = picture.along(lips, out)
    length, half = CIGARETTE, 2.9
    alpha = coverage(np.maximum(np.abs(v) - half, np.maximum(-u, u - length)))
    picture.shadow(alpha, portrait.person(picture.area))
    light = 0.80 + 0.22 * np.sqrt(np.maximum(1 - ((v + 0.9) / 4.2) ** 2, 0))
    light = (light - 0.15 * np.clip(v / half, 0, 1)) * (1 - 0.25 * _bump(u, 17, 0.7))
    picture.paint(alpha, _lit(light, (0.95, 0.97, 0.98)))
    picture.paint(alpha * coverage(u - 17), _lit(light, (0.36, 0.60, 0.85)))
    ash = 0.45 + 0.15 * noise(picture.shape, 0.6, 44)
    picture.paint(alpha * np.clip((u - length + 6) / 1.5, 0, 1), _lit(ash, (1.0, 1.0, 1.0)))
    picture.paint(alpha * _bump(u, length - 5.5, 1.6), (0.10, 0.35, 1.0))
    picture.paint(0.25 * np.exp(-((u - length + 5) ** 2 + v**2) / 30), (0.15, 0.40, 1.0))


CIGARETTE = 64.0  # its length, portrait px


def paint_wand(picture: Picture, portrait: Portrait, centre: _Place, down: _Place) -> None:
    """A bubble wand: a ring with soap film on a stick.

    Args:
        picture: what is drawn on.
        portrait: says where shadows fall.
        centre: middle of the ring, portrait px.
        down: direction of the stick.
    """
    picture = _around(picture, centre, down, 104)
    u, v = picture.along(centre, down)
    outer, tube, stick = 18.5, 3.1, 2.7
    radius = np.hypot(u, v / 0.97)
    film = coverage(radius - outer)
    hue = 0.55 * radius / outer + 0.25 * noise(picture.shape, 7, 53) + 0.02 * u
    rainbow = np.stack([0.62 + 0.35 * np.cos(6.283 * (hue + p)) for p in (0.05, 0.38, 0.71)], -1)
    picture.paint(film * (0.10 + 0.18 * (radius / outer) ** 2), rainbow)
    picture.paint(0.55 * film * _bump(u, -8, 2.5) * _bump(v, -5, 5.0), (1.0, 1.0, 1.0))
    ring = np.abs(radius - outer) - tube
    rod = np.maximum(np.abs(v) - stick, np.maximum(outer - u, u - 84))
    alpha = coverage(np.minimum(ring, rod))
    picture.shadow(alpha, portrait.person(picture.area))
    across = np.where(ring < rod, (radius - outer) / tube, -v / stick)
    light = 0.72 + 0.4 * _bump(across, 0.35, 0.55)
    picture.paint(alpha, _lit(light, (0.12, 0.74, 0.93)))
