"""What Gradio's components send and take, as plain values.

Handlers run with `preprocess=False` and get these dictionaries: so an upload that is broken is told
in our own words. (Deriving own components is no way: Gradio writes files beside their source.)
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def upload_path(payload: Mapping[str, Any] | None) -> Path | None:
    """Path that a visitor names, see `Session.take`; None where there is none."""
    if payload and isinstance(payload.get("video"), Mapping):
        payload = payload["video"]
    path = (payload or {}).get("path")
    return Path(path) if isinstance(path, str) and path else None


def jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    """A (H, W, 3) uint8 BGR picture as a JPEG file."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def data_url(data: bytes) -> str:
    """A JPEG file as an address that holds it, so that it never lies on a disk."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
