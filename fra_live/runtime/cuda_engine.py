"""A network on a CUDA device behind the engine protocol, whoever computes it.

Frames go up through pinned memory, and only the small results come down. Once a shape has run
twice it is captured as a CUDA graph, so that the host has one thing to start instead of a hundred.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fra_live.errors import EngineError

logger = logging.getLogger(__name__)

Network = Callable[[Tensor], tuple[Tensor, ...]]

_BEFORE_CAPTURE = 2  # libraries choose their kernels and take their memory in the first runs
_MOST_SHAPES = 12  # a graph holds memory; a folder of photos has many shapes, a camera has one


@dataclass
class _Shape:
    """What is kept for one input shape."""

    runs: int = 0
    graph: torch.cuda.CUDAGraph | None = None
    images: Tensor | None = None
    outputs: tuple[Tensor, Tensor] | None = None
    host: tuple[Tensor, ...] = ()


class CudaEngine:
    """See `Engine`; belongs to one thread at a time.

    Args:
        network: images (N, H, W, 3) uint8 on the device to probabilities and action logits there;
            it must not wait for the device.
        name: of the file, for messages.
        device: as `torch.device("cuda", 0)`.
        graphs: capture CUDA graphs.
    """

    def __init__(
        self, network: Network, name: str, device: torch.device, graphs: bool = True
    ) -> None:
        self.device, self._network, self._name, self._graphs = device, network, name, graphs
        self._shapes: OrderedDict[tuple[int, ...], _Shape] = OrderedDict()
        # TensorRT waits for the whole device on the default stream.
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Engine.__call__`."""
        _check(images.shape, images.dtype == np.uint8, self._name)
        try:
            with torch.inference_mode(), torch.cuda.stream(self._stream):
                kept = self._kept(images.shape)
                if not kept.host:
                    kept.host = (torch.empty(images.shape, dtype=torch.uint8, pin_memory=True),)
                kept.host[0].numpy()[...] = images
                outputs = self._run(kept.host[0].to(self.device, non_blocking=True))
                if len(kept.host) == 1:
                    pinned = (torch.empty_like(o, device="cpu", pin_memory=True) for o in outputs)
                    kept.host = (kept.host[0], *pinned)
                for target, output in zip(kept.host[1:], outputs, strict=True):
                    target.copy_(output, non_blocking=True)
                self._stream.synchronize()
        except RuntimeError as error:
            raise self._failure(error, images.shape) from error
        return kept.host[1].numpy(), kept.host[2].numpy()

    def run_tensor(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run a batch that is on the device already, on torch's current stream; does not wait.

        Inside a CUDA graph that the caller captures, the network becomes a part of that graph.

        Args:
            images: (N, H, W, 3) uint8 BGR on `device`, contiguous.

        Returns:
            As `Engine.__call__`, as float32 tensors on the device, valid until the next call.

        Raises:
            EngineError: the backend failed.
        """
        _check(tuple(images.shape), images.dtype == torch.uint8, self._name)
        try:
            with torch.inference_mode():
                return self._run(images)
        except RuntimeError as error:
            raise self._failure(error, tuple(images.shape)) from error

    def prepare(self, shapes: Iterable[tuple[int, int, int]]) -> None:
        """Run each shape (N, H, W) until its graph is captured, so that no frame waits for it.

        Raises:
            EngineError: the backend failed, for example for lack of device memory.
        """
        for shape in shapes:
            blank = np.full((*shape, 3), 127, np.uint8)
            for _ in range(_BEFORE_CAPTURE + 2):
                self(blank)

    def _kept(self, shape: tuple[int, ...]) -> _Shape:
        kept = self._shapes.setdefault(shape, _Shape())
        self._shapes.move_to_end(shape)
        while len(self._shapes) > _MOST_SHAPES:
            self._shapes.popitem(last=False)
        return kept

    def _run(self, images: Tensor) -> tuple[Tensor, Tensor]:
        if not self._graphs or torch.cuda.is_current_stream_capturing():
            return self._direct(images)
        kept = self._kept(tuple(images.shape))
        kept.runs += 1
        if kept.graph is None and kept.runs == _BEFORE_CAPTURE + 1:
            self._capture(kept, images)
        if kept.graph is None or kept.images is None or kept.outputs is None:
            return self._direct(images)
        kept.images.copy_(images)
        kept.graph.replay()
        return kept.outputs

    def _direct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        probabilities, logits = self._network(images)
        return probabilities, logits

    def _capture(self, kept: _Shape, images: Tensor) -> None:
        graph, still = torch.cuda.CUDAGraph(), images.clone()
        try:
            # Other threads may use the device meanwhile: another camera, another page.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                outputs = self._direct(still)
        except (RuntimeError, EngineError) as error:
            self._graphs = False
            logger.warning("%s runs without a CUDA graph: %s", self._name, first_line(error))
            return
        kept.graph, kept.images, kept.outputs = graph, still, outputs

    def _failure(self, error: RuntimeError, shape: tuple[int, ...]) -> EngineError:
        if isinstance(error, torch.OutOfMemoryError):
            free, total = torch.cuda.mem_get_info(self.device)
            return EngineError(
                f"The GPU has too little free memory for {self._name} at {shape} "
                f"({free / 2**20:.0f} of {total / 2**20:.0f} MiB): close other programs or use "
                "--engine openvino."
            )
        return EngineError(f"{self._name} failed on the GPU at {shape}: {first_line(error)}.")


def _check(shape: tuple[int, ...], is_bytes: bool, name: str) -> None:
    if len(shape) != 4 or shape[3] != 3 or not is_bytes or 0 in shape:
        raise EngineError(f"{name} takes (N, H, W, 3) uint8, not {shape}.")


def first_line(error: BaseException) -> str:
    """The first line of what an error says, without its full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300].rstrip(".") if lines else type(error).__name__
