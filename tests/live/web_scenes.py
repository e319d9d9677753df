"""Pictures and clips of drawn people, as a browser sends them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2

from fra_live.video.sinks import VideoSink
from tests.tiny import scene


def jpeg(action: str, seed: int = 3) -> bytes:
    image, _ = scene(action, (120, 160), seed)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()


def clip(path: Path, seconds: float = 3.0) -> Path:
    with VideoSink(path, (120, 160), Fraction(10)) as sink:
        for index in range(round(seconds * 10)):
            image, _ = scene("drinking" if index > 5 else "none", (120, 160), 3)
            sink.write(image, index / 10)
    return path
