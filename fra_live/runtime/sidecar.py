"""What a compiled plan was made of and for: the JSON beside it, and whether it still fits.

A plan is native code for one GPU and one version of TensorRT. It is read only when everything in
its sidecar agrees with this machine and this model, and its own sha256 with the sidecar.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fra_live.errors import EngineError

FORMAT = 1
MAX_SIDECAR = 100_000  # bytes
MAX_PLAN = 4_000_000_000  # bytes
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Profile:
    """Shapes (N, H, W) that a plan runs, and the one it is tuned for."""

    least: Shape
    best: Shape
    most: Shape

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Whether a batch (N, H, W) lies inside."""
        return all(a <= b <= c for a, b, c in zip(self.least, shape, self.most, strict=True))

    def covers(self, other: Profile) -> bool:
        """Whether it runs every shape that `other` runs."""
        return self.holds(other.least) and self.holds(other.most)

    @classmethod
    def fixed(cls, shape: Shape) -> Profile:
        """One shape alone."""
        return cls(shape, shape, shape)


@dataclass(frozen=True)
class PlanSpec:
    """All that a plan depends on.

    Attributes:
        network: "coarse" or "fine".
        onnx_sha256: of the bundle's file.
        revision: of our rewriting of it for TensorRT (`half.REVISION`).
        precision: "f16" or "f32".
        package, version: "tensorrt" or "tensorrt_rtx", and which.
        compute_capabilities: the GPUs that it runs on, as ("9.0",).
        gpu: name of the GPU; None where any of those capabilities will do.
        driver: version of the driver; None likewise.
        profiles: shapes that it runs, the first that holds a shape being taken.
    """

    network: str
    onnx_sha256: str
    revision: int
    precision: str
    package: str
    version: str
    compute_capabilities: tuple[str, ...]
    gpu: str | None
    driver: str | None
    profiles: tuple[Profile, ...]

    @property
    def stem(self) -> str:
        """File name without suffix."""
        chips = "_".join(f"sm{c.replace('.', '')}" for c in self.compute_capabilities)
        return f"{self.network}-{self.precision}-{self.package}{self.version}-{chips}"

    def mismatch(self, wanted: PlanSpec) -> str | None:
        """Why this plan cannot serve where `wanted` is asked for, as a clause; None if it can."""
        if self.onnx_sha256 != wanted.onnx_sha256:
            return "the network was changed since"
        if (self.package, self.version) != (wanted.package, wanted.version):
            return (
                f"built with {self.package} {self.version}, "
                f"{wanted.package} {wanted.version} is installed"
            )
        for chip in wanted.compute_capabilities:
            if chip not in self.compute_capabilities:
                here = ", ".join(self.compute_capabilities)
                return f"built for compute capability {here}, this GPU has {chip}"
        if self.gpu is not None and self.gpu != wanted.gpu:
            return f"built on {self.gpu}, this is {wanted.gpu}"
        if self.driver is not None and self.driver != wanted.driver:
            return f"built under driver {self.driver}, {wanted.driver} is installed"
        if not all(any(own.covers(p) for own in self.profiles) for p in wanted.profiles):
            return "built for other image sizes"
        if self.revision != wanted.revision:
            return "built by another version of fra-live"
        return None


@dataclass(frozen=True)
class Sidecar:
    """The JSON beside a plan.

    Attributes:
        spec: what the plan depends on.
        plan_sha256, plan_bytes: of the plan.
        built: UTC, ISO 8601.
        seconds: how long that took.
    """

    spec: PlanSpec
    plan_sha256: str
    plan_bytes: int
    built: str
    seconds: float

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"


def read_sidecar(path: Path) -> Sidecar:
    """Read and check a sidecar.

    Raises:
        EngineError: it is missing, too large, or not what `Sidecar.to_json` writes.
    """
    try:
        if path.stat().st_size > MAX_SIDECAR:
            raise ValueError(f"more than {MAX_SIDECAR} bytes")
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT:
            raise ValueError("another format")
        spec = data.pop("spec")
        spec["profiles"] = tuple(_profile(p) for p in spec["profiles"])
        spec["compute_capabilities"] = tuple(map(str, spec["compute_capabilities"]))
        sidecar = Sidecar(PlanSpec(**spec), **data)
        if Path(sidecar.spec.stem).name != sidecar.spec.stem:
            raise ValueError("a name that is none")
        return replace(sidecar, plan_bytes=int(sidecar.plan_bytes), seconds=float(sidecar.seconds))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EngineError(f"{path} is no proper sidecar of a plan: {error}.") from error


def _profile(data: Mapping[str, Any]) -> Profile:
    shapes = [tuple(int(v) for v in data[key]) for key in ("least", "best", "most")]
    if any(len(shape) != 3 for shape in shapes):
        raise ValueError("a profile of another form")
    (a, b, c), (d, e, f), (g, h, i) = shapes
    return Profile((a, b, c), (d, e, f), (g, h, i))
