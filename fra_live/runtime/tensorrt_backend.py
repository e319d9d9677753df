"""TensorRT behind the engine protocol: both networks as plans of this GPU, kept or built."""

from __future__ import annotations

from fra_live.errors import EngineError
from fra_live.runtime.build import (
    NETWORKS,
    PRECISIONS,
    Progress,
    part_name,
    profiles,
    ready_plan,
    wanted_plan,
)
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.cuda_engine import CudaEngine
from fra_live.runtime.gpu import find_gpu
from fra_live.runtime.tensorrt_network import TensorRTNetwork
from fra_live.runtime.tensorrt_package import find_tensorrt
from fra_live.runtime.torch_backend import cuda_device


def choose_precision(wanted: str) -> tuple[str, str]:
    """Pick the precision and say why.

    Raises:
        EngineError: our networks do not run in it under TensorRT.
    """
    if wanted == "auto":
        return "f16", "half precision"
    if wanted not in PRECISIONS:
        raise EngineError(f"TensorRT runs in auto, f16, f32 or int8, not '{wanted}'.")
    return wanted, "as asked"


def open_tensorrt(
    bundle: Bundle, precision: str = "auto", progress: Progress | None = None
) -> tuple[CudaEngine, CudaEngine, str, str]:
    """Both networks under TensorRT; plans that are missing or do not fit are built.

    Args:
        bundle: a checked bundle.
        precision: "auto", "f16", "f32" or, where the bundle has quantised networks, "int8".
        progress: of a build, called with the network's name and the share done; None logs it.

    Returns:
        Net_coarse, Net_fine, the precision and a clause that says why.

    Raises:
        EngineError: no GPU, no TensorRT that knows it, too little memory, or no build.
        MissingExtraError: torch or onnx is not installed.
    """
    chosen, why = choose_precision(precision)
    gpu = find_gpu()
    rt = find_tensorrt(gpu.compute_capability)
    device = cuda_device()
    engines, notes = [], []
    for network in NETWORKS:
        wanted = wanted_plan(bundle, network, chosen, rt, gpu)
        ready = ready_plan(bundle, wanted, rt, progress=progress)
        name = bundle.part(part_name(network, chosen)).name
        engine = CudaEngine(TensorRTNetwork(rt, ready.plan, name, device), name, device)
        shapes = [profiles(bundle, network)[0].best]
        if network == "fine":
            most, height, width = shapes[0]
            shapes = [(count, height, width) for count in range(1, most + 1)]
        engine.prepare(shapes)
        engines.append(engine)
        if ready.built:
            notes.append(f"{network} built in {ready.seconds:.0f} s since {ready.why}")
    kept = ", ".join(notes) or "plans from cache"
    said = f"{why}, {rt.package} {rt.version} on {gpu.name}, {kept}"
    return engines[0], engines[1], chosen, said
