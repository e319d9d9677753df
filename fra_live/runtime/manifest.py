"""Writing a bundle's manifest, and the measured figures in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fra_live.errors import SinkError


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest; complete or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def record_figures(bundle: Path, name: str, figures: Mapping[str, Any]) -> None:
    """Put what a command measured into a bundle's manifest, under `figures`.

    Args:
        bundle: the bundle's folder.
        name: of the set or the measurement; what stood there is replaced.

    Raises:
        SinkError: the manifest cannot be written.
    """
    path = bundle / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest.setdefault("figures", {})[name] = dict(figures)
        write_manifest(path, manifest)
    except OSError as error:
        raise SinkError(f"The figures cannot be recorded in {path}: {error}.") from error
