"""Another network in the same run and the same runtime, for comparison."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.errors import EngineError

SIZE = 640  # px a side, what these networks are published for
_NAME = re.compile(r"yolo[\w.-]*")


def time_peer(name: str, precision: str, threads: int, seconds: float) -> dict[str, Any]:
    """Time one network of the ultralytics package under OpenVINO; its weights are random.

    Only the network is timed: its resizing, non-maximum suppression and masks come on top, which
    is in its favour.

    Args:
        name: as "yolo11n-seg".
        precision: of OpenVINO, as "f32".
        threads: CPU threads; 0 leaves it to OpenVINO.
        seconds: for how long.

    Returns:
        "name", "fps", "latency_ms" with "p50" and "p95".

    Raises:
        EngineError: the package is not installed or cannot make this network; why, in a sentence.
    """
    if not _NAME.fullmatch(name):
        raise EngineError(f"The peer '{name}' is no network of ultralytics, as yolo11n-seg is.")
    if find_spec("ultralytics") is None:
        raise EngineError(
            f"{name} was not timed: ultralytics is not installed (pip install ultralytics)."
        )
    with tempfile.TemporaryDirectory(prefix="fra-live-peer-") as folder:
        request = _compile(_export(name, Path(folder)), precision, threads)
    image = np.full((1, 3, SIZE, SIZE), 0.5, np.float32)
    latencies: list[float] = []
    for _ in range(3):
        request.infer([image], share_inputs=True, share_outputs=True)
    end = time.perf_counter() + seconds
    while not latencies or time.perf_counter() < end:
        start = time.perf_counter()
        request.infer([image], share_inputs=True, share_outputs=True)
        latencies.append(1000 * (time.perf_counter() - start))
    p50, p95 = (round(float(np.percentile(latencies, p)), 3) for p in (50, 95))
    fps = round(1000 / float(np.mean(latencies)), 2)
    return {"name": name, "size": SIZE, "fps": fps, "latency_ms": {"p50": p50, "p95": p95}}


def _export(name: str, folder: Path) -> Path:
    # The package installs what it misses by itself unless told not to.
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    try:
        ultralytics = import_module("ultralytics")
        logging.getLogger("ultralytics").setLevel(logging.ERROR)
        peer: Any = ultralytics.YOLO(f"{name}.yaml")
        peer.model.pt_path = str(folder / f"{name}.pt")  # the ONNX file is written beside it
        return Path(peer.export(format="onnx", imgsz=SIZE, simplify=False, verbose=False))
    except Exception as error:  # whatever a foreign package may raise
        raise EngineError(f"{name} was not timed: {_said(error)}.") from error


def _compile(path: Path, precision: str, threads: int) -> Any:
    import openvino as ov

    config: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        # The peer's networks are not quantised.
        "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
    }
    if threads:
        config["INFERENCE_NUM_THREADS"] = threads
    try:
        core = ov.Core()
        return core.compile_model(core.read_model(path), "CPU", config).create_infer_request()
    except RuntimeError as error:
        raise EngineError(f"{path.stem} was not timed: {_said(error)}.") from error


def _said(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200].rstrip(".")
