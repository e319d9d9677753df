"""The engine protocol: a compiled network, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fra_live.errors import EngineError
from fra_live.runtime.bundle import Bundle

BACKENDS = ("openvino",)


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


@dataclass(frozen=True)
class EngineChoice:
    """The engines of a bundle and why they run as they do.

    Attributes:
        coarse, fine: the two networks.
        backend: "openvino", …
        precision: "f32", "bf16", …
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
    """Compile both networks for this machine.

    Args:
        bundle: a checked bundle.
        backend: "auto" or one of `BACKENDS`.
        precision: "auto" takes the fastest that the bundle's figures were measured at.
        threads: CPU threads for the networks; 0 leaves it to the backend.

    Raises:
        EngineError: the backend is unknown or cannot run the networks here.
    """
    if backend not in ("auto", *BACKENDS):
        raise EngineError(f"There is no engine '{backend}'; there are auto, {', '.join(BACKENDS)}.")
    from fra_live.runtime.openvino import open_networks

    coarse, fine, chosen, reason = open_networks(bundle, precision, threads)
    return EngineChoice(coarse, fine, "openvino", chosen, reason)
