"""The clip's sound: a quiet chord that swells slowly."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from fra_live.errors import SinkError

RATE = 48000
_BLOCK = 1024  # samples of an AAC frame
_CHORD_HZ = (196.0, 293.66, 392.0)


def tone(duration_s: float) -> np.ndarray:
    """(N,) float32 samples in -1..1 at `RATE`, about -30 dB, fading in and out over a second."""
    t = np.arange(round(duration_s * RATE)) / RATE
    voices = [
        np.sin(2 * np.pi * hz * t) * (0.6 + 0.4 * np.sin(2 * np.pi * t / (5 + i) + i))
        for i, hz in enumerate(_CHORD_HZ)
    ]
    fade = np.clip(np.minimum(t, duration_s - t), 0, 1)
    return np.asarray(0.016 * fade * np.sum(voices, axis=0), np.float32)


def write_tone(path: Path, duration_s: float) -> None:
    """Write the tone as AAC in MP4.

    Raises:
        SinkError: the file cannot be written.
    """
    samples = tone(duration_s)
    try:
        with av.open(str(path), "w", format="mp4") as container:
            stream = container.add_stream("aac", rate=RATE, layout="mono")
            for start in range(0, len(samples), _BLOCK):
                block = np.ascontiguousarray(samples[None, start : start + _BLOCK])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (OSError, av.FFmpegError) as error:
        raise SinkError(f"{path} cannot be written: {error}.") from error
