"""Type on frames: measuring, drawing, and the dark halo that keeps it readable on any picture.

OpenCV 5 draws its built-in TrueType face; OpenCV 4 has stroke fonts only, which stand in there.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

REGULAR, MEDIUM, BOLD = 400, 500, 650
_CACHE = 512  # measured strings and halos kept; both are small


class Lettering:
    """A type face and what was measured with it; belongs to one thread."""

    def __init__(self) -> None:
        face = getattr(cv2, "FontFace", None)
        self._face: Any = face("sans") if face is not None else None
        self._widths: dict[tuple[str, int, int], int] = {}
        self._halos: dict[tuple[str, int, int], np.ndarray] = {}

    def width(self, text: str, size: int, weight: int = REGULAR) -> int:
        """Width of a line in px.

        Args:
            text: one line.
            size: of the type in px.
            weight: 100 (thin) to 900 (black).
        """
        key = (text, size, weight)
        if key not in self._widths:
            if len(self._widths) >= _CACHE:
                self._widths.clear()
            if self._face is not None:
                # The right edge, not the width: the box starts at the first letter's bearing.
                box = cv2.getTextSize((0, 0), text, (0, 0), self._face, size, weight)
                self._widths[key] = int(box[0] + box[2])
            else:
                scale, stroke = _stroke(size, weight)
                box, _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
                self._widths[key] = int(box[0])
        return self._widths[key]

    def fit(self, text: str, size: int, weight: int, room: int) -> str:
        """The text, shortened with … where it is wider than `room` px; "" where nothing fits."""
        if self.width(text, size, weight) <= room:
            return text
        dots = "..." if self._face is None else "…"
        low, high = 0, len(text)  # the longest start that fits
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle].rstrip() + dots, size, weight) <= room:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + dots if low else ""

    def draw(
        self,
        image: np.ndarray,
        text: str,
        at: tuple[int, int],
        size: int,
        weight: int = REGULAR,
        colour: tuple[int, int, int] = (255, 255, 255),
    ) -> None:
        """Draw a line of text on the image itself.

        Args:
            image: (H, W, 3) uint8 BGR.
            text: one line.
            at: x of the left edge and y of the baseline, px.
            size: of the type in px.
            weight: 100 to 900.
            colour: blue, green, red.
        """
        if self._face is not None:
            # A wrap range beyond the picture: type that reaches over the edge is cut, not wrapped.
            cv2.putText(image, text, at, colour, self._face, size, weight, wrap=(0, 1 << 20))
        else:
            scale, stroke = _stroke(size, weight)
            cv2.putText(
                image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, stroke, cv2.LINE_AA
            )

    def halo(self, text: str, size: int, weight: int) -> tuple[np.ndarray, int, int]:
        """What darkens the picture round a line of text.

        Returns:
            (h, w, 3) uint8 factors, 255 leaves a pixel as it is; and the x and y in it of the
            text's left edge and baseline.
        """
        reach = max(2, round(size * 0.28))
        key = (text, size, weight)
        if key not in self._halos:
            if len(self._halos) >= _CACHE:
                self._halos.clear()
            width = self.width(text, size, weight) + 2 * reach
            ink = np.zeros((round(size * 1.3) + 2 * reach, width, 3), np.uint8)
            self.draw(ink, text, (reach, reach + size), size, weight)
            round_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach | 1, reach | 1))
            soft = cv2.GaussianBlur(cv2.dilate(ink, round_brush), (0, 0), reach / 2.5)
            self._halos[key] = cv2.bitwise_not(cv2.convertScaleAbs(soft, alpha=0.85))
        return self._halos[key], reach, reach + size


def _stroke(size: int, weight: int) -> tuple[float, int]:
    """OpenCV 4's scale and line thickness for a type of `size` px."""
    return size / 30, max(1, round(size * weight / 8000))
