"""The model on disk: engines/<name>/ with a manifest, two ONNX networks and the heads.

Nothing of a bundle is parsed before its sha256 agrees with the manifest's.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from fra_live.errors import BundleError, DataError
from fra_live.labels import LabelSet

FORMAT = 1
_PARTS = ("coarse", "fine", "heads")
_EXTRA_PARTS = ("coarse_int8", "fine_int8")  # the networks quantised, where they were
_MAX_MANIFEST = 1_000_000  # bytes
_MAX_PART = 2_000_000_000  # bytes; VGG-16 in float32 is half of this


@dataclass(frozen=True)
class Bundle:
    """A checked model.

    Attributes:
        folder: where it lies.
        name: its name.
        labels: channels and actions.
        manifest: the whole manifest; `parameters` and `threshold` are what the method reads.
    """

    folder: Path
    name: str
    labels: LabelSet
    manifest: Mapping[str, Any]

    def part(self, name: str) -> Path:
        """Path of "coarse", "fine" or "heads", or of what `has` says is there."""
        return self.folder / str(self.manifest["parts"][name]["file"])

    def has(self, *names: str) -> bool:
        """Whether the bundle has all of these parts, as "coarse_int8"."""
        return all(name in self.manifest["parts"] for name in names)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters of the stages, a mapping a stage."""
        parameters: Mapping[str, Any] = self.manifest["parameters"]
        return parameters

    @property
    def threshold(self) -> float:
        """The operating threshold on an action's probability."""
        return float(self.manifest["threshold"])


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def bundle_folders() -> list[Path]:
    """Where bundles are looked for by name: $FRA_LIVE_ENGINES, ./engines, the installed ones."""
    folders = []
    if "FRA_LIVE_ENGINES" in os.environ:
        folders.append(Path(os.environ["FRA_LIVE_ENGINES"]))
    folders.append(Path("engines"))
    package = Path(str(resources.files("fra_live")))
    folders += [package / "engines", package.parent / "engines"]
    return folders


def find_bundle(model: str | Path) -> Path:
    """Folder of a bundle, given as a folder or by its name.

    Raises:
        BundleError: there is none.
    """
    path = Path(model)
    if (path / "manifest.json").is_file():
        return path
    if path.name == str(model):
        for folder in bundle_folders():
            if (folder / path / "manifest.json").is_file():
                return folder / path
    if path.is_dir():
        raise BundleError(f"{path} holds no manifest.json, so it is no model bundle.")
    known = sorted({p.parent.name for f in bundle_folders() for p in f.glob("*/manifest.json")})
    raise BundleError(f"There is no model '{model}'; known are: {', '.join(known) or 'none'}.")


def load_bundle(model: str | Path = "mobile") -> Bundle:
    """Find a bundle and check all its parts.

    Args:
        model: name (`engines/<name>`) or folder.

    Raises:
        BundleError: it is missing, altered or of another format; the message names the part.
    """
    folder = find_bundle(model)
    path = folder / "manifest.json"
    try:
        if path.stat().st_size > _MAX_MANIFEST:
            raise BundleError(f"{path} is larger than {_MAX_MANIFEST} bytes: no manifest of ours.")
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise BundleError(
                f"{path} has format {manifest['format']}; this version reads {FORMAT}: "
                "train the model anew or install the matching fra-live."
            )
        labels = LabelSet.from_dict(manifest["labels"])
        extra = (name for name in _EXTRA_PARTS if name in manifest["parts"])
        for name in (*_PARTS, *extra):
            _check_part(folder, name, manifest["parts"][name])
        bundle = Bundle(folder, str(manifest["name"]), labels, manifest)
        _ = bundle.threshold, bundle.parameters
    except KeyError as error:
        raise BundleError(f"{path} is no proper manifest: {error} is missing.") from error
    except (OSError, ValueError, TypeError, RecursionError, DataError) as error:
        said = str(error).rstrip(".")
        raise BundleError(f"{path} is no proper manifest: {said}.") from error
    return bundle


def _check_part(folder: Path, name: str, entry: Mapping[str, Any]) -> None:
    file = str(entry["file"])
    if Path(file).name != file or file in ("", ".", ".."):
        raise BundleError(f"{folder}: part '{name}' points out of the bundle ('{file}').")
    path = folder / file
    if path.is_symlink():
        raise BundleError(f"{path} is a link; put the file itself into the bundle.")
    if not path.is_file():
        raise BundleError(f"{path} is missing; copy the whole bundle again.")
    if path.stat().st_size > _MAX_PART:
        raise BundleError(f"{path} is larger than {_MAX_PART} bytes: no part of ours.")
    if sha256(path) != entry["sha256"]:
        raise BundleError(f"{path} was altered (its sha256 differs); copy the bundle again.")
