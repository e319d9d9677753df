"""A sheet for one image, after the paper's Figure 4: coarse and fine maps, windows, candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fra_live.evaluation.figures import (
    Colour,
    candidate_crop,
    fitted,
    heat,
    outlined,
    prediction,
)
from fra_live.labels import LabelSet
from fra_live.live.hud import spoken
from fra_live.live.lettering import BOLD, MEDIUM, REGULAR, Lettering
from fra_live.results import Box, Candidate, FrameResult

INK: Colour = (34, 30, 28)
MUTED: Colour = (128, 122, 118)
FAINT: Colour = (228, 224, 220)

MARGIN, GAP = 36, 14
PHOTO = (560, 600)  # px that the photo may take, across and down
CELL = (272, 300)  # px that a map may take
LEAST_CELL = 170  # px that a map's caption needs
COLUMNS = 4
LISTED = 5  # ranked candidates in words
THUMBNAIL = 68  # px


class _Sheet:
    """White paper to draw on; it grows downwards as far as it is used."""

    def __init__(self, width: int) -> None:
        self.paper = np.full((400, width, 3), 255, np.uint8)
        self.used = 0
        self._letters = Lettering()

    def _reach(self, bottom: int) -> None:
        self.used = max(self.used, bottom)
        while self.paper.shape[0] < self.used + MARGIN:
            self.paper = np.concatenate([self.paper, np.full_like(self.paper, 255)])

    def text(
        self, text: str, x: int, y: int, size: int, weight: int = REGULAR, colour: Colour = INK
    ) -> int:
        """A line with its left edge and baseline at x, y; returns its width."""
        self._reach(y + size // 3)
        self._letters.draw(self.paper, text, (x, y), size, weight, colour)
        return self._letters.width(text, size, weight)

    def right(
        self, text: str, x: int, y: int, size: int, weight: int = REGULAR, colour: Colour = INK
    ) -> None:
        """A line that ends at x."""
        self.text(text, x - self._letters.width(text, size, weight), y, size, weight, colour)

    def fit(self, text: str, size: int, weight: int, room: int) -> str:
        """The text, shortened where it is wider than `room` px."""
        return self._letters.fit(text, size, weight, room)

    def picture(self, picture: np.ndarray, x: int, y: int) -> None:
        """A picture with its upper left corner at x, y."""
        height, width = picture.shape[:2]
        self._reach(y + height)
        self.paper[y : y + height, x : x + width] = picture

    def bar(self, x: int, y: int, width: int, height: int, share: float, colour: Colour) -> None:
        """A meter filled to `share`, its upper left corner at x, y."""
        self._reach(y + height)
        self.paper[y : y + height, x : x + width] = FAINT
        self.paper[y : y + height, x : x + round(width * min(max(share, 0), 1))] = colour

    def block(self, x: int, y: int, width: int, height: int, colour: Colour) -> None:
        """A filled rectangle."""
        self._reach(y + height)
        self.paper[y : y + height, x : x + width] = colour

    def trimmed(self) -> np.ndarray:
        """The paper as far as it was used, and a margin."""
        return self.paper[: self.used + MARGIN]


def explanation_sheet(
    image: np.ndarray, result: FrameResult, labels: LabelSet, title: str = ""
) -> np.ndarray:
    """One sheet: the photo, the actions, the ranked candidates; coarse and fine maps beside it.

    Args:
        image: (H, W, 3) uint8 BGR.
        result: of the image, with its explanation.
        labels: names and colours.
        title: written above, such as the file's name.

    Returns:
        (h, w, 3) uint8 BGR, about 1,800 px wide.
    """
    inside = result.explanation
    if inside is None:
        raise ValueError("The result holds no explanation; ask the recognizer for explain=True.")
    photo, cell = fitted(image, *PHOTO), fitted(image, *CELL)
    column = max(photo.shape[1], 420)
    left = MARGIN + column + 3 * GAP
    pitch = max(cell.shape[1], LEAST_CELL) + GAP
    sheet = _Sheet(left + COLUMNS * pitch - GAP + MARGIN)
    name, probability = result.best_action
    verdict = f"{spoken(name)}  {probability:.2f}" if result.action == name else "No action"
    sheet.right(verdict, sheet.paper.shape[1] - MARGIN, MARGIN + 24, 26, BOLD)
    sheet.text(sheet.fit(title, 26, BOLD, 2 * column), MARGIN, MARGIN + 24, 26, BOLD)
    top = MARGIN + 56

    sheet.picture(outlined(photo, result, labels), MARGIN, top)
    bottom = _actions(sheet, result, labels, top + photo.shape[0] + 44, column)
    _candidates(sheet, image, inside.candidates, result.candidates, labels, bottom + 40, column)

    scale = cell.shape[1] / image.shape[1]
    windows = [
        (x0 * scale, y0 * scale, x1 * scale, y1 * scale) for x0, y0, x1, y1 in inside.windows
    ]
    count = f"{len(windows)} window" + ("s" if len(windows) != 1 else "")
    maps = (
        ("Coarse", "the whole picture at once; figures are maxima", inside.coarse_probabilities),
        ("Fine", f"{count}, enlarged and averaged", inside.fine_probabilities),
    )
    for heading, subtitle, probabilities in maps:
        width = sheet.text(heading, left, top + 18, 22, BOLD)
        sheet.text(subtitle, left + width + 12, top + 18, 16, REGULAR, MUTED)
        shown = windows if heading == "Fine" else []
        top = _maps(sheet, cell, probabilities, labels, shown, left, top + 34) + 26
    return sheet.trimmed()


def _actions(sheet: _Sheet, result: FrameResult, labels: LabelSet, y: int, width: int) -> int:
    """Bars of the actions' probabilities; returns the y below them."""
    sheet.text("Actions", MARGIN, y, 22, BOLD)
    note = f"threshold {result.threshold:.2f}"
    sheet.right(note, MARGIN + width, y, 15, REGULAR, MUTED)
    start = MARGIN + 170
    room = width - 170 - 60
    raised = result.action
    y += 14
    for action, probability in result.actions.items():
        known = labels.actions.get(action)
        weight = BOLD if action == raised else REGULAR
        sheet.text(sheet.fit(spoken(action), 17, weight, 160), MARGIN, y + 20, 17, weight)
        sheet.bar(start, y + 8, room, 13, probability, labels.colour(known) if known else MUTED)
        if known:
            sheet.block(start + round(room * result.threshold), y + 4, 2, 21, INK)
        sheet.right(f"{probability:.2f}", MARGIN + width, y + 20, 17, weight)
        y += 30
    return y


def _candidates(
    sheet: _Sheet,
    image: np.ndarray,
    ranked: Sequence[Candidate],
    kept: Sequence[Candidate],
    labels: LabelSet,
    y: int,
    width: int,
) -> None:
    """The best candidates with their scores; the kept ones by their numbers, others in grey."""
    sheet.text("Candidates", MARGIN, y, 22, BOLD)
    if not ranked:
        sheet.text("No region looks like an object.", MARGIN, y + 36, 17, REGULAR, MUTED)
        return
    note = f"{len(ranked)} in all, {len(kept)} kept" if len(ranked) > len(kept) else "all kept"
    sheet.right(note, MARGIN + width, y, 15, REGULAR, MUTED)
    y += 16
    for rank, candidate in _listed(ranked, kept):
        ink, weight = (INK, MEDIUM) if rank else (MUTED, REGULAR)
        sheet.text(str(rank or "–"), MARGIN, y + THUMBNAIL // 2 + 6, 17, weight, ink)
        crop = candidate_crop(image, candidate, labels, THUMBNAIL)
        sheet.picture(crop, MARGIN + 24, y)
        x = MARGIN + 24 + THUMBNAIL + GAP
        sheet.block(x, y + 12, 14, 14, labels.colour(candidate.label))
        sheet.text(spoken(candidate.label), x + 22, y + 25, 17, weight, ink)
        note = f"probability {candidate.probability:.2f}"
        sheet.right(note, MARGIN + width, y + 25, 15, REGULAR, MUTED)
        room = MARGIN + width - 60 - x
        colour = labels.colour(candidate.label) if rank else MUTED
        sheet.bar(x, y + 41, room, 13, candidate.score, colour)
        sheet.right(f"{candidate.score:.2f}", MARGIN + width, y + 54, 17, weight, ink)
        y += THUMBNAIL + 12


def _listed(ranked: Sequence[Candidate], kept: Sequence[Candidate]) -> list[tuple[int, Candidate]]:
    """All kept candidates with their numbers and the best of the others with 0, best first.

    The kept ones need not be the first: what shows the same as a better one is passed over.
    """
    numbers = {(c.label, c.box_xyxy, c.score): rank for rank, c in enumerate(kept, 1)}
    pairs = [(numbers.get((c.label, c.box_xyxy, c.score), 0), c) for c in ranked]
    room = max(0, LISTED - len(kept))
    others = [candidate for rank, candidate in pairs if not rank][:room]
    return [(rank, c) for rank, c in pairs if rank or any(c is other for other in others)]


def _maps(
    sheet: _Sheet,
    cell: np.ndarray,
    probabilities: np.ndarray,
    labels: LabelSet,
    windows: Sequence[Box],
    left: int,
    top: int,
) -> int:
    """The prediction and one map a label, in rows; returns the y below them."""
    height, width = cell.shape[0], max(cell.shape[1], LEAST_CELL)
    pictures = [prediction(cell, probabilities, labels, windows)]
    pictures += [heat(cell, channel) for channel in probabilities[1:]]
    for index, picture in enumerate(pictures):
        x = left + (index % COLUMNS) * (width + GAP)
        y = top + (index // COLUMNS) * (height + 34)
        sheet.picture(picture, x, y)
        baseline = y + height + 19
        if index == 0:
            caption = "Most probable" + (", windows" if windows else " label")
            caption = sheet.fit(caption, 15, REGULAR, width)
            sheet.text(caption, x, baseline, 15, REGULAR, MUTED)
            continue
        name = labels.names[index]
        sheet.block(x, baseline - 12, 13, 13, labels.colour(name))
        sheet.text(sheet.fit(spoken(name), 15, MEDIUM, width - 70), x + 20, baseline, 15, MEDIUM)
        strongest = f"{float(probabilities[index].max()):.2f}"
        sheet.right(strongest, x + width, baseline, 15, REGULAR, MUTED)
    rows = (len(pictures) + COLUMNS - 1) // COLUMNS
    return int(top + rows * (height + 34))
