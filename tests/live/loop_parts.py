"""Stand-ins for the loop's tests: a camera of a known rate and a recognizer of a known delay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fra_live.labels import LabelSet
from fra_live.live.loop import LiveFrame, LiveLoop
from fra_live.results import BodyPart, Candidate, FrameResult, Person
from fra_live.video.base import Frame, Source

LABELS = LabelSet(
    ("background", "face", "hand", "drink", "phone"),
    ("face", "hand"),
    {"drinking": "drink", "phoning": "phone"},
)


def make_result(
    image: np.ndarray, timestamp_s: float = 0.0, drinking: float = 0.1, threshold: float = 0.5
) -> FrameResult:
    """A person on the left with a cup, for any frame."""
    h, w = image.shape[:2]
    face, cup = (0.2 * w, 0.2 * h, 0.4 * w, 0.5 * h), (0.3 * w, 0.45 * h, 0.4 * w, 0.6 * h)
    actions = {"drinking": drinking, "phoning": 0.0, "none": 1 - drinking}
    part = BodyPart("face", face, (_polygon(face),), 0.9)
    return FrameResult(
        frame=(h, w),
        actions=actions,
        scores=dict.fromkeys(LABELS.action_names, 0.0),
        threshold=threshold,
        candidates=(Candidate("drink", cup, (_polygon(cup),), 0.8, 0.9, 0),),
        people=(Person(part, actions),),
        hands=(BodyPart("hand", cup, (_polygon(cup),), 0.7),),
        stages_ms={"coarse": 8.0, "fine": 10.0},
        timestamp_s=timestamp_s,
    )


def _polygon(box: tuple[float, float, float, float]) -> np.ndarray:
    x0, y0, x1, y1 = box
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


class SlowRecognizer:
    """Takes `delay_s` for each frame and sees drinking between two times."""

    def __init__(
        self,
        delay_s: float = 0.0,
        drinking: tuple[float, float] = (0.0, 0.0),
        on_call: Callable[[int], None] | None = None,
    ) -> None:
        self.labels = LABELS
        self.threshold = 0.5
        self.delay_s, self.drinking, self.on_call = delay_s, drinking, on_call
        self.calls = 0
        self.threads: set[int] = set()
        self.explained = 0

    def __call__(
        self, image: np.ndarray, /, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        self.calls += 1
        self.threads.add(threading.get_ident())
        self.explained += explain
        if self.on_call is not None:
            self.on_call(self.calls)
        time.sleep(self.delay_s)
        start, end = self.drinking
        seen = 0.95 if start <= timestamp_s < end else 0.02
        return make_result(image, timestamp_s, seen, self.threshold)


class FakeCamera(Source):
    """Gives frames at its rate until it is closed, whether or not anybody takes them in time."""

    live = True

    def __init__(self, rate: float, size: tuple[int, int] = (48, 64)) -> None:
        self.name, self.rate, self.size = "camera 9", Fraction(rate), size
        self.closed = threading.Event()
        self.failure: Exception | None = None
        self.silent = False

    def __iter__(self) -> Iterator[Frame]:
        start = time.perf_counter()
        index = 0
        while True:
            if self.silent:
                self.closed.wait()
            due = start + index / float(self.rate or 1)
            if self.closed.wait(max(0.0, due - time.perf_counter())):
                return
            if self.failure is not None:
                raise self.failure
            image = np.full((*self.size, 3), index % 256, np.uint8)
            yield Frame(image, time.perf_counter() - start, index)
            now = int((time.perf_counter() - start) * float(self.rate or 1))
            index = max(index + 1, now)  # what nobody took is gone

    def close(self) -> None:
        self.closed.set()


@contextmanager
def calm() -> Iterator[None]:
    """Measures times: where an assertion fails while the machine was held up, it is skipped."""
    worst, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            start = time.perf_counter()
            time.sleep(0.002)
            worst[0] = max(worst[0], time.perf_counter() - start - 0.002)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except AssertionError:
        if worst[0] > 0.012:
            pytest.skip(f"the machine was held up for {1000 * worst[0]:.0f} ms: no times today")
        raise
    finally:
        done.set()
        watcher.join()


def write_clip(path: Path, frames: int, rate: int = 30, size: tuple[int, int] = (48, 64)) -> Path:
    """A small H.264 clip whose frames differ in brightness."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        for i in range(frames):
            image = np.full((*size, 3), 16 + 2 * i % 200, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def decode(path: Path) -> list[av.VideoFrame]:
    """All frames of a video."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def loop_threads() -> list[str]:
    """The loop's threads that are alive."""
    return [t.name for t in threading.enumerate() if t.name in ("capture", "recognition")]


def take(loop: LiveLoop, count: int, display_s: float = 0.0) -> list[LiveFrame]:
    """Show frames, each for so long."""
    frames = []
    while len(frames) < count and (frame := loop.get(timeout_s=5)) is not None:
        time.sleep(display_s)
        loop.shown(frame)
        frames.append(frame)
    return frames
