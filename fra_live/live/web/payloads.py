"""What Gradio's components send and take, as plain values.

Handlers run with `preprocess=False` and get these dictionaries: so camera pictures are decoded
once, by us, and an upload that is broken is told in our own words. (Deriving own components is no
way: Gradio writes files beside their source.)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

_MAX_CHARACTERS = 12_000_000  # of an encoded camera picture


def camera_bytes(payload: Mapping[str, Any] | None) -> bytes:
    """The image file that a camera sends inside its message; empty where there is none."""
    url = (payload or {}).get("url") or ""
    if not isinstance(url, str) or not url.startswith("data:image/") or len(url) > _MAX_CHARACTERS:
        return b""
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return b""


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


def picture(data: bytes) -> dict[str, Any]:
    """A JPEG file for an image component, past its `postprocess`."""
    return {"url": data_url(data), "orig_name": "annotated.jpg", "mime_type": "image/jpeg"}
