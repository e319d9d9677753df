"""Real small videos, made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation

SIZE = (48, 64)  # (H, W)
ACCURATE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND


def _numbered(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    image = np.full((*size, 3), 40 + 4 * (index % 50), np.uint8)
    image[: size[0] // 4, : size[1] // 4] = (0, 0, 255)
    return image


@pytest.fixture
def numbered() -> Callable[..., np.ndarray]:
    """A frame that tells its number by a grey level, and which way is up by a red corner."""
    return _numbered


@pytest.fixture
def number_of() -> Callable[[np.ndarray], int]:
    """What `numbered` put into a frame, after lossy coding."""

    def read(image: np.ndarray) -> int:
        middle = image[image.shape[0] * 3 // 8 : image.shape[0] * 5 // 8]
        level = float(middle[:, image.shape[1] * 3 // 8 : image.shape[1] * 5 // 8].mean())
        return round((level - 40) / 4)

    return read


class _Sound:
    def __init__(self, container: Any, codec: str, rate: int, layout: str) -> None:
        self.container, self.rate, self.layout, self.done = container, rate, layout, 0
        self.stream = container.add_stream(codec, rate=rate)
        self.stream.codec_context.layout = layout

    def write(self, until_s: float) -> None:
        while self.done / self.rate < until_s:
            samples = np.arange(self.done, self.done + 960)
            wave = (0.3 * np.sin(samples * 0.05)).astype(np.float32)
            planes = np.tile(wave, (self.stream.codec_context.channels, 1))
            frame = av.AudioFrame.from_ndarray(planes, "fltp", self.layout)
            frame.sample_rate, frame.pts = self.rate, self.done
            frame.time_base = Fraction(1, self.rate)
            self.done += 960
            self.container.mux(self.stream.encode(frame))

    def finish(self) -> None:
        self.container.mux(self.stream.encode(None))


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """Makes a video of `numbered` frames."""

    def make(
        name: str = "clip.mp4",
        *,
        frames: int = 20,
        rate: Fraction | int = 25,
        pts: Sequence[int] | None = None,
        time_base: Fraction | None = None,
        size: tuple[int, int] = SIZE,
        codec: str = "libx264",
        pixels: str = "yuv420p",
        sound: str | None = None,
        sound_rate: int = 16_000,
        layout: str = "mono",
        rotation: float | None = None,
        mirrored: bool = False,
        aspect: Fraction | None = None,
        b_frames: int = 2,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", container_options=options or {}) as container:
            extra = {"time_base": time_base} if time_base else {}
            video: Any = container.add_stream(
                codec, rate=rate, width=size[1], height=size[0], **extra
            )
            video.pix_fmt = pixels
            video.gop_size = 10
            if codec in ("libx264", "mpeg4"):
                video.codec_context.max_b_frames = b_frames
            if codec == "libx264":
                video.options = {"crf": "5"}
            if aspect:
                video.codec_context.sample_aspect_ratio = aspect
            if rotation is not None:
                video.set_display_rotation(rotation, hflip=mirrored)
            audio = _Sound(container, sound, sound_rate, layout) if sound else None
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray(_numbered(index, size), "bgr24")
                frame = frame.reformat(format=pixels, interpolation=ACCURATE)
                frame.pts = index if pts is None else pts[index]
                if time_base:
                    frame.time_base = time_base
                container.mux(video.encode(frame))
                if audio:
                    audio.write((index + 1) / float(rate))
            container.mux(video.encode(None))
            if audio:
                audio.finish()
        return path

    return make
