"""The method made visible, as in the paper's Figure 4: coarse map, windows, fine map, candidates.

Each panel is the frame (or a smaller copy) with one step of the method on it.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from fra_live.labels import BACKGROUND, LabelSet
from fra_live.live.drawing import INK, MUTED, Canvas, Rect, Tools
from fra_live.live.hud import spoken
from fra_live.live.labelling import draw_label
from fra_live.live.lettering import MEDIUM
from fra_live.results import Box, Explanation, FrameResult

VIEWS = {1: "annotated", 2: "coarse map", 3: "windows", 4: "fine map", 5: "method"}

_LISTED = 6  # ranked candidates named in words
_DRAWN = 40  # ranked candidates drawn at all
_WINDOW = (150, 220, 255)


class MethodView:
    """Draws views 2 to 5.

    Args:
        labels: names and colours.
        tools: kept between frames, the overlay's own.
    """

    def __init__(self, labels: LabelSet, tools: Tools | None = None) -> None:
        self.labels = labels
        self._tools = tools or Tools(labels)
        self._steps: tuple[tuple[str, Callable[..., None]], ...] = (
            ("1  Coarse map, whole frame", self._coarse),
            ("2  Windows", self._windows),
            ("3  Fine map, from the windows", self._fine),
            ("4  Ranked candidates", self._candidates),
        )

    def draw(self, image: np.ndarray, result: FrameResult, view: int) -> np.ndarray:
        """One view in the frame's own size.

        Args:
            image: (H, W, 3) uint8 BGR; may be drawn on.
            result: of the image, with its explanation.
            view: 2 to 5, see `VIEWS`.

        Returns:
            (H, W, 3) uint8 BGR.
        """
        height, width = image.shape[:2]
        if result.explanation is None:
            canvas = Canvas(image, self._tools)
            self._caption(canvas, "No explanation in this result")
            return image
        if view != 5:
            title, step = self._steps[view - 2]
            return self._panel(image, result, step, title.split("  ", 1)[1])
        if height < 4 or width < 4:
            return image
        rows, columns = (height // 2, height - height // 2), (width // 2, width - width // 2)
        drawn = np.zeros_like(image)
        for index, (title, step) in enumerate(self._steps):
            h, w = rows[index // 2], columns[index % 2]
            y, x = (index // 2) * rows[0], (index % 2) * columns[0]
            small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
            drawn[y : y + h, x : x + w] = self._panel(small, result, step, title)
        seam = max(1, round(min(height, width) / 240))
        drawn[rows[0] - seam // 2 : rows[0] + (seam + 1) // 2] = 0
        drawn[:, columns[0] - seam // 2 : columns[0] + (seam + 1) // 2] = 0
        return drawn

    def sheet(self, image: np.ndarray, result: FrameResult, panel_height: int = 420) -> np.ndarray:
        """The four steps in a row, for a page or a print.

        Args:
            image: (H, W, 3) uint8 BGR; left as it is.
            result: of the image, with its explanation.
            panel_height: of each step, px.

        Returns:
            (panel_height, about 4·W·panel_height/H, 3) uint8 BGR.
        """
        width = max(1, round(image.shape[1] * panel_height / image.shape[0]))
        shrinks = panel_height < image.shape[0]
        small = cv2.resize(
            image,
            (width, panel_height),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC,
        )
        gap = np.full((panel_height, max(2, panel_height // 60), 3), 255, np.uint8)
        parts: list[np.ndarray] = []
        for title, step in self._steps:
            parts += [gap, self._panel(small.copy(), result, step, title)]
        return np.concatenate(parts[1:], axis=1)

    def _panel(
        self, image: np.ndarray, result: FrameResult, step: Callable[..., None], title: str
    ) -> np.ndarray:
        canvas = Canvas(image, self._tools)
        if result.explanation is not None:
            step(canvas, result, result.explanation)
        self._caption(canvas, title)
        return image

    def _caption(self, canvas: Canvas, title: str) -> None:
        s, letters = canvas.sizes, canvas.letters
        if not canvas.sizes.words:
            return
        title = letters.fit(title, s.text, MEDIUM, canvas.width - 4 * s.gap)
        width = letters.width(title, s.text, MEDIUM) + 2 * s.gap
        height = round(1.6 * s.text)
        x, y = canvas.width - width - s.gap, canvas.height - height - s.gap
        canvas.panel((x, y, width, height), 0.74)
        baseline = y + round(1.15 * s.text)
        canvas.text(title, (x + s.gap, baseline), s.text, MEDIUM, halo=False)

    def _coarse(self, canvas: Canvas, result: FrameResult, inside: Explanation) -> None:
        self._map(canvas, inside.coarse_probabilities)
        self._legend(canvas, inside.coarse_probabilities)

    def _fine(self, canvas: Canvas, result: FrameResult, inside: Explanation) -> None:
        self._map(canvas, inside.fine_probabilities)
        for box in inside.windows:
            canvas.box(_scaled(box, canvas, result), MUTED, bold=False)
        self._legend(canvas, inside.fine_probabilities)

    def _map(self, canvas: Canvas, probabilities: np.ndarray) -> None:
        """Lay a map's colours over a grey, dimmed picture."""
        colours = np.array([self.labels.colour(n) for n in self.labels.names], np.float32)
        weights = probabilities.astype(np.float32).copy()
        weights[self.labels.index(BACKGROUND)] = 0
        for part in self.labels.body_parts:  # the picture stays visible under faces and hands
            weights[self.labels.index(part)] *= 0.55
        weights *= 0.85
        cover = np.clip(weights.sum(axis=0), 0, 1)
        mixed = np.tensordot(np.moveaxis(weights, 0, -1), colours, axes=1)  # cover is in it
        size = (canvas.width, canvas.height)
        paint = cv2.resize(np.clip(mixed, 0, 255).astype(np.uint8), size)
        rest = cv2.resize(((1 - cover) * 255).astype(np.uint8), size)
        grey = cv2.convertScaleAbs(cv2.cvtColor(canvas.image, cv2.COLOR_BGR2GRAY), alpha=0.5)
        under = cv2.multiply(grey, rest, scale=1 / 255)
        canvas.image[:] = cv2.add(cv2.cvtColor(under, cv2.COLOR_GRAY2BGR), paint)

    def _legend(self, canvas: Canvas, probabilities: np.ndarray) -> None:
        """Names of the labels that are in the map, top right."""
        s, letters = canvas.sizes, canvas.letters
        strongest = probabilities.reshape(len(self.labels.names), -1).max(axis=1)
        names = [n for n, v in zip(self.labels.names, strongest, strict=True) if v > 0.25]
        names = [n for n in names if n != BACKGROUND]
        step = round(1.5 * s.small)
        if not names or not s.words or step * len(names) > 0.7 * canvas.height:
            return
        words = max(letters.width(spoken(n), s.small) for n in names)
        width = s.small + 3 * s.gap + words
        x, y = canvas.width - width - s.gap, s.gap
        canvas.panel((x, y, width, step * len(names) + s.gap), 0.6)
        y += s.gap // 2
        for name in names:
            side = round(0.8 * s.small)
            top = y + round(0.28 * s.small)
            canvas.block((x + s.gap, top, side, side), canvas.colour(name))
            at = (x + s.small + 2 * s.gap, y + round(1.05 * s.small))
            canvas.text(spoken(name), at, s.small, 400, INK, halo=False)
            y += step

    def _windows(self, canvas: Canvas, result: FrameResult, inside: Explanation) -> None:
        lit = canvas.image.copy()
        canvas.image[:] = cv2.convertScaleAbs(canvas.image, alpha=0.4)
        boxes = [_scaled(box, canvas, result) for box in inside.windows]
        for box in boxes:
            x0, y0, x1, y1 = (max(0, round(v)) for v in box)
            canvas.image[y0:y1, x0:x1] = lit[y0:y1, x0:x1]
        s = canvas.sizes
        for box in boxes:
            canvas.box(box, _WINDOW)
        if not s.words:
            return
        for number, (left, top, _, _) in enumerate(boxes, 1):
            x, y = max(0, round(left)) + s.gap, max(0, round(top)) + s.gap // 2 + s.large
            canvas.text(str(number), (min(x, canvas.width - s.large), y), s.large, MEDIUM)

    def _candidates(self, canvas: Canvas, result: FrameResult, inside: Explanation) -> None:
        s, kept = canvas.sizes, len(result.candidates)
        ranked = inside.candidates[:_DRAWN]
        for rank in reversed(range(len(ranked))):
            candidate = ranked[rank]
            scale = np.array(_factors(canvas, result), np.float32)
            polygons = [p * scale for p in candidate.outline]
            if rank < kept:
                colour = canvas.colour(candidate.label)
                canvas.tint(polygons, colour, 0.3)
                canvas.outline(polygons, colour)
            else:
                canvas.box(_scaled(candidate.box_xyxy, canvas, result), MUTED, bold=False)
        taken = self._ranking(canvas, [(c.label, c.score) for c in ranked], kept)
        if s.words:
            for rank, candidate in enumerate(ranked[:kept], 1):
                box = _scaled(candidate.box_xyxy, canvas, result)
                draw_label(canvas, str(rank), box, canvas.colour(candidate.label), taken)

    def _ranking(self, canvas: Canvas, ranked: list[tuple[str, float]], kept: int) -> list[Rect]:
        """The list of the best candidates with their scores, top right."""
        s, letters = canvas.sizes, canvas.letters
        step = round(1.5 * s.small)
        room = int((0.6 * canvas.height - s.gap) / step)
        rows = ranked[: min(_LISTED, room)]
        if not rows or not s.words:
            return []
        texts = [f"{rank}  {spoken(name)}" for rank, (name, _) in enumerate(rows, 1)]
        words = max(letters.width(t, s.small, MEDIUM) for t in texts)
        figure = letters.width("0.00", s.small)
        width = words + figure + 4 * s.gap
        x, y = canvas.width - width - s.gap, s.gap
        rect = (x, y, width, step * len(rows) + s.gap)
        canvas.panel(rect, 0.6)
        y += s.gap // 2
        for rank, (text, (_, score)) in enumerate(zip(texts, rows, strict=True)):
            colour, weight = (INK, MEDIUM) if rank < kept else (MUTED, 400)
            baseline = y + round(1.05 * s.small)
            canvas.text(text, (x + s.gap, baseline), s.small, weight, colour, halo=False)
            right = x + width - s.gap - figure
            canvas.text(f"{score:.2f}", (right, baseline), s.small, weight, colour, halo=False)
            y += step
        return [rect]


def _factors(canvas: Canvas, result: FrameResult) -> tuple[float, float]:
    """Panel px in a frame px, across and down."""
    return canvas.width / result.frame[1], canvas.height / result.frame[0]


def _scaled(box: Box, canvas: Canvas, result: FrameResult) -> Box:
    sx, sy = _factors(canvas, result)
    return box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy
