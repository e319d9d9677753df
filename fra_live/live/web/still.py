"""An uploaded image: what was found in it, and the method's steps side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fra_live.errors import SourceError
from fra_live.live.method_view import MethodView
from fra_live.live.overlay import Overlay, OverlayOptions
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.results import FrameResult
from fra_live.video.headers import declared_size
from fra_live.video.images import read_image
from fra_live.video.threads import Stalled, in_time

_SHOWN_SIDE = 1600  # px: more would only make the page slow
_PANEL_HEIGHT = 480
_MIN_SIDE = 16
_MAX_PIXELS = 50_000_000  # several visitors' pictures are decoded at a time
_PATIENCE_S = 20.0
_HEAD = 1_000_000  # bytes; the size stands before any pixels

STEPS = (
    ("Coarse map", "Net_coarse looks at the whole picture and says what each place may be."),
    ("Windows", "Round its strongest places and the faces, windows are cut out and enlarged."),
    ("Fine map", "Net_fine looks at the windows; their answers are averaged into one map."),
    ("Ranked candidates", "Regions of both maps, ranked by their context; the best ones count."),
)  # fmt: skip


@dataclass(frozen=True)
class Still:
    """What was found in an image.

    Attributes:
        annotated: (H, W, 3) uint8 BGR.
        steps: a (h, w, 3) uint8 BGR panel for each of `STEPS`.
        sheet: all steps in a row, (h, 4·w + gaps, 3) uint8 BGR.
        result: the figures.
    """

    annotated: np.ndarray
    steps: tuple[np.ndarray, ...]
    sheet: np.ndarray
    result: FrameResult


def annotate_still(
    path: Path, name: str, recognizer: SharedRecognizer, options: OverlayOptions
) -> Still:
    """Recognize an uploaded image.

    Args:
        path: the upload.
        name: what the visitor calls it; the server's own path is told nowhere.
        recognizer: of the session.
        options: what is drawn.

    Raises:
        SourceError: it is no image, or too small or too large.
    """
    _check_size(path, name)
    try:
        image = in_time(lambda: read_image(path), _PATIENCE_S)
    except Stalled:
        raise SourceError(f"{name} cannot be read in time; save it anew as JPEG.") from None
    except SourceError as error:
        raise SourceError(str(error).replace(str(path), name)) from error
    if min(image.shape[:2]) < _MIN_SIDE:
        size = f"{image.shape[1]}×{image.shape[0]}"
        raise SourceError(f"{name} has {size} px; at least {_MIN_SIDE} a side are needed.")
    scale = _SHOWN_SIDE / max(image.shape[:2])
    if scale < 1:
        shown = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, shown, interpolation=cv2.INTER_AREA)
    result = recognizer(image, explain=True)
    annotated = Overlay(recognizer.labels, options).draw(image, result)
    sheet = MethodView(recognizer.labels).sheet(image, result, _PANEL_HEIGHT)
    return Still(annotated, _panels(sheet), sheet, result)


def _check_size(path: Path, name: str) -> None:
    with path.open("rb") as file:
        size = declared_size(file.read(_HEAD))
    if size is not None and size[0] * size[1] > _MAX_PIXELS:
        raise SourceError(
            f"{name} has {size[1]:,}×{size[0]:,} px; this page takes at most"
            f" {_MAX_PIXELS // 10**6} million px: make it smaller."
        )


def _panels(sheet: np.ndarray) -> tuple[np.ndarray, ...]:
    """The panels of a sheet, which lie in a row with white gaps between."""
    gap = max(2, sheet.shape[0] // 60)
    width = (sheet.shape[1] - gap * (len(STEPS) - 1)) // len(STEPS)
    return tuple(
        np.ascontiguousarray(sheet[:, i * (width + gap) : i * (width + gap) + width])
        for i in range(len(STEPS))
    )
