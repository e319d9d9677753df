"""What is cached for a bundle on this machine, and why it is or is not usable."""

from __future__ import annotations

from dataclasses import dataclass

from fra_live.errors import EngineError
from fra_live.runtime.build import part_name, wanted_plan
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.gpu import Gpu, find_gpu
from fra_live.runtime.half import REVISION
from fra_live.runtime.plans import Kept, kept_plans
from fra_live.runtime.tensorrt_package import TensorRT, find_tensorrt


@dataclass(frozen=True)
class Here:
    """What this machine runs plans with.

    Attributes:
        gpu, rt: None where there is none.
        obstacle: why plans cannot run here, as a sentence; None where they can.
    """

    gpu: Gpu | None = None
    rt: TensorRT | None = None
    obstacle: str | None = None


@dataclass(frozen=True)
class Surveyed:
    """A plan and what became of it.

    Attributes:
        kept: the plan.
        obstacle: why it is not usable here, as a clause; None where it is.
        stale: it is usable on no machine, or was made for this one as it was before.
    """

    kept: Kept
    obstacle: str | None
    stale: bool


def look_here() -> Here:
    """Find the GPU and the TensorRT that serves it."""
    gpu: Gpu | None = None
    try:
        gpu = find_gpu()
        return Here(gpu, find_tensorrt(gpu.compute_capability))
    except EngineError as error:
        return Here(gpu, None, str(error))


def survey(bundle: Bundle, here: Here) -> list[Surveyed]:
    """Judge every plan of a bundle.

    Raises:
        BundleError: the bundle's parameters are not proper.
    """
    return [_judge(bundle, kept, here) for kept in kept_plans(bundle)]


def _judge(bundle: Bundle, kept: Kept, here: Here) -> Surveyed:
    if kept.sidecar is None or kept.fault is not None:
        return Surveyed(kept, kept.fault, True)
    spec = kept.sidecar.spec
    part = bundle.manifest["parts"].get(part_name(spec.network, spec.precision))
    if part is None or spec.onnx_sha256 != part["sha256"]:
        return Surveyed(kept, "the network was changed since", True)
    if spec.revision != REVISION:
        return Surveyed(kept, "built by another version of fra-live", True)
    if here.gpu is None or here.rt is None:
        return Surveyed(kept, "no GPU or no TensorRT here", False)
    obstacle = spec.mismatch(wanted_plan(bundle, spec.network, spec.precision, here.rt, here.gpu))
    # Plans for other GPUs were prepared on purpose; one for this GPU that does not fit is old.
    ours = spec.gpu == here.gpu.name or here.gpu.compute_capability in spec.compute_capabilities
    return Surveyed(kept, obstacle, obstacle is not None and ours)
