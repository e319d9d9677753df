"""Which precisions a backend is worth timing in on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fra_live.errors import EngineError
from fra_live.runtime import build, torch_backend
from fra_live.runtime.gpu import find_gpu


def offered_precisions(backend: str) -> dict[str, str | None]:
    """Precision → why it is not offered here, or None where it is worth trying.

    A CPU without bfloat16 arithmetic runs a network in f32 whatever it is told: its figures under
    another name would mislead.
    """
    if backend == "openvino":
        import openvino as ov
        from openvino import properties

        able = "BF16" in ov.Core().get_property("CPU", properties.device.capabilities)
        return {"f32": None, "bf16": None if able else "This CPU computes no bf16.", "int8": None}
    no_gpu = _no_gpu()
    if backend == "torch":  # f32 is there on a CPU, too
        return {p: None if p == "f32" else no_gpu for p in torch_backend.PRECISIONS}
    return dict.fromkeys(build.PRECISIONS, no_gpu)


def _no_gpu() -> str | None:
    """Why there is no GPU, or None where there is one."""
    try:
        find_gpu()
    except EngineError as error:
        return str(error)
    return None


def obstacles(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was not timed, a line for each reason.

    Args:
        rows: of the report's "engines", those that were timed among them.

    Returns:
        As "tensorrt (f16, int8), torch (f16): There is no NVIDIA GPU here."
    """
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if "obstacle" in row:
            engines = found.setdefault(row["obstacle"], {})
            engines.setdefault(row["backend"], []).append(row["precision"])
    return [
        ", ".join(f"{backend} ({', '.join(each)})" for backend, each in engines.items())
        + f": {reason}"
        for reason, engines in found.items()
    ]
