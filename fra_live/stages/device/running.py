"""Frames of one size through the method: up, through all stages, and the packed result down.

On a CUDA device each stage is captured once as a CUDA graph of its own. All of them share one
memory pool and are replayed one after the other, with a timing event between: so the host starts
ten things a frame instead of many hundreds, and the time of each stage is still known.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fra_live.errors import EngineError
from fra_live.stages.device.method import LAST_STAGE, Frame, Method
from fra_live.stages.device.packing import Found, pack, unpack

logger = logging.getLogger(__name__)

_BEFORE_CAPTURE = 2  # libraries choose their kernels and take their memory in the first runs


@dataclass(frozen=True)
class Outcome:
    """What one frame gave.

    Attributes:
        found: on the host.
        frame: all of it, on the device; valid until the runner's next frame.
        stages_ms: name of a stage → milliseconds.
    """

    found: Found
    frame: Frame
    stages_ms: dict[str, float]


class Runner:
    """Runs a method; belongs to one thread at a time.

    Attributes:
        method: that it runs.
        graphs: whether CUDA graphs are used: on CUDA devices, unless a stage cannot be captured.
        runs: how many frames it has run.
    """

    def __init__(self, method: Method, device: torch.device):
        self.method, self._device = method, device
        self.graphs = device.type == "cuda"
        # TensorRT waits for the whole device on the default stream.
        self._stream: torch.cuda.Stream | None = None
        if self.graphs:
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.runs = 0
        shape = (*method.frame, 3)
        self._upload = torch.empty(shape, dtype=torch.uint8, pin_memory=self.graphs)
        self._image = torch.empty(shape, dtype=torch.uint8, device=device)
        self._captured: tuple[list[tuple[str, Callable[[], None]]], Frame, Tensor] | None = None
        self._download = torch.empty(0, dtype=torch.uint8)

    def __call__(self, image: np.ndarray) -> Outcome:
        """Run one frame.

        Args:
            image: (H, W, 3) uint8 BGR of the method's size, in any memory order.

        Raises:
            RuntimeError: torch or the device failed.
        """
        with torch.inference_mode():
            self._upload.numpy()[...] = image
            if self._stream is not None:
                with torch.cuda.stream(self._stream):
                    return self._on_cuda(self._stream)
            self._image.copy_(self._upload)
            clock = _Clock()
            frame, packed = self._eager(clock)
            self.runs += 1
            return self._outcome(frame, packed, clock.stages_ms())

    def _on_cuda(self, stream: torch.cuda.Stream) -> Outcome:
        clock = _CudaClock()
        self._image.copy_(self._upload, non_blocking=True)
        clock("upload")
        if self.graphs and self._captured is None and self.runs >= _BEFORE_CAPTURE:
            stream.synchronize()
            self._capture()
        if self._captured is None:
            frame, packed = self._eager(clock)
        else:
            stages, frame, packed = self._captured
            for name, replay in stages:
                replay()
                clock(name)
        self.runs += 1
        if self._download.numel() != packed.numel():
            self._download = torch.empty_like(packed, device="cpu", pin_memory=True)
        self._download.copy_(packed, non_blocking=True)
        clock("download")
        return self._outcome(frame, self._download, clock.stages_ms())

    def _eager(self, clock: Callable[[str], None]) -> tuple[Frame, Tensor]:
        frame: Frame | None = None
        for step in self.method.steps(self._image):
            if isinstance(step, Frame):
                frame = step
                packed = pack(step)
            clock(step if isinstance(step, str) else LAST_STAGE)
        assert frame is not None
        return frame, packed

    def _capture(self) -> None:
        """Capture each stage; leaves all as it is where that fails."""
        pool = torch.cuda.graph_pool_handle()
        steps = self.method.steps(self._image)
        stages: list[tuple[str, Callable[[], None]]] = []
        try:
            while True:
                graph = torch.cuda.CUDAGraph()
                # Other threads may use the device meanwhile: another camera, another page.
                with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                    step = next(steps)
                    packed = pack(step) if isinstance(step, Frame) else None
                name = step if isinstance(step, str) else LAST_STAGE
                stages.append((name, graph.replay))
                if isinstance(step, Frame) and packed is not None:
                    self._captured = (stages, step, packed)
                    return
        except (RuntimeError, EngineError) as error:
            self.graphs = False
            said = str(error).strip().splitlines()[0]
            logger.warning("Frames of %s run without CUDA graphs: %s", self.method.frame, said)

    def _outcome(self, frame: Frame, packed: Tensor, stages_ms: dict[str, float]) -> Outcome:
        slots = len(frame.kept.valid), len(frame.parts.valid)
        # A copy, for the next frame comes down to the same place.
        return Outcome(unpack(packed.numpy().copy(), self.method, slots), frame, stages_ms)


class _Clock:
    """Milliseconds between calls, on the host."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._times = [time.perf_counter()]

    def __call__(self, name: str) -> None:
        self._names.append(name)
        self._times.append(time.perf_counter())

    def stages_ms(self) -> dict[str, float]:
        """Name → ms, in the order of the calls."""
        spans = zip(self._names, self._times[:-1], self._times[1:], strict=True)
        return {name: 1000 * (end - start) for name, start, end in spans}


class _CudaClock:
    """The same on the device's current stream."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._events = [self._event()]

    def _event(self) -> torch.cuda.Event:
        # Blocking: the thread that waits for the device sleeps.
        event: torch.cuda.Event
        event = torch.cuda.Event(enable_timing=True, blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def __call__(self, name: str) -> None:
        self._names.append(name)
        self._events.append(self._event())

    def stages_ms(self) -> dict[str, float]:
        """Wait for the device; name → ms, in the order of the calls."""
        self._events[-1].synchronize()
        spans = zip(self._names, self._events[:-1], self._events[1:], strict=True)
        return {name: start.elapsed_time(end) for name, start, end in spans}
