"""The tiny model's networks in 8 bits: near the float ones, and the bundle stays whole."""

from __future__ import annotations

import json
import logging
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import fra_live
from fra_live import cli
from fra_live.errors import BundleError, DataError
from fra_live.training.quantise import calibration_inputs, quantise_bundle
from tests.tiny import scene

# Not imported here: nncf replaces the class of all loggers, which `quantise_network` takes back.
pytestmark = pytest.mark.skipif(
    not (find_spec("nncf") and find_spec("onnxruntime")), reason="nncf or onnxruntime is missing"
)


def scenes(count: int) -> list[np.ndarray]:
    actions = ("drinking", "phoning", "none")
    return [scene(actions[i % 3], (96, 128), i)[0] for i in range(count)]


@pytest.fixture(scope="module")
def quantised(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    shutil.copytree(tiny_model, folder, ignore=shutil.ignore_patterns("training"))
    quantise_bundle(folder, scenes(8))
    return folder


def test_everybody_keeps_their_loggers(quantised: Path) -> None:
    assert quantised.is_dir()  # made by nncf
    assert logging.getLoggerClass() is logging.Logger


def test_auto_takes_the_quantised_networks(quantised: Path) -> None:
    recognizer = fra_live.load(quantised, threads=1)
    assert recognizer.engine.precision == "int8"
    assert fra_live.load(quantised, precision="f32", threads=1).engine.precision == "f32"
    float_bytes, bytes_ = ((quantised / n).stat().st_size for n in ("fine.onnx", "fine_int8.onnx"))
    assert bytes_ < 0.6 * float_bytes


def test_their_answers_are_near(quantised: Path) -> None:
    exact, near = (fra_live.load(quantised, precision=p, threads=1) for p in ("f32", "int8"))
    for image in scenes(6):
        wanted, got = exact.segment(image), near.segment(image)
        assert float(np.abs(wanted.coarse - got.coarse).mean()) < 0.02
        assert float((wanted.coarse.argmax(0) == got.coarse.argmax(0)).mean()) > 0.97
        assert not np.array_equal(wanted.coarse, got.coarse)  # it is another network


def test_inputs_are_what_the_networks_see(quantised: Path) -> None:
    coarse, fine = calibration_inputs(quantised, scenes(2))
    assert [batch.dtype for batch in (*coarse, *fine)] == [np.uint8] * (len(coarse) + len(fine))
    assert {batch.shape[0] for batch in (*coarse, *fine)} == {1}
    assert len(coarse) == 2 <= len(fine)
    with pytest.raises(DataError, match="no images"):
        calibration_inputs(quantised, [])


def test_an_altered_part_is_refused(quantised: Path, tmp_path: Path) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(quantised, folder)
    with (folder / "fine_int8.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match=r"fine_int8\.onnx was altered"):
        fra_live.load(folder)


def test_without_quantised_networks_nothing_changes(
    quantised: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(quantised, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("coarse_int8", "fine_int8"):
        del manifest["parts"][name]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert fra_live.load(folder, threads=1).engine.precision in ("f32", "bf16")
    assert cli.main(["bench", "--model", str(folder), "--precision", "int8"]) == 1
    assert "fra-live quantise" in capsys.readouterr().err
