"""OpenVINO behind the engine protocol: the backend for CPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fra_live.errors import EngineError


def choose_precision(wanted: str = "auto") -> tuple[str, str]:
    """Pick the inference precision and say why.

    Args:
        wanted: "auto", "f32" or "bf16".

    Raises:
        EngineError: the precision is unknown.
    """
    import openvino as ov
    from openvino import properties

    if wanted in ("f32", "bf16"):
        return wanted, "as asked"
    if wanted != "auto":
        raise EngineError(f"OpenVINO runs in auto, f32 or bf16, not '{wanted}'.")
    capabilities = ov.Core().get_property("CPU", properties.device.capabilities)
    if "BF16" in capabilities:
        return "bf16", "this CPU computes bfloat16"
    return "f32", "this CPU has no bfloat16"


class OpenVINOEngine:
    """One network under OpenVINO; compiled once for each input shape that comes up."""

    def __init__(self, path: Path, precision: str, threads: int) -> None:
        import openvino as ov

        self._core = ov.Core()
        self._path = path
        try:
            self._model = self._core.read_model(path)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot read {path}: {_first_line(error)}.") from error
        self._config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
        }
        if threads:
            self._config["INFERENCE_NUM_THREADS"] = threads
        self._requests: dict[tuple[int, ...], Any] = {}

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Engine.__call__`."""
        request = self._requests.get(images.shape)
        try:
            if request is None:
                request = self._compile(images.shape)
            request.infer([images], share_inputs=True, share_outputs=True)
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO failed on {self._path.name} at {images.shape}: {_first_line(error)}."
            ) from error
        return request.get_output_tensor(0).data, request.get_output_tensor(1).data

    def _compile(self, shape: tuple[int, ...]) -> Any:
        model = self._model.clone()
        model.reshape(list(shape))
        request = self._core.compile_model(model, "CPU", self._config).create_infer_request()
        self._requests[shape] = request
        return request


def compile_network(path: Path, precision: str, threads: int = 0) -> OpenVINOEngine:
    """Read an ONNX network; it is compiled at the first call of each shape.

    Raises:
        EngineError: OpenVINO cannot read the file.
    """
    return OpenVINOEngine(path, precision, threads)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
