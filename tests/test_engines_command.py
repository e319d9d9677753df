"""`fra-live engines` and scripts/build_engines.py, from the command line to the files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx")

from fra_live.cli import main
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.tensorrt_package import load_package
from tests.conftest import without_gpu
from tests.runtime.onnx_networks import pictures, small_bundle

no_gpu = pytest.mark.skipif(without_gpu() is None, reason="there is a GPU")
needs_rtx = pytest.mark.skipif(
    isinstance(load_package("tensorrt_rtx"), str), reason="tensorrt-rtx is not installed"
)
Out = pytest.CaptureFixture[str]


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setenv("FRA_LIVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "160")
    return small_bundle(tmp_path / "small")


def engines(*arguments: object) -> int:
    return main(["engines", *map(str, arguments)])


def figures(capsys: Out, *arguments: object) -> object:
    """What --json - prints."""
    capsys.readouterr()
    assert engines(*arguments, "--json", "-") == 0
    return json.loads(capsys.readouterr().out)


@needs_rtx
def test_plans_are_built_listed_and_removed(bundle: Bundle, capsys: Out) -> None:
    model = ("--model", bundle.folder)
    assert engines("list", *model) == 0
    assert f"no plans of small; they would be kept in {bundle.folder}" in capsys.readouterr().err
    assert engines("build", *model, "--for", "8.6,8.9") == 0
    said = capsys.readouterr()
    assert "coarse" in said.out and "fine" in said.out
    assert ", for 8.6, 8.9" in said.err and f"plans in {bundle.folder / 'plans'}" in said.err
    built = figures(capsys, "build", *model, "--for", "8.6,8.9")
    assert isinstance(built, list)
    assert [(row["network"], row["built"]) for row in built] == [("coarse", False), ("fine", False)]
    listed = figures(capsys, "list", *model)
    assert isinstance(listed, dict)
    assert [row["for"] for row in listed["plans"]] == ["8.6, 8.9"] * 2
    assert all((row["why_not"] is None) == row["usable"] for row in listed["plans"])
    (bundle.folder / "plans" / "stray-f16.plan").write_bytes(b"")
    removed = figures(capsys, "clean", *model)
    assert isinstance(removed, list)
    assert [row["why"] for row in removed] == ["its sidecar is missing or damaged"]
    removed = figures(capsys, "clean", *model, "--all")
    assert isinstance(removed, list) and len(removed) == 2
    assert not list((bundle.folder / "plans").iterdir())


@no_gpu
def test_without_a_gpu_there_is_a_sentence(bundle: Bundle, capsys: Out) -> None:
    assert engines("build", "--model", bundle.folder) == 1
    error = capsys.readouterr().err
    assert error == "fra-live: There is no NVIDIA GPU here: no driver is installed.\n"
    assert engines("verify", "--model", bundle.folder, "--engine", "tensorrt", "--images",
                   bundle.folder) == 1  # fmt: skip
    assert "holds no images" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["polish"], ["build", "--for", "Ampere"], ["build", "--precision", "int3"],
     ["verify", "--tolerance", "0"]],
)  # fmt: skip
def test_bad_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        engines(*arguments)
    assert end.value.code == 2


def test_engines_are_held_against_float32(bundle: Bundle, tmp_path: Path, capsys: Out) -> None:
    pytest.importorskip("torch")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, picture in enumerate(pictures(2, 120, 160)):
        cv2.imwrite(str(photos / f"{number}.png"), picture)
    report = figures(capsys, "verify", "--model", bundle.folder, "--images", photos,
                     "--precision", "f32")  # fmt: skip
    assert isinstance(report, dict)
    assert report["reference"].startswith("torch, f32")
    rows = {row["backend"]: row for row in report["engines"]}
    assert set(rows) == {"tensorrt", "torch", "openvino"}
    for network in rows["openvino"]["networks"]:
        assert 0 <= network["mean"] <= network["largest"] < 1e-4
        assert network["same_label"] > 0.999
    assert engines("verify", "--model", bundle.folder, "--images", photos, "--engine", "openvino",
                   "--precision", "f32", "--tolerance", "1e-30") == 1  # fmt: skip
    assert "openvino f32: more than 1e-30 from the reference" in capsys.readouterr().err


def test_an_engine_that_is_wrong_is_noticed() -> None:
    from fra_live.evaluation.agreement import Case, compare
    from fra_live.runtime.engine import EngineChoice

    right = np.array([0.75, 0.25], np.float32).reshape(1, 2, 1, 1).repeat(2, axis=3)
    logits = np.zeros((1, 3), np.float32)
    cases = [Case(n, np.zeros((1, 8, 8, 3), np.uint8), right, logits) for n in ("coarse", "fine")]
    swapped = right.copy()
    swapped[..., 1] = swapped[:, ::-1, :, 1]
    broken = np.full_like(right, np.nan)
    choice = EngineChoice(
        lambda i: (swapped, logits + 2), lambda i: (broken, logits), "x", "f16", ""
    )
    coarse, fine = compare(choice, cases)
    assert (coarse.largest, coarse.mean, coarse.logits, coarse.same_label) == (0.5, 0.25, 2, 0.5)
    assert (fine.largest, fine.mean) == (1, 1)


@needs_rtx
def test_a_demonstration_is_prepared(
    bundle: Bundle, root: Path, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(root / "scripts"))
    import build_engines

    out = tmp_path / "prepared"
    assert build_engines.main([str(bundle.folder), "--out", str(out), "--chips", "8.9"]) == 0
    index = json.loads((out / "index.json").read_text())
    assert len(index) == 4
    assert all((out / entry["file"]).is_file() for entry in index)
    assert len(list((out / "small" / "plans").glob("*.json"))) == 2
    capsys.readouterr()
    assert build_engines.main([str(bundle.folder), "--out", str(out), "--chips", "9.0"]) == 1
    assert "cannot build for compute capability 9.0" in capsys.readouterr().err
    assert build_engines.main(["no-such-model", "--out", str(out), "--chips", ""]) == 1
    assert "There is no model" in capsys.readouterr().err
    sys.modules.pop("build_engines", None)
