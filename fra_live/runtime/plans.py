"""Compiled plans on disk: beside the bundle, or in the user's cache where that is not writable."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fra_live.errors import EngineError
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.sidecar import MAX_PLAN, PlanSpec, Sidecar, read_sidecar

TIMINGS = "timing-{stem}.cache"  # TensorRT's own measurements; they make the next build quick


@dataclass(frozen=True)
class Kept:
    """A plan on disk.

    Attributes:
        path: the plan; its sidecar lies beside it with the suffix .json.
        sidecar: what it says; None where it cannot be read.
        fault: why the plan can be used nowhere, as a clause; None if it may be.
    """

    path: Path
    sidecar: Sidecar | None
    fault: str | None = None


def user_cache() -> Path | None:
    """Folder for what can be made again: $FRA_LIVE_CACHE or the system's own; None without one."""
    if given := os.environ.get("FRA_LIVE_CACHE"):
        return Path(given)
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    if base := os.environ.get(variable):
        return Path(base) / "fra_live"
    try:
        return Path.home() / ".cache" / "fra_live"
    except RuntimeError:
        return None


def plan_folders(bundle: Bundle) -> list[Path]:
    """Where a bundle's plans are looked for, in this order; they need not exist."""
    folders = [bundle.folder / "plans"]
    if (cache := user_cache()) is not None:
        # The name alone would mix up two bundles of one name.
        digest = str(bundle.manifest["parts"]["coarse"]["sha256"])[:12]
        folders.append(cache / "plans" / f"{Path(bundle.name).name}-{digest}")
    return folders


def writable_folder(bundle: Bundle) -> Path | None:
    """The first of `plan_folders` that takes a file; made if need be."""
    for folder in plan_folders(bundle):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def kept_plans(bundle: Bundle) -> Iterator[Kept]:
    """All plans of a bundle and the sidecars without one; nothing of a plan is read."""
    for folder in plan_folders(bundle):
        if not folder.is_dir():
            continue
        stems = {p.stem for p in folder.glob("*.json")} | {p.stem for p in folder.glob("*.plan")}
        for stem in sorted(stems):
            path = folder / f"{stem}.plan"
            try:
                sidecar = read_sidecar(path.with_name(f"{stem}.json"))
            except EngineError:
                yield Kept(path, None, "its sidecar is missing or damaged")
                continue
            fault = None
            if not path.is_file() or path.is_symlink():
                fault = "the plan itself is missing"
            elif path.stat().st_size != sidecar.plan_bytes or sidecar.plan_bytes > MAX_PLAN:
                fault = "the plan is not as large as its sidecar says"
            yield Kept(path, sidecar, fault)


def find_plan(bundle: Bundle, wanted: PlanSpec) -> tuple[bytes | None, str]:
    """Read the plan that fits.

    Returns:
        Its bytes and where it lies; or None and why there is none, as a clause.
    """
    reasons = []
    for kept in kept_plans(bundle):
        if kept.sidecar is None:
            continue
        spec = kept.sidecar.spec
        if (spec.network, spec.precision) != (wanted.network, wanted.precision):
            continue
        if obstacle := kept.fault or spec.mismatch(wanted):
            reasons.append(obstacle)
            continue
        try:
            plan = kept.path.read_bytes()
        except OSError as error:
            reasons.append(f"the plan cannot be read ({error.strerror})")
            continue
        # The bytes that were checked are the bytes that are used.
        if hashlib.sha256(plan).hexdigest() == kept.sidecar.plan_sha256:
            return plan, str(kept.path)
        reasons.append("the plan was altered")
    return None, reasons[-1] if reasons else "there is no plan yet"


def store_plan(folder: Path, spec: PlanSpec, plan: bytes, seconds: float) -> Path:
    """Write a plan and its sidecar; complete or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    sidecar = Sidecar(
        spec=spec,
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        plan_bytes=len(plan),
        built=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
    )
    path = folder / f"{spec.stem}.plan"
    # The old sidecar goes first: a plan that is killed half-way then has none, and is not used.
    path.with_name(f"{spec.stem}.json").unlink(missing_ok=True)
    write_whole(path, plan)
    write_whole(folder / f"{spec.stem}.json", sidecar.to_json().encode())
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; complete or not at all.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_plan(kept: Kept) -> None:
    """Delete a plan, its sidecar and its timings.

    Raises:
        OSError: it cannot be deleted.
    """
    stem = kept.path.name.removesuffix(".plan")
    for name in (f"{stem}.json", f"{stem}.plan", TIMINGS.format(stem=stem)):
        kept.path.with_name(name).unlink(missing_ok=True)
