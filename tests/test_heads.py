"""Bundles whose heads or parameters do not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live.errors import BundleError
from fra_live.recognizer import Recognizer
from fra_live.runtime.bundle import sha256
from tests.tiny import LABELS, scene, with_colour_engines


@pytest.fixture
def bundle(colours: Recognizer, tmp_path: Path) -> Path:
    """A copy of the bundle, to be spoilt."""
    return Path(shutil.copytree(colours.bundle.folder, tmp_path / "copy"))


def set_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for key, values in changes.items():
        manifest[key].update(values)
    path.write_text(json.dumps(manifest))


def set_heads(folder: Path) -> None:
    parts = json.loads((folder / "manifest.json").read_text())["parts"]
    parts["heads"]["sha256"] = sha256(folder / "heads.npz")
    set_manifest(folder, parts=parts)


def test_a_sound_copy_works(bundle: Path) -> None:
    assert with_colour_engines(bundle)(scene("drinking", (96, 128), 1)[0]).action == "drinking"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"speed": 3}, r"manifest\.json: The manifest has the unknown parameter 'speed'"),
        ({"top": "all"}, r"manifest\.json: The manifest's parameter 'top' is 'all'"),
        ({"context": {"grid": 4}}, r"heads\.npz does not fit the labels and parameters"),
    ],
)
def test_parameters_that_do_not_fit(bundle: Path, parameters: dict[str, Any], message: str) -> None:
    set_manifest(bundle, parameters=parameters)
    with pytest.raises(BundleError, match=message):
        with_colour_engines(bundle)


def test_labels_that_do_not_fit(bundle: Path) -> None:
    set_manifest(bundle, labels={"names": [*LABELS.names, "toothbrush"]})
    with pytest.raises(BundleError, match=r"heads\.npz does not fit"):
        with_colour_engines(bundle)


@pytest.mark.parametrize("case", ["no archive", "an array is missing", "pickled"])
def test_heads_that_are_none(bundle: Path, case: str) -> None:
    path = bundle / "heads.npz"
    if case == "no archive":
        path.write_bytes(b"heads")
    else:
        with np.load(path) as archive:
            arrays = dict(archive)
        if case == "pickled":
            arrays["ranker.mean"] = np.array([{}], dtype=object)
        else:
            del arrays["classifier.weights"]
        np.savez_compressed(path, **arrays)
    set_heads(bundle)
    with pytest.raises(BundleError, match=r"heads\.npz does not hold the heads"):
        with_colour_engines(bundle)
