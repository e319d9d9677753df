"""One annotated image: what is outlined in it, and its label map."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from fra_live.labels import LabelSet

IGNORE = 255  # value of label maps where nothing is known


@dataclass(frozen=True)
class Region:
    """One outlined thing.

    Attributes:
        label: its name; "" for an ignored region of no label.
        polygons: list of (N, 2) float32 arrays of x, y in image px.
        box_xyxy: x0, y0, x1, y1 in image px.
        ignore: its pixels are to be left out.
    """

    label: str
    polygons: tuple[np.ndarray, ...]
    box_xyxy: tuple[float, float, float, float]
    ignore: bool = False


@dataclass(frozen=True)
class Sample:
    """One image with what is known about it.

    Attributes:
        path: the image file.
        height, width: its size in px, as the annotation says.
        action: the action's name, "none", or None where unknown.
        annotated: the labels that were looked for; others may be present undrawn.
        regions: outlines, in the file's order.
    """

    path: Path
    height: int
    width: int
    action: str | None
    annotated: frozenset[str]
    regions: tuple[Region, ...] = field(repr=False)

    def boxes(self, label: str) -> list[tuple[float, float, float, float]]:
        """Boxes of the regions of one label, ignored ones left out."""
        return [r.box_xyxy for r in self.regions if r.label == label and not r.ignore]

    def label_map(self, labels: LabelSet, height: int, width: int) -> np.ndarray:
        """Draw the regions: face first, then hands, then objects, so that objects win.

        Returns:
            (height, width) uint8 of channel indices; `IGNORE` where `ignore` is set.
        """
        canvas = np.zeros((height, width), np.uint8)
        scale = np.array([width / self.width, height / self.height], np.float32)
        shift = 4  # sub-pixel bits of fillPoly
        order = sorted(
            (r for r in self.regions if r.ignore or r.label in labels.names),
            key=lambda r: -1 if r.ignore else labels.index(r.label),
        )
        for region in order:
            value = IGNORE if region.ignore else labels.index(region.label)
            points = [
                np.round((polygon * scale - 0.5) * (1 << shift)).astype(np.int32)
                for polygon in region.polygons
            ]
            cv2.fillPoly(canvas, points, value, shift=shift)
        return canvas
