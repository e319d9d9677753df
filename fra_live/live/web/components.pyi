"""Gradio components that move pictures without files on the server's disk."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np
from gradio.data_classes import ImageData

_MAX_CHARACTERS = 12_000_000  # of an encoded camera picture

from gradio.events import Dependency

class CameraImage(gr.Image):  # type: ignore[misc, unused-ignore]
    """The browser's camera; the handler gets the picture as the bytes of an image file."""

    def preprocess(self, payload: ImageData | None) -> bytes:  # type: ignore[override, unused-ignore]
        """The bytes of the picture; empty where there is none."""
        url = "" if payload is None else payload.url or ""
        if not url.startswith("data:image/") or len(url) > _MAX_CHARACTERS:
            return b""
        try:
            return base64.b64decode(url.partition(",")[2], validate=True)
        except (binascii.Error, ValueError):
            return b""
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class PictureView(gr.Image):  # type: ignore[misc, unused-ignore]
    """A picture that is sent inside the answer; takes bytes of a JPEG, or a BGR array."""

    def postprocess(self, value: Any) -> ImageData | None:  # type: ignore[override, unused-ignore]
        """A data URL of the picture."""
        if value is None:
            return None
        if isinstance(value, np.ndarray):
            value = jpeg(value)
        return ImageData(url=data_url(value), orig_name="annotated.jpg", mime_type="image/jpeg")
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class UploadedImage(gr.Image):  # type: ignore[misc, unused-ignore]
    """An upload whose path the handler gets unopened, to say itself what is wrong with it."""

    def preprocess(self, payload: ImageData | None) -> Path | None:  # type: ignore[override, unused-ignore]
        """The upload's path, which Gradio has checked to be an upload."""
        return None if payload is None or not payload.path else Path(payload.path)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class UploadedVideo(gr.Video):  # type: ignore[misc, unused-ignore]
    """As `UploadedImage`, for a video: nothing is converted."""

    def preprocess(self, payload: Any) -> Path | None:
        """The upload's path, which Gradio has checked to be an upload."""
        return None if payload is None or not payload.path else Path(payload.path)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


def jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    """A (H, W, 3) uint8 BGR picture as a JPEG file."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def data_url(data: bytes) -> str:
    """A JPEG file as an address that holds it."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"