"""OpenVINO on the tiny model: sizes, precisions, and files that are no network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fra_live
from fra_live.errors import EngineError
from fra_live.runtime.bundle import load_bundle
from fra_live.runtime.engine import BACKENDS, open_engines
from fra_live.runtime.openvino import choose_precision, compile_network
from tests.tiny import LABELS, scene


@pytest.fixture(scope="module")
def network(tiny_model: Path) -> Path:
    return load_bundle(tiny_model).part("coarse")


def images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def test_shapes_come_and_go(network: Path) -> None:
    engine = compile_network(network, "f32", threads=1)
    first = tuple(a.copy() for a in engine(images(1, 64, 96)))
    assert first[0].shape == (1, 5, 16, 24)  # stride 4
    assert first[1].shape == (1, 3)
    assert first[0].dtype == first[1].dtype == np.float32
    np.testing.assert_allclose(first[0].sum(axis=1), 1.0, atol=1e-5)
    assert engine(images(2, 32, 32))[0].shape == (2, 5, 8, 8)
    again = engine(images(1, 64, 96))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_batch_is_its_images(network: Path) -> None:
    engine = compile_network(network, "f32", threads=1)
    batch = images(3, 32, 64)
    together = tuple(a.copy() for a in engine(batch))
    for i in range(3):
        alone = engine(batch[i : i + 1])
        np.testing.assert_allclose(alone[0][0], together[0][i], atol=1e-5)
        np.testing.assert_allclose(alone[1][0], together[1][i], atol=1e-4)


def test_bfloat16_is_near(network: Path) -> None:
    exact = compile_network(network, "f32", threads=1)(images(1, 64, 64))[0]
    near = compile_network(network, "bf16", threads=1)(images(1, 64, 64))[0]
    assert near.dtype == np.float32
    assert float(np.abs(near - exact).max()) < 0.05


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07" * 40])
def test_files_that_are_no_network(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "coarse.onnx"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"OpenVINO cannot read .*coarse\.onnx: ") as caught:
        compile_network(path, "f32")
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"OpenVINO cannot read .*none\.onnx: "):
        compile_network(tmp_path / "none.onnx", "f32")


@pytest.mark.parametrize("shape", [(1, 64, 64, 4), (64, 64, 3), (1, 64, 64, 3, 1)])
def test_images_of_another_shape(network: Path, shape: tuple[int, ...]) -> None:
    engine = compile_network(network, "f32", threads=1)
    with pytest.raises(EngineError, match=r"OpenVINO failed on coarse\.onnx at ") as caught:
        engine(np.zeros(shape, np.uint8))
    assert "\n" not in str(caught.value)
    assert engine(images(1, 32, 32))[0].shape == (1, 5, 8, 8)  # and it still runs


def test_precisions() -> None:
    assert choose_precision("f32") == ("f32", "as asked")
    chosen, reason = choose_precision()
    assert chosen in ("f32", "bf16")
    assert "bfloat16" in reason
    assert choose_precision(int8=True)[0] == "int8"
    with pytest.raises(EngineError, match="no quantised networks"):
        choose_precision("int8")
    with pytest.raises(EngineError, match="not 'int3'"):
        choose_precision("int3")


def test_the_choice_is_announced(tiny_model: Path) -> None:
    choice = open_engines(load_bundle(tiny_model), "openvino", "f32", threads=1)
    assert str(choice) == "openvino, f32: as asked"
    assert set(BACKENDS) >= {"openvino"}
    with pytest.raises(EngineError, match=r"There is no engine 'abacus'; there are auto, tensorrt"):
        open_engines(load_bundle(tiny_model), "abacus")


def test_the_public_way(tiny_model: Path) -> None:
    recognizer = fra_live.load(tiny_model, threads=1)
    assert recognizer.labels == LABELS
    assert recognizer.bundle.folder == tiny_model
    recognizer.warm_up((60, 80))
    for action in ("drinking", "none"):
        image = scene(action, (120, 160), 5)[0]
        result = recognizer(image, explain=True)
        assert sum(result.actions.values()) == pytest.approx(1)
        assert result.explanation is not None
        assert len(result.candidates) <= 3
        first, second = result.to_dict(), recognizer(image).to_dict()
        del first["stages_ms"], second["stages_ms"]
        assert first == second
    assert recognizer(images(1, 1)).frame == (1, 1)
