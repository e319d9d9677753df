"""Bundles: found by name or folder, and checked before anything of them is parsed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fra_live.errors import BundleError
from fra_live.runtime.bundle import find_bundle, load_bundle, sha256
from tests.tiny import LABELS

Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle whose parts are a few bytes: they are checked, not parsed."""
    made = tmp_path / "models" / "small"
    made.mkdir(parents=True)
    files = {"coarse": "coarse.onnx", "fine": "fine.onnx", "heads": "heads.npz"}
    for name, file in files.items():
        (made / file).write_bytes(name.encode())
    manifest = {
        "format": 1,
        "name": "small",
        "labels": LABELS.to_dict(),
        "parameters": {"top": 3},
        "threshold": 0.4,
        "parts": {n: {"file": f, "sha256": sha256(made / f)} for n, f in files.items()},
    }
    (made / "manifest.json").write_text(json.dumps(manifest))
    return made


def edit(folder: Path, change: Change) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_a_sound_bundle(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.name == "small"
    assert bundle.labels == LABELS
    assert bundle.threshold == 0.4
    assert bundle.parameters == {"top": 3}
    assert bundle.part("fine") == folder / "fine.onnx"
    assert bundle.folder == folder


def test_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRA_LIVE_ENGINES", str(folder.parent))
    assert find_bundle("small") == folder
    monkeypatch.delenv("FRA_LIVE_ENGINES")
    shutil.copytree(folder, tmp_path / "engines" / "copy")
    monkeypatch.chdir(tmp_path)
    assert load_bundle("copy").folder == Path("engines") / "copy"


@pytest.mark.parametrize("name", ["other", "../other", "/nowhere/other", "models/none"])
def test_unknown_names_list_the_known_ones(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("FRA_LIVE_ENGINES", str(folder.parent))
    with pytest.raises(BundleError, match=rf"no model '{name}'; known are: .*\bsmall\b"):
        load_bundle(name)


def test_a_name_cannot_leave_the_folder_of_engines(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRA_LIVE_ENGINES", str(folder / "inner"))
    monkeypatch.chdir(folder.parent.parent)
    with pytest.raises(BundleError, match="There is no model"):
        find_bundle("../small")


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no manifest\.json, so it is no model bundle"):
        load_bundle(tmp_path)


def without(*keys: str) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        for key in keys[:-1]:
            manifest = manifest[key]
        del manifest[keys[-1]]

    return change


def with_part(part: str, **values: Any) -> Change:
    return lambda manifest: manifest["parts"][part].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=2), r"manifest\.json has format 2; this version reads 1"),
        (without("format"), r"manifest\.json is no proper manifest: 'format' is missing"),
        (without("name"), "'name' is missing"),
        (without("labels"), "'labels' is missing"),
        (without("labels", "names"), "lacks a proper 'names'"),
        (without("parameters"), "'parameters' is missing"),
        (without("threshold"), "'threshold' is missing"),
        (lambda m: m.update(threshold="high"), "could not convert string to float"),
        (lambda m: m.update(labels=[]), "no proper manifest"),
        (lambda m: m["labels"].update(names=["cup"]), "first label must be 'background'"),
        (lambda m: m.update(parts=3), "no proper manifest"),
        (without("parts", "fine"), "'fine' is missing"),
        (without("parts", "heads", "sha256"), "'sha256' is missing"),
        (with_part("fine", file="none.onnx"), r"none\.onnx is missing; copy the whole bundle"),
        (with_part("fine", file="../fine.onnx"), r"part 'fine' points out of the bundle"),
        (with_part("fine", file="/etc/passwd"), r"part 'fine' points out of the bundle"),
        (with_part("fine", file=".."), r"part 'fine' points out of the bundle"),
        (with_part("fine", file=""), r"part 'fine' points out of the bundle"),
        (with_part("fine", file="sub/fine.onnx"), r"part 'fine' points out of the bundle"),
        (with_part("fine", sha256="0" * 64), r"fine\.onnx was altered \(its sha256 differs\)"),
    ],
)
def test_wrong_manifests(folder: Path, change: Change, message: str) -> None:
    edit(folder, change)
    with pytest.raises(BundleError, match=message) as caught:
        load_bundle(folder)
    text = str(caught.value)
    assert str(folder) in text
    assert "\n" not in text
    assert text.endswith(".")
    assert not text.endswith("..")


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", '"text"', "null", "[" * 90_000, '{"format": 1}']
)
def test_other_text_as_manifest(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json is no proper manifest"):
        load_bundle(folder)


def test_bytes_and_heaps_as_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\x00\xfe")
    with pytest.raises(BundleError, match="no proper manifest"):
        load_bundle(folder)
    (folder / "manifest.json").write_text(" " * 1_000_001)
    with pytest.raises(BundleError, match="is larger than 1000000 bytes"):
        load_bundle(folder)


def test_altered_parts(folder: Path) -> None:
    (folder / "heads.npz").write_bytes(b"headz")
    with pytest.raises(BundleError, match=r"heads\.npz was altered"):
        load_bundle(folder)


def test_missing_parts(folder: Path) -> None:
    (folder / "coarse.onnx").unlink()
    with pytest.raises(BundleError, match=r"coarse\.onnx is missing; copy the whole bundle again"):
        load_bundle(folder)
    (folder / "coarse.onnx").mkdir()
    with pytest.raises(BundleError, match=r"coarse\.onnx is missing"):
        load_bundle(folder)


def test_links_are_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    shutil.move(folder / "fine.onnx", outside)
    (folder / "fine.onnx").symlink_to(outside)
    with pytest.raises(BundleError, match=r"fine\.onnx is a link"):
        load_bundle(folder)
