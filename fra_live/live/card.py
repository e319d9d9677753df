"""What the window shows while there is no picture: a title and sentences on a dark ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fra_live.labels import BACKGROUND, LabelSet
from fra_live.live.drawing import INK, MUTED, Canvas, Tools
from fra_live.live.lettering import BOLD, REGULAR

_GROUND = (32, 28, 26)  # blue, green, red
_NO_LABELS = LabelSet((BACKGROUND,), (), {})


def draw_card(title: str, lines: Sequence[str], size: tuple[int, int] = (480, 640)) -> np.ndarray:
    """Draw a card.

    Args:
        title: the first line, in large type.
        lines: sentences, broken where they are too long; a tab counts as a space.
        size: (H, W) in px.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    canvas = Canvas(np.full((*size, 3), _GROUND, np.uint8), Tools(_NO_LABELS))
    s, letters = canvas.sizes, canvas.letters
    left, room = 4 * s.gap, canvas.width - 8 * s.gap
    rows = [row for line in lines for row in _broken(canvas, line.replace("\t", "  "), room)]
    step = round(1.6 * s.text)
    y = max(s.large, (canvas.height - step * (len(rows) + 1)) // 2)
    title = letters.fit(title, s.large, BOLD, room)
    canvas.text(title, (left, y), s.large, BOLD, INK, halo=False)
    y += round(0.4 * step)
    for row in rows:
        y += step
        canvas.text(row, (left, y), s.text, REGULAR, MUTED, halo=False)
    return canvas.image


def _broken(canvas: Canvas, text: str, room: int) -> list[str]:
    """The text in rows of at most `room` px; single words that are wider are cut."""
    rows: list[str] = []
    row = ""
    for word in text.split():
        longer = f"{row} {word}".strip()
        if row and canvas.letters.width(longer, canvas.sizes.text) > room:
            rows.append(row)
            longer = word
        row = longer
    rows.append(row)
    return [canvas.letters.fit(r, canvas.sizes.text, REGULAR, room) for r in rows]
