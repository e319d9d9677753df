"""What this machine computes at most: a large matrix product, in the precision of the networks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fra_live.errors import EngineError

_SIDE_CPU = 1536  # 9 MB a matrix in f32: beyond the caches, and a few hundredths of a second
_SIDE_GPU = 8192


def peak_flops(backend: str, precision: str, threads: int = 0, seconds: float = 1.0) -> float:
    """Best floating-point operations a second over several matrix products.

    Args:
        backend: what runs the networks; "tensorrt" and "torch" on a GPU are measured by torch.
        precision: "f32", "bf16", "f16"; "int8" is measured as f16 or, on a CPU, as f32.
        threads: CPU threads; 0 leaves it to the backend.
        seconds: for how long.

    Raises:
        EngineError: the product cannot be computed here.
    """
    if backend == "openvino":
        return _best(_openvino_product(precision, threads), _SIDE_CPU, seconds)
    product, side = _torch_product(precision, threads)
    return _best(product, side, seconds)


def _best(product: Callable[[], Any], side: int, seconds: float) -> float:
    """The quickest of the products counts: the others were disturbed by other work."""
    product()
    fastest, end = float("inf"), time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        product()
        now = time.perf_counter()
        fastest = min(fastest, now - start)
        if now >= end:
            return 2 * side**3 / fastest


def _openvino_product(precision: str, threads: int) -> Callable[[], Any]:
    import openvino as ov
    from openvino import opset13 as ops

    side = _SIDE_CPU
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((side, side), np.float32) for _ in range(2))
    data = ops.parameter([side, side], np.float32)
    model = ov.Model([ops.matmul(data, ops.constant(right), False, False)], [data], "product")
    config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    config["INFERENCE_PRECISION_HINT"] = precision if precision in ("bf16", "f16") else "f32"
    if threads:
        config["INFERENCE_NUM_THREADS"] = threads
    try:
        request = ov.Core().compile_model(model, "CPU", config).create_infer_request()
    except RuntimeError as error:
        raise EngineError(f"OpenVINO computes no {precision} product on this CPU.") from error
    return lambda: request.infer([left], share_inputs=True, share_outputs=True)


def _torch_product(precision: str, threads: int) -> tuple[Callable[[], Any], int]:
    try:
        import torch
    except (ImportError, OSError) as error:
        raise EngineError("The peak of this machine is measured by torch, which is not installed.") from error  # fmt: skip  # noqa: E501
    kinds = {"bf16": torch.bfloat16, "f16": torch.float16, "int8": torch.float16}
    on_gpu = torch.cuda.is_available()
    if not on_gpu:
        if threads:
            torch.set_num_threads(threads)
        kinds = {"bf16": torch.bfloat16}
    device, side = ("cuda", _SIDE_GPU) if on_gpu else ("cpu", _SIDE_CPU)
    a = torch.randn(side, side, device=device).to(kinds.get(precision, torch.float32))
    out = torch.empty_like(a)

    def product() -> None:
        torch.mm(a, a, out=out)
        if on_gpu:
            torch.cuda.synchronize()

    return product, side
