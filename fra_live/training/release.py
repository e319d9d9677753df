"""A finished training as a bundle: manifest, ONNX networks, heads, model card."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.annotations import AnnotationSet
from fra_live.errors import SinkError
from fra_live.parameters import Parameters
from fra_live.runtime.bundle import FORMAT, sha256
from fra_live.runtime.manifest import write_manifest
from fra_live.stages.classify import Classifier
from fra_live.stages.rank import Ranker
from fra_live.training.heads import exported
from fra_live.training.recipes import Recipe


def write_bundle(
    run: Path,
    out: Path,
    name: str,
    data: AnnotationSet,
    recipe: Recipe,
    parameters: Parameters,
    ranker: Ranker,
    classifier: Classifier,
    threshold: float,
    held_out: Mapping[str, float],
) -> None:
    """Write the run's networks and heads into `out`.

    The manifest comes last, and names the sha256 of every part: a write that was cut short
    leaves a bundle that `load_bundle` refuses, never one that mixes two models.

    Args:
        run: folder of the training, with coarse.pt and fine.pt.
        out: folder of the bundle, usually engines/<name>; other files in it are left alone.
        held_out: figures inside the training set, for the manifest.

    Raises:
        SinkError: the folder cannot be written.
    """
    files = {"coarse": "coarse.onnx", "fine": "fine.onnx", "heads": "heads.npz"}
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".parts-") as temporary:
            folder = Path(temporary)
            for network in ("coarse", "fine"):
                shutil.copyfile(exported(run, network), folder / files[network])
            arrays = ranker.to_arrays() | classifier.to_arrays()
            np.savez_compressed(folder / files["heads"], allow_pickle=False, **arrays)
            parts = {
                part: {"file": file, "sha256": sha256(folder / file)}
                for part, file in files.items()
            }
            for file in files.values():
                (folder / file).replace(out / file)
        manifest = {
            "format": FORMAT,
            "name": name,
            "labels": data.labels.to_dict(),
            "parameters": asdict(parameters),
            "threshold": threshold,
            "parts": parts,
            "recipe": asdict(recipe),
            "trained_on": _summary(data),
            "figures": {"held_out": dict(held_out)},
        }
        write_manifest(out / "manifest.json", manifest)
    except OSError as error:
        raise SinkError(f"The bundle {out} cannot be written: {error}.") from error


def _summary(data: AnnotationSet) -> dict[str, Any]:
    actions = Counter(str(s.action) for s in data.samples)
    outlines = Counter(r.label for s in data.samples for r in s.regions if not r.ignore)
    return {
        "images": len(data.samples),
        "actions": dict(sorted(actions.items())),
        "outlines": dict(sorted(outlines.items())),
    }
