"""OpenVINO behind the engine protocol: the backend for CPUs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.errors import EngineError
from fra_live.runtime.bundle import Bundle

_FIRST_USE = threading.Lock()
PRECISIONS = ("int8", "f32", "bf16")


def choose_precision(wanted: str = "auto", *, int8: bool = False) -> tuple[str, str]:
    """Pick the inference precision and say why.

    Args:
        wanted: "auto", "int8", "f32" or "bf16".
        int8: whether the bundle has quantised networks.

    Raises:
        EngineError: the precision is unknown, or the bundle has no such networks.
    """
    import openvino as ov
    from openvino import properties

    if wanted == "int8" and not int8:
        raise EngineError(
            "This model has no quantised networks; make them with 'fra-live quantise' or take "
            "another precision."
        )
    if wanted in PRECISIONS:
        return wanted, "as asked"
    if wanted != "auto":
        raise EngineError(f"OpenVINO runs in auto, {', '.join(PRECISIONS)}, not '{wanted}'.")
    if int8:
        return "int8", "the fastest here, and the model has networks quantised for it"
    capabilities = ov.Core().get_property("CPU", properties.device.capabilities)
    if "BF16" in capabilities:
        return "bf16", "this CPU computes bfloat16"
    return "f32", "this CPU has no bfloat16"


class OpenVINOEngine:
    """One network under OpenVINO; compiled once for each input shape that comes up."""

    def __init__(self, path: Path, precision: str, threads: int) -> None:
        import openvino as ov

        # The first request asks for this table; when two threads do so at once, each waits for
        # the other for ever (seen in OpenVINO 2026.4).
        with _FIRST_USE:
            ov.Type.u8.to_dtype()
        self._core = ov.Core()
        self._path = path
        try:
            self._model = self._core.read_model(path)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot read {path}: {_first_line(error)}.") from error
        self._config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # What of a quantised network is not quantised runs in f32.
            "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
        }
        if threads:
            # Pinned threads of two engines side by side would share the first cores.
            self._config |= {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
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


def open_networks(
    bundle: Bundle, precision: str = "auto", threads: int = 0
) -> tuple[OpenVINOEngine, OpenVINOEngine, str, str]:
    """Net_coarse and Net_fine of a bundle, the precision and why it is this one.

    Raises:
        EngineError: OpenVINO cannot read a file, or the precision is not to be had.
    """
    chosen, reason = choose_precision(precision, int8=bundle.has("coarse_int8", "fine_int8"))
    suffix = "_int8" if chosen == "int8" else ""
    coarse, fine = (
        compile_network(bundle.part(name + suffix), chosen, threads) for name in ("coarse", "fine")
    )
    return coarse, fine, chosen, reason


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
