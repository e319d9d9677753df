"""Which backend runs a bundle here: the one asked for, or the best that works.

Whatever a GPU backend lacks (a GPU, a driver, a package, memory, an operator), the next one is
taken and the announcement says why: a demonstration goes on.
"""

from __future__ import annotations

import logging

from fra_live.errors import EngineError, FraLiveError
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.engine import EngineChoice
from fra_live.runtime.gpu import find_gpu
from fra_live.runtime.torch_backend import need_torch

logger = logging.getLogger(__name__)


def open_backend(
    backend: str, bundle: Bundle, precision: str = "auto", threads: int = 0, on_gpu: bool = False
) -> EngineChoice:
    """Open one backend.

    Args:
        backend: "tensorrt", "torch" or "openvino".
        bundle: a checked bundle.
        precision: "auto" or one that it computes in.
        threads: CPU threads; 0 leaves it to the backend.
        on_gpu: torch is wanted on a GPU only.

    Raises:
        EngineError: it cannot run the networks here.
        MissingExtraError: it is not installed.
    """
    # Each is imported when it is asked for: torch alone takes longer than a start may.
    if backend == "tensorrt":
        need_torch()  # it holds the tensors that TensorRT works on
        from fra_live.runtime.tensorrt_backend import open_tensorrt

        return _choice(backend, *open_tensorrt(bundle, precision))
    if backend == "torch":
        from fra_live.runtime.torch_backend import open_torch

        return _choice(backend, *open_torch(bundle, precision, threads, need_gpu=on_gpu))
    from fra_live.runtime.openvino import open_networks

    return _choice(backend, *open_networks(bundle, precision, threads))


def open_best(bundle: Bundle, precision: str = "auto", threads: int = 0) -> EngineChoice:
    """Open the first of tensorrt, torch on a GPU, and openvino that works.

    Raises:
        EngineError: OpenVINO cannot run the networks either.
    """
    obstacles: list[str] = []
    try:
        find_gpu()
        candidates = ["tensorrt", "torch"]
    except EngineError as error:
        obstacles.append(_clause(error))
        candidates = []
    for backend in candidates:
        try:
            return _explained(open_backend(backend, bundle, precision, threads, on_gpu=True),
                              obstacles)  # fmt: skip
        except FraLiveError as error:
            obstacles.append(f"not {backend}: {_clause(error)}")
        except Exception as error:  # a library of another version may raise anything
            logger.debug("%s failed", backend, exc_info=True)
            obstacles.append(f"not {backend}: {type(error).__name__}, {_clause(error)}")
    try:
        return _explained(open_backend("openvino", bundle, precision, threads), obstacles)
    except EngineError as error:
        raise EngineError(f"{'; '.join([_clause(error), *obstacles])}.") from error


def _choice(backend: str, coarse: object, fine: object, precision: str, why: str) -> EngineChoice:
    return EngineChoice(coarse, fine, backend, precision, why)  # type: ignore[arg-type]


def _explained(choice: EngineChoice, obstacles: list[str]) -> EngineChoice:
    reason = "; ".join([choice.reason, *obstacles])
    return EngineChoice(choice.coarse, choice.fine, choice.backend, choice.precision, reason)


def _clause(error: Exception) -> str:
    """An error's sentence as part of a longer one."""
    return " ".join(str(error).split()).rstrip(".").removeprefix("There is ")
