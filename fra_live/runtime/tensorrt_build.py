"""An ONNX network compiled by TensorRT: parse, shapes, build, with progress to be shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fra_live.errors import EngineError
from fra_live.runtime.plans import write_whole
from fra_live.runtime.sidecar import Profile
from fra_live.runtime.tensorrt_package import TensorRT

logger = logging.getLogger(__name__)

Progress = Callable[[float], None]
_MAX_TIMINGS = 200_000_000  # bytes


@dataclass
class _Phase:
    """A phase of the build: how many of its steps are done, and what of the next one."""

    parent: str | None
    steps: int
    done: int = 0
    inner: float = 0.0

    @property
    def share(self) -> float:
        return min(1.0, (self.done + self.inner) / max(1, self.steps))


@dataclass
class Phases:
    """TensorRT's nested phases as one share of the whole, which never falls.

    Attributes:
        show: called with the share done, 0..1, whenever it has grown by a hundredth.
        stopped: what `show` raised; the build is then given up.
    """

    show: Progress
    stopped: BaseException | None = None
    _running: dict[str, _Phase] = field(default_factory=dict)
    _shown: float = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of `steps` steps begins, as part of a step of `parent`."""
        self._running[name] = _Phase(parent, steps)
        self._tell()

    def step(self, name: str, number: int) -> bool:
        """Step `number` of a phase is done; returns whether to go on."""
        if phase := self._running.get(name):
            phase.done, phase.inner = max(phase.done, number + 1), 0.0
        self._tell()
        return self.stopped is None

    def finish(self, name: str) -> None:
        """A phase ends, also when it had steps left."""
        if (phase := self._running.pop(name, None)) is None:
            return
        if phase.parent is None:
            self._shown = max(self._shown, min(self._shown + 0.01, 1.0))
        elif outer := self._running.get(phase.parent):
            outer.inner = min(1.0, outer.inner + 1.0) if phase.steps else outer.inner
        self._tell()

    def _tell(self) -> None:
        if self.stopped is not None:
            return
        for phase in reversed(list(self._running.values())):  # inner phases come last
            outer = self._running.get(phase.parent or "")
            if outer is not None:
                outer.inner = max(outer.inner, 0.99 * phase.share)
        share = max((p.share for p in self._running.values() if p.parent is None), default=0.0)
        if share < self._shown + 0.01:
            return
        self._shown = share
        try:
            self.show(share)
        except BaseException as error:  # not through C++ frames, where Ctrl-C would abort Python
            self.stopped = error


def _monitor(rt: TensorRT, phases: Phases) -> Any:
    base: Any = rt.module.IProgressMonitor

    class Monitor(base):  # type: ignore[misc]
        def __init__(self) -> None:
            base.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return phases.step(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            phases.finish(phase_name)

    return Monitor()


def compile_plan(
    rt: TensorRT,
    network: bytes,
    profiles: Sequence[Profile],
    *,
    exact: bool = False,
    chips: Sequence[str] = (),
    timings: Path | None = None,
    progress: Progress = lambda share: None,
) -> bytes:
    """Compile a network.

    Args:
        rt: the package.
        network: ONNX with its types written out, as `half.prepare` makes it; one input
            (N, H, W, 3) uint8.
        profiles: shapes that it has to run.
        exact: keep float32 as it is (TensorFloat-32 would be off by 1e-3).
        chips: compute capabilities to build for, as ("8.6", "8.9"), none of which need be here;
            only `TensorRT.portable` packages can. Empty for the GPU of this machine.
        timings: file of TensorRT's measurements, read if there and written.
        progress: called with the share done, 0..1; what it raises ends the build.

    Returns:
        The plan.

    Raises:
        EngineError: the network has an operator that TensorRT does not know, or it cannot be
            built here; the message says why.
    """
    trt = rt.module
    try:
        builder = trt.Builder(rt.log)
    except (TypeError, RuntimeError) as error:  # no GPU, or one that the driver cannot reach
        raise EngineError(f"{rt.package} cannot start here: {rt.last_error()}.") from error
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)  # always, from 11 on
    definition = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(definition, rt.log)
    if not parser.parse(network):
        raise EngineError(f"{rt.package} {rt.version} cannot read the network: {_said(parser)}.")
    config = builder.create_builder_config()
    if exact and hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)
    _set_shapes(builder, config, definition.get_input(0).name, profiles)
    if chips:
        _set_chips(rt, config, chips)
    cache = _timing_cache(config, timings)
    phases = Phases(progress)
    monitor = _monitor(rt, phases)  # has to live as long as the build
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(definition, config)
    if phases.stopped is not None:
        raise phases.stopped
    if plan is None:
        raise EngineError(_failure(rt))
    if cache is not None and timings is not None:
        _keep_timings(config, timings)
    return bytes(plan)


def _said(parser: Any) -> str:
    """The parser's first complaint, with the operator it is about."""
    if parser.num_errors == 0:
        return "it gives no reason"
    error = parser.get_error(0)
    node = error.node_operator() if hasattr(error, "node_operator") else ""
    text = " ".join(str(error.desc()).split())[:300].rstrip(".")
    return f"operator '{node}': {text}" if node else text


def _set_shapes(builder: Any, config: Any, name: str, profiles: Sequence[Profile]) -> None:
    for profile in profiles:
        entry = builder.create_optimization_profile()
        entry.set_shape(name, *((*s, 3) for s in (profile.least, profile.best, profile.most)))
        if config.add_optimization_profile(entry) < 0:
            raise EngineError(f"TensorRT refuses the image sizes {profile}.")


def _set_chips(rt: TensorRT, config: Any, chips: Sequence[str]) -> None:
    known = rt.chips() or ()
    for chip in chips:
        if chip not in known:
            said = f"it knows {', '.join(known)}" if known else "it builds for the GPU here only"
            raise EngineError(
                f"{rt.package} {rt.version} cannot build for compute capability {chip}: {said}."
            )
    config.num_compute_capabilities = len(chips)
    for index, chip in enumerate(chips):
        member = getattr(rt.module.ComputeCapability, f"SM{chip.replace('.', '')}")
        config.set_compute_capability(member, index)


def _timing_cache(config: Any, path: Path | None) -> Any:
    """Start from the timings kept; a cache that TensorRT does not take is begun anew."""
    if path is None or not hasattr(config, "create_timing_cache"):
        return None
    try:
        small = path.is_file() and path.stat().st_size <= _MAX_TIMINGS
        kept = path.read_bytes() if small else b""
        for content in (kept, b""):
            cache = config.create_timing_cache(content)
            if cache is not None and config.set_timing_cache(cache, False):
                return cache
    except (OSError, TypeError, RuntimeError) as error:
        logger.debug("no timing cache: %s", error)
    return None


def _keep_timings(config: Any, path: Path) -> None:
    try:
        write_whole(path, bytes(config.get_timing_cache().serialize()))
    except (OSError, AttributeError, TypeError) as error:  # it is a convenience
        logger.debug("timings not kept: %s", error)


def _failure(rt: TensorRT) -> str:
    said = rt.last_error()
    if any(
        word in said.lower() for word in ("out of memory", "outofmemory", "insufficient memory")
    ):
        return (
            f"The GPU has too little free memory to build with {rt.package}: close other programs "
            "or use --engine openvino."
        )
    return f"{rt.package} {rt.version} cannot build the network: {said}."
