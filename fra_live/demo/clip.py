"""The demo clip as a file: 30 s of H.264 with sound, and what truly happens in it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from fra_live.demo.scene import DEMO_ACTIONS, DURATION_S, RATE, SIZE, Scene, TrueAction
from fra_live.demo.sound import write_tone
from fra_live.video.sinks import VideoSink

Progress = Callable[[int, int], None]


def compose_clip(path: Path, progress: Progress | None = None) -> list[TrueAction]:
    """Draw the demo clip; the same pictures every time.

    Args:
        path: the file to write, .mp4.
        progress: called with the frames done and the frames in all.

    Returns:
        What the clip shows, and when.

    Raises:
        MissingExtraError: scikit-image, which brings the portrait, is not installed.
        SinkError: the file cannot be written.
    """
    scene = Scene()
    count = round(DURATION_S * RATE)
    with tempfile.TemporaryDirectory(prefix="fra-live-demo-") as folder:
        sound = Path(folder) / "tone.m4a"
        write_tone(sound, DURATION_S)
        with VideoSink(path, SIZE, Fraction(RATE), source=sound) as sink:
            for index in range(count):
                sink.write(scene.frame(index), index / RATE)
                if progress is not None:
                    progress(index + 1, count)
    return list(DEMO_ACTIONS)
