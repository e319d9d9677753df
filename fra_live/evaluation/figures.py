"""Pieces of pictures: maps over a photo, outlines, and an object weighted by its probability.

Each takes arrays and gives a new (h, w, 3) uint8 BGR picture; what is drawn on white sheets of
paper is put together in `fra_live.explain` and `fra_live.evaluation.report`.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fra_live.labels import BACKGROUND, LabelSet
from fra_live.live.hud import spoken
from fra_live.live.labelling import place
from fra_live.live.lettering import MEDIUM, Lettering
from fra_live.results import Box, Candidate, FrameResult
from fra_live.samples import Sample

Colour = tuple[int, int, int]  # blue, green, red
Rect = tuple[int, int, int, int]  # x, y, width, height in px

_RAMP = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_INFERNO)
_HEAT = _RAMP.reshape(256, 3).astype(np.float32)
_DIMMED = 0.5  # brightness of the grey photo below a map
_FULL = 0.5  # highest probability from which an object is shown in full light
_WHITE, _DARK = (255, 255, 255), (18, 18, 18)
_SHIFT = 4  # bits behind the binary point of line coordinates


def fitted(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture as large as fits into width x height px, its proportions kept."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how))


def _ground(image: np.ndarray) -> np.ndarray:
    grey = cv2.convertScaleAbs(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), alpha=_DIMMED)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.float32)


def heat(image: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """One channel over the photo: dark where it is 0, violet, orange, yellow towards 1.

    Args:
        image: (h, w, 3) uint8 BGR.
        probability: (h', w') float32 in 0..1, spanning the picture.
    """
    size = (image.shape[1], image.shape[0])
    large = np.clip(cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    colours = _HEAT[np.round(large * 255).astype(np.uint8)]
    cover = np.minimum(1, 2 * large)[..., None]
    drawn: np.ndarray = np.round(_ground(image) * (1 - cover) + colours * cover)
    return drawn.astype(np.uint8)


def prediction(
    image: np.ndarray, probabilities: np.ndarray, labels: LabelSet, windows: Sequence[Box] = ()
) -> np.ndarray:
    """The most probable label of each pixel in its colour over the photo, and numbered windows.

    Args:
        image: (h, w, 3) uint8 BGR.
        probabilities: (|L|, h', w') float32, spanning the picture.
        labels: names and colours of the channels.
        windows: boxes in px of `image`.
    """
    height, width = image.shape[:2]
    channels = np.ascontiguousarray(probabilities.transpose(1, 2, 0))
    large = cv2.resize(channels, (width, height), interpolation=cv2.INTER_LINEAR)
    best = large.reshape(height, width, -1).argmax(axis=2)
    colours = np.array([labels.colour(n) for n in labels.names], np.float32)[best]
    cover = 0.78 * (best != labels.index(BACKGROUND))[..., None]
    drawn = np.round(_ground(image) * (1 - cover) + colours * cover).astype(np.uint8)
    drawn, letters = np.ascontiguousarray(drawn), Lettering()
    for number, (x0, y0, x1, y1) in enumerate(windows, 1):
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        _lines(drawn, [corners], _WHITE, 1)
        x, y = min(max(0, round(x0)) + 3, width - 15), min(max(0, round(y0)) + 3, height - 17)
        _tag(drawn, str(number), (x, y), 12, letters)
    return drawn


def _lines(image: np.ndarray, polygons: Sequence[np.ndarray], colour: Colour, width: int) -> None:
    """Closed polygons with a dark edge, on the image itself."""
    points = [np.round(np.clip(p, -8e3, 8e3) * (1 << _SHIFT)).astype(np.int32) for p in polygons]
    cv2.polylines(image, points, True, _DARK, width + 2, cv2.LINE_AA, _SHIFT)
    cv2.polylines(image, points, True, colour, width, cv2.LINE_AA, _SHIFT)


def _tag(image: np.ndarray, text: str, at: tuple[int, int], size: int, letters: Lettering) -> None:
    """Light type on a dark patch, on the image itself; its upper left corner at x, y."""
    x, y = at
    right, bottom = x + letters.width(text, size, MEDIUM) + 8, y + round(1.5 * size)
    patch = image[max(y, 0) : bottom, max(x, 0) : right]
    patch[:] = cv2.addWeighted(patch, 0.25, np.full_like(patch, 18), 0.75, 0)
    letters.draw(image, text, (x + 4, y + round(1.1 * size)), size, MEDIUM)


def outlined(
    image: np.ndarray, result: FrameResult, labels: LabelSet, bare: bool = False
) -> np.ndarray:
    """The photo with the kept candidates, faces and hands outlined.

    Args:
        image: (h, w, 3) uint8 BGR, of any size; the result's px are scaled to it.
        result: of the photo.
        labels: colours.
        bare: draw the candidates alone, without faces, hands and words.
    """
    drawn = image.copy()
    scale = np.array([image.shape[1] / result.frame[1], image.shape[0] / result.frame[0]])
    parts = [] if bare else [*(person.face for person in result.people), *result.hands]
    for part in parts:
        _lines(drawn, [p * scale for p in part.outline], labels.colour(part.label), 1)
    ranked = list(enumerate(result.candidates, 1))
    for _, candidate in reversed(ranked):
        _lines(drawn, [p * scale for p in candidate.outline], labels.colour(candidate.label), 2)
    taken: list[Rect] = []
    letters = Lettering()
    for rank, candidate in () if bare else ranked:
        x0, y0, x1, y1 = (float(v) for v in np.array(candidate.box_xyxy) * np.tile(scale, 2))
        text = f"{rank}  {spoken(candidate.label)} {candidate.score:.2f}"
        width, height = letters.width(text, 15, MEDIUM) + 8, 23
        if width <= image.shape[1] and height <= image.shape[0]:
            frame = (image.shape[0], image.shape[1])
            taken.append(place(width, height, (x0, y0, x1, y1), frame, taken, 6))
            _tag(drawn, text, taken[-1][:2], 15, letters)
    return drawn


def add_truth(image: np.ndarray, sample: Sample, name: str) -> None:
    """Outline a label's annotated regions in white, on the image itself.

    Args:
        image: (h, w, 3) uint8 BGR, of any size.
        sample: what is annotated in it.
        name: the label.
    """
    scale = np.array([image.shape[1] / sample.width, image.shape[0] / sample.height])
    regions = [r for r in sample.regions if r.label == name and not r.ignore]
    _lines(image, [p * scale for r in regions for p in r.polygons], _WHITE, 1)


def square_round(box: Box, frame: tuple[int, int], scale: float, least: float = 0.0) -> Rect:
    """A square round a box, inside the frame as far as it fits.

    Args:
        box: x0, y0, x1, y1 in px.
        frame: (H, W) px.
        scale: its side in longer sides of the box.
        least: its side at least, px.

    Returns:
        x, y, width, height; whole px; narrower than a square only where the frame is.
    """
    side = max(scale * max(box[2] - box[0], box[3] - box[1]), least, 2.0)
    width, height = min(round(side), frame[1]), min(round(side), frame[0])
    x = round((box[0] + box[2]) / 2 - width / 2)
    y = round((box[1] + box[3]) / 2 - height / 2)
    return min(max(x, 0), frame[1] - width), min(max(y, 0), frame[0] - height), width, height


def candidate_crop(
    image: np.ndarray, candidate: Candidate, labels: LabelSet, side: int, scale: float = 2.0
) -> np.ndarray:
    """A candidate and its surroundings, outlined.

    Args:
        image: (H, W, 3) uint8 BGR, of the frame's own size.
        candidate: what to show.
        labels: colours.
        side: of the picture in px; it is a square.
        scale: side of the region shown in sides of the candidate's box.
    """
    frame = (image.shape[0], image.shape[1])
    x, y, w, h = square_round(candidate.box_xyxy, frame, scale, 0.12 * max(frame))
    crop = cv2.resize(image[y : y + h, x : x + w], (side, side), interpolation=cv2.INTER_CUBIC)
    factors = np.array([side / w, side / h])
    drawn = np.ascontiguousarray(crop)
    polygons = [(p - (x, y)) * factors for p in candidate.outline]
    _lines(drawn, polygons, labels.colour(candidate.label), max(1, side // 60))
    return drawn


def weighted_crop(
    image: np.ndarray, result: FrameResult, labels: LabelSet, candidate: Candidate, side: int
) -> np.ndarray:
    """An object weighted by its probability at each pixel, as in the paper's Figure 5.

    Args:
        image: (H, W, 3) uint8 BGR, of the frame's own size.
        result: of the photo, with its explanation.
        labels: names of the channels.
        candidate: whose box and label are shown.
        side: of the picture in px; it is a square.
    """
    assert result.explanation is not None, "ask the recognizer for explain=True"
    height, width = image.shape[:2]
    x, y, w, h = square_round(candidate.box_xyxy, (height, width), 1.5, 0.1 * max(height, width))
    channel = result.explanation.fine_probabilities[labels.index(candidate.label)]
    large = cv2.resize(channel, (width, height), interpolation=cv2.INTER_LINEAR)
    inside = large[y : y + h, x : x + w]
    # Hardly believed objects are lit up too, or nothing of them would be seen.
    inside = inside / min(max(float(inside.max()), 0.1), _FULL)
    weight = np.clip(0.18 + inside, 0, 1)[..., None]
    lit = np.round(image[y : y + h, x : x + w] * weight).astype(np.uint8)
    return np.asarray(cv2.resize(lit, (side, side), interpolation=cv2.INTER_CUBIC))
