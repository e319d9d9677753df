"""The engine protocol: a compiled network, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fra_live.errors import EngineError
from fra_live.runtime.bundle import Bundle

if TYPE_CHECKING:
    from torch import Tensor

BACKENDS = ("tensorrt", "torch", "openvino")  # fastest first


class Engine(Protocol):
    """One network ready to run; an engine belongs to one thread at a time."""

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run a batch.

        Args:
            images: (N, H, W, 3) uint8 BGR, C-contiguous, H and W multiples of 32.

        Returns:
            probabilities (N, |L|, H / s, W / s) float32, softmax over axis 1, and action logits
            (N, A + 1) float32. Both are valid until the next call.

        Raises:
            EngineError: the backend failed.
        """
        ...


class TensorEngine(Engine, Protocol):
    """An engine that also takes and gives torch tensors where they are; torch and tensorrt do."""

    def run_tensor(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run a batch on torch's current stream, without waiting for it.

        Args:
            images: (N, H, W, 3) uint8 BGR, contiguous, on the engine's device.

        Returns:
            As `Engine.__call__`, as float32 tensors on that device, valid until the next call.

        Raises:
            EngineError: the backend failed.
        """
        ...


@dataclass(frozen=True)
class EngineChoice:
    """The engines of a bundle and why they run as they do.

    Attributes:
        coarse, fine: the two networks.
        backend: "tensorrt", "torch" or "openvino".
        precision: "f16", "f32", "bf16", "int8".
        reason: one clause for the announcement: why this backend and precision.
    """

    coarse: Engine
    fine: Engine
    backend: str
    precision: str
    reason: str

    def __str__(self) -> str:
        return f"{self.backend}, {self.precision}: {self.reason}"


def open_engines(
    bundle: Bundle, backend: str = "auto", precision: str = "auto", threads: int = 0
) -> EngineChoice:
    """Make both networks ready for this machine.

    Args:
        bundle: a checked bundle.
        backend: one of `BACKENDS`, or "auto": the first of them that works, TensorRT and torch
            on an NVIDIA GPU only; the reason then says why not those before it.
        precision: "auto" takes the fastest that keeps the model's accuracy.
        threads: CPU threads for the networks; 0 leaves it to the backend.

    Raises:
        EngineError: the backend is unknown or cannot run the networks here.
        MissingExtraError: the backend asked for is not installed.
    """
    if backend not in ("auto", *BACKENDS):
        raise EngineError(f"There is no engine '{backend}'; there are auto, {', '.join(BACKENDS)}.")
    from fra_live.runtime.choose import open_backend, open_best

    if backend == "auto":
        return open_best(bundle, precision, threads)
    return open_backend(backend, bundle, precision, threads)
