"""Labels near objects: inside the frame, clear of each other and of the panels where possible."""

from __future__ import annotations

from fra_live.live.drawing import Canvas, Colour, Rect
from fra_live.live.lettering import MEDIUM
from fra_live.results import Box


def draw_label(
    canvas: Canvas, text: str, box: Box, colour: Colour, taken: list[Rect], weight: int = MEDIUM
) -> Rect | None:
    """Draw a label beside a box.

    Args:
        canvas: to draw on.
        text: one line; shortened where the frame is narrower.
        box: what is labelled, frame px.
        colour: of the flag at the label's left.
        taken: rectangles to keep clear of; the label's own is added.
        weight: of the type.

    Returns:
        The rectangle it took, inside the frame; None where not even one letter fits.
    """
    s = canvas.sizes
    flag, pad = max(3, s.gap // 2), max(3, round(0.8 * s.gap))
    text = canvas.letters.fit(text, s.text, weight, canvas.width - flag - 2 * pad - 2)
    width = flag + 2 * pad + canvas.letters.width(text, s.text, weight)
    height = round(1.5 * s.text)
    if not text or height > canvas.height:
        return None
    rect = place(width, height, box, (canvas.height, canvas.width), taken, s.gap)
    taken.append(rect)
    x, y = rect[:2]
    canvas.panel(rect, 0.74)
    canvas.block((x, y, flag, height), colour)
    canvas.text(text, (x + flag + pad, y + round(1.1 * s.text)), s.text, weight, halo=False)
    return rect


def place(
    width: int, height: int, box: Box, frame: tuple[int, int], taken: list[Rect], gap: int
) -> Rect:
    """Where a label of a size goes.

    Args:
        width: of the label, px.
        height: of the label, px.
        box: what is labelled, frame px.
        frame: (H, W) px, at least as large as the label.
        taken: rectangles to keep clear of.
        gap: distance from the box, px.

    Returns:
        A rectangle inside the frame: the first of the places round the box (above first) that is
        free, else the nearest free one beside what is in the way, else the one that covers least.
    """
    x0, y0, x1, y1 = (round(v) for v in box)
    middle = (y0 + y1 - height) // 2
    places = [
        (x0, y0 - gap - height),
        (x1 - width, y0 - gap - height),
        (x0, y1 + gap),
        (x1 - width, y1 + gap),
        (x1 + gap, middle),
        (x0 - gap - width, middle),
        (x1 + gap, y0),
        (x0 - gap - width, y0),
        (x0 - gap - width, y0 - gap - height),
        (x1 + gap, y1 + gap),
        (x0, y0 - 2 * gap - 2 * height),
        (x0, y1 + 2 * gap + height),
    ]
    around = [
        place
        for x, y, w, h in taken
        for place in ((x0, y - gap - height), (x0, y + h + gap), (x + w + gap, middle),
                      (x - gap - width, middle), (x + w + gap, y + h - height))
    ]  # fmt: skip
    around.sort(key=lambda p: abs(p[0] - x0) + abs(p[1] - y0))
    own: Rect = (x0, y0, x1 - x0, y1 - y0)
    best: tuple[float, Rect] | None = None
    for x, y in places + around:
        x = max(0, min(x, frame[1] - width))
        y = max(0, min(y, frame[0] - height))
        rect = (x, y, width, height)
        # Covering the object itself is bad, covering another label or a panel is worse.
        cost = 4.0 * sum(_common(rect, other) for other in taken) + _common(rect, own)
        if best is None or cost < best[0]:
            best = (cost, rect)
        if cost == 0:
            break
    assert best is not None
    return best[1]


def _common(a: Rect, b: Rect) -> int:
    """Area that two rectangles share, px²."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height)
