"""Plans of a bundle for this machine or for others: which, found in the cache, or built."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fra_live.errors import EngineError
from fra_live.parameters import Parameters
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.gpu import Gpu
from fra_live.runtime.half import REVISION, prepare
from fra_live.runtime.onnx_graph import read_model
from fra_live.runtime.plans import TIMINGS, find_plan, store_plan, writable_folder
from fra_live.runtime.sidecar import PlanSpec, Profile
from fra_live.runtime.tensorrt_build import compile_plan
from fra_live.runtime.tensorrt_package import TensorRT
from fra_live.stages.preprocess import coarse_shape

logger = logging.getLogger(__name__)

NETWORKS = ("coarse", "fine")
PRECISIONS = ("f16", "f32", "int8")
FRAME = (480, 640)
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Ready:
    """A plan that may be read in.

    Attributes:
        plan: its bytes.
        path: where it lies; None where no folder could be written.
        built: it was built just now, in `seconds`.
        why: why it had to be built, as a clause.
    """

    plan: bytes
    path: Path | None
    built: bool = False
    seconds: float = 0.0
    why: str = ""


def part_name(network: str, precision: str) -> str:
    """Part of a bundle that a plan of "coarse" or "fine" is made of."""
    return f"{network}_int8" if precision == "int8" else network


def profiles(bundle: Bundle, network: str, frame: tuple[int, int] = FRAME) -> tuple[Profile, ...]:
    """Shapes that a plan is built for, those that are tuned first.

    Args:
        bundle: whose parameters say the sizes.
        network: "coarse": frames of one proportion alone, then of every proportion; "fine": from
            one window to all of them at once.
        frame: (H, W) in px of the frames to tune for.

    Raises:
        BundleError: the parameters are not proper.
    """
    p = Parameters.from_dict(bundle.parameters)
    if network == "fine":
        side, most = p.fine_size, p.windows.max_windows
        return (Profile((1, side, side), (most, side, side), (most, side, side)),)
    height, width = coarse_shape(frame, p.coarse_size)
    flat, tall = coarse_shape((1, 1000), p.coarse_size), coarse_shape((1000, 1), p.coarse_size)
    every = Profile((1, flat[0], tall[1]), (1, height, width), (1, tall[0], flat[1]))
    return Profile.fixed((1, height, width)), every


def wanted_plan(
    bundle: Bundle,
    network: str,
    precision: str,
    rt: TensorRT,
    gpu: Gpu | None = None,
    chips: Sequence[str] = (),
) -> PlanSpec:
    """What a plan has to be to serve this bundle.

    Args:
        bundle, network, precision: what it computes.
        rt: what reads it.
        gpu: the GPU that it runs on.
        chips: compute capabilities that it is for, where `gpu` is None.

    Raises:
        EngineError: 8-bit integers are wanted, but the bundle has no quantised networks.
    """
    part = part_name(network, precision)
    if not bundle.has(part):
        raise EngineError(
            f"The model {bundle.name} has no quantised networks; make them with "
            "'fra-live quantise' or take another precision."
        )
    return PlanSpec(
        network=network,
        onnx_sha256=str(bundle.manifest["parts"][part]["sha256"]),
        revision=REVISION,
        precision=precision,
        package=rt.package,
        version=rt.version,
        compute_capabilities=(gpu.compute_capability,) if gpu else tuple(chips),
        gpu=None if gpu is None or rt.portable else gpu.name,
        driver=None if gpu is None or rt.portable else gpu.driver,
        profiles=profiles(bundle, network)[-1:],
    )


def ready_plan(
    bundle: Bundle,
    wanted: PlanSpec,
    rt: TensorRT,
    *,
    frame: tuple[int, int] = FRAME,
    folder: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Ready:
    """Take the plan from the cache, or build it and keep it.

    Args:
        bundle: a checked bundle.
        wanted: as `wanted_plan` gives it.
        rt: the package.
        frame: (H, W) in px of the frames to tune for, where it is built.
        folder: where to keep it; None for the bundle's own cache.
        force: build it although there is one that fits.
        progress: called with the network's name and the share done, 0..1; None logs it.

    Raises:
        EngineError: it cannot be built; the message says why.
    """
    found, where = (None, "asked for") if force else find_plan(bundle, wanted)
    if found is not None:
        return Ready(found, Path(where))
    show = progress or _Logged(f"{bundle.name}, {wanted.network}, {wanted.precision}", where)
    spec = replace(wanted, profiles=profiles(bundle, wanted.network, frame))
    folder = folder or writable_folder(bundle)
    show(wanted.network, 0.0)
    start = time.perf_counter()
    try:
        part = part_name(wanted.network, wanted.precision)
        network = prepare(read_model(bundle.part(part)), wanted.precision)
        plan = compile_plan(
            rt,
            network.SerializeToString(),
            spec.profiles,
            exact=wanted.precision == "f32",
            # Left alone a portable package builds for all GPUs that it knows but the oldest.
            chips=wanted.compute_capabilities if rt.portable else (),
            timings=None if folder is None or rt.portable else _timings(folder, spec),
            progress=lambda share: show(wanted.network, min(share, 0.99)),
        )
    except MemoryError as error:
        raise EngineError("There is not enough memory to build the plan.") from error
    seconds = time.perf_counter() - start
    path = _keep(folder, spec, plan, seconds)
    show(wanted.network, 1.0)
    return Ready(plan, path, True, seconds, where)


def _timings(folder: Path, spec: PlanSpec) -> Path:
    return folder / TIMINGS.format(stem=spec.stem)


def _keep(folder: Path | None, spec: PlanSpec, plan: bytes, seconds: float) -> Path | None:
    """Store a plan; a cache that cannot be written costs a build at the next start, no more."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return store_plan(folder, spec, plan, seconds)
        except OSError as error:
            logger.warning("the plan of %s cannot be kept in %s: %s; it is built again at the "
                           "next start.", spec.network, folder, error.strerror)  # fmt: skip
            return None
    logger.warning("no folder for plans can be written; set FRA_LIVE_CACHE to one that can.")
    return None


class _Logged:
    """Progress for those who gave no callback: nobody should wait a minute in silence."""

    def __init__(self, what: str, why: str) -> None:
        self._what, self._why, self._next = what, why, 0.0

    def __call__(self, network: str, share: float) -> None:
        if share >= 1:
            logger.warning("%s: built.", self._what)
        elif share >= self._next:
            first = f" ({self._why}); this is done once and may take minutes" if not share else ""
            logger.warning("building the TensorRT plan of %s: %d %%%s", self._what,
                           round(100 * share), first)  # fmt: skip
            self._next = share + 0.2
