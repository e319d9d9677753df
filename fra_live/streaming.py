"""Any source through a recognizer, as one loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fra_live.pool import RecognizerPool, recognize_all
from fra_live.recognizer import Recognizer
from fra_live.results import FrameResult


def stream(
    source: str | int | Path, recognizer: Recognizer | RecognizerPool, *, explain: bool = False
) -> Iterator[tuple[np.ndarray, FrameResult]]:
    """Recognize every frame of a source.

    Args:
        source: camera index, video file, image, folder, glob, or rtsp/http URL. Files give every
            frame; cameras and streams the newest.
        recognizer: made by `fra_live.load`, or by `fra_live.load_pool` for several at a time.
        explain: keep the method's inside in each result.

    Yields:
        (H, W, 3) uint8 BGR and its `FrameResult`.

    Raises:
        SourceError: the source cannot be opened or read.
    """
    from fra_live.video.sources import open_source

    with open_source(source) as frames:
        for frame, result in recognize_all(recognizer, frames, explain=explain):
            yield frame.image, result
