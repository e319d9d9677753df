"""A recognized frame as a picture: placed, drawn on, and never waiting for what it lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

import numpy as np

from fra_live.live.frames import LiveFrame
from fra_live.live.overlay import Hud, Overlay
from fra_live.live.placing import Placing


class Look(TypedDict, total=False):
    """How a frame is shown.

    Attributes:
        mirror: exchange left and right.
        room: (H, W) px in which it will be seen: a larger frame is reduced first, which is quicker
            than to draw on all of it, and leaves the type sharp. None keeps the frame's own size.
        hud: running figures.
    """

    mirror: bool
    room: tuple[int, int] | None
    hud: Hud | None


def draw_frame(
    overlay: Overlay, frame: LiveFrame, *, tracked: bool, **how: Unpack[Look]
) -> np.ndarray:
    """Draw a frame.

    Args:
        overlay: draws it.
        frame: left as it is.
        tracked: somebody tracks its events; else the frame alone tells what goes on.
        how: see `Look`.

    Returns:
        (h, w, 3) uint8 BGR.
    """
    placing = Placing.within(frame.result.frame, how.get("room"), how.get("mirror", False))
    image, result = placing.image(frame.image), placing.result(frame.result)
    active = placing.events(frame.active_events) if tracked else None
    wanted = overlay.options
    if overlay.needs_explanation and result.explanation is None:
        # Recognized before the view was chosen: the next frame will have one.
        overlay.options = replace(wanted, view=1)
    try:
        return overlay.draw(image, result, active, how.get("hud"), keep=image is frame.image)
    finally:
        overlay.options = wanted
