"""Torch engines: the reference on the CPU, and on a GPU the same numbers with CUDA graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from fra_live.errors import EngineError  # noqa: E402
from fra_live.runtime import choose  # noqa: E402
from fra_live.runtime.bundle import Bundle, load_bundle  # noqa: E402
from fra_live.runtime.engine import BACKENDS, open_engines  # noqa: E402
from fra_live.runtime.gpu import Gpu  # noqa: E402
from fra_live.runtime.torch_backend import (  # noqa: E402
    choose_precision,
    cuda_device,
    open_network,
    open_torch,
)
from tests.conftest import without_gpu  # noqa: E402
from tests.runtime.onnx_networks import (  # noqa: E402
    pictures,
    single_operator,
    small_bundle,
    small_network,
)

no_gpu = pytest.mark.skipif(without_gpu() is None, reason="there is a GPU")


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return small_bundle(tmp_path / "small")


def test_a_batch_is_its_images(bundle: Bundle) -> None:
    engine = open_network(bundle.part("coarse"), "f32")
    images = pictures(3, 32, 64)
    together = engine(images)
    assert together[0].shape == (3, 5, 8, 16)
    assert together[1].shape == (3, 3)
    np.testing.assert_allclose(together[0].sum(axis=1), 1, atol=1e-5)
    for i in range(3):
        alone = engine(images[i : i + 1])
        np.testing.assert_allclose(alone[0][0], together[0][i], atol=1e-6)
        np.testing.assert_allclose(alone[1][0], together[1][i], atol=1e-5)
    tensors = engine.run_tensor(torch.from_numpy(images))
    assert all(np.array_equal(a, b) for a, b in zip(together, tensors, strict=True))


@pytest.mark.parametrize("shape", [(1, 64, 64, 4), (64, 64, 3), (1, 64, 64, 3, 1), (1, 2, 2, 3)])
def test_images_of_another_shape(bundle: Bundle, shape: tuple[int, ...]) -> None:
    engine = open_network(bundle.part("coarse"), "f32")
    with pytest.raises(EngineError, match=r"^Torch failed on coarse\.onnx at ") as caught:
        engine(np.zeros(shape, np.uint8))
    assert "\n" not in str(caught.value)
    assert engine(pictures(1, 32, 32))[0].shape == (1, 5, 8, 8)  # and it still runs


def test_precisions() -> None:
    assert choose_precision("auto", on_gpu=True) == ("f16", "half precision")
    assert choose_precision("auto", on_gpu=False) == ("f32", "exact")
    assert choose_precision("f32", on_gpu=True) == ("f32", "as asked")
    with pytest.raises(EngineError, match="not 'int3'"):
        choose_precision("int3", on_gpu=True)
    with pytest.raises(EngineError, match="f16 needs an NVIDIA GPU"):
        choose_precision("f16", on_gpu=False)


@no_gpu
def test_without_a_gpu_torch_runs_on_the_cpu_when_asked(bundle: Bundle) -> None:
    choice = open_engines(bundle, "torch")
    assert (choice.backend, choice.precision) == ("torch", "f32")
    assert choice.reason.startswith("exact, on the CPU: no NVIDIA GPU here")
    with pytest.raises(EngineError, match=r"^There is no NVIDIA GPU here"):
        open_torch(bundle, need_gpu=True)
    with pytest.raises(EngineError, match=r"^There is no NVIDIA GPU here"):
        open_engines(bundle, "tensorrt")
    with pytest.raises(EngineError, match=r"cannot use the GPU|without CUDA"):
        cuda_device()


@no_gpu
def test_without_a_gpu_auto_takes_openvino_and_says_why(bundle: Bundle) -> None:
    choice = open_engines(bundle)
    assert choice.backend == "openvino"
    assert choice.reason.endswith("; no NVIDIA GPU here: no driver is installed")
    with pytest.raises(EngineError, match=r"not 'f16'; no NVIDIA GPU here: no driver is .*\.$"):
        open_engines(bundle, precision="f16")


@no_gpu
def test_what_is_wrong_with_a_gpu_is_told_and_openvino_goes_on(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU whose driver then fails torch and TensorRT, as one too old does."""
    monkeypatch.setattr(choose, "find_gpu", lambda: Gpu("Old", "3.5", 2 << 30, "390.1"))
    choice = open_engines(bundle, threads=1)
    assert choice.backend == "openvino"
    assert "; not tensorrt: " in choice.reason
    assert "; not torch: " in choice.reason
    assert "\n" not in choice.reason
    assert choice.coarse(pictures(1, 32, 32))[0].shape == (1, 5, 8, 8)


def test_any_failure_of_a_gpu_backend_is_survived(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = choose.open_backend

    def open_backend(backend: str, *rest: object, **options: object) -> object:
        if backend != "openvino":
            raise AttributeError("module 'tensorrt' has no attribute 'Builder'")
        return opened(backend, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(choose, "find_gpu", lambda: Gpu("New", "13.0", 2 << 30, "900.1"))
    monkeypatch.setattr(choose, "open_backend", open_backend)
    choice = open_engines(bundle)
    assert choice.backend == "openvino"
    assert "not tensorrt: AttributeError, module 'tensorrt' has no attribute" in choice.reason


def test_an_unknown_operator_is_told(tmp_path: Path) -> None:
    path = tmp_path / "coarse.onnx"
    path.write_bytes(single_operator("Erf", [np.zeros((1, 2), np.float32)]).SerializeToString())
    with pytest.raises(EngineError, match=r"^coarse\.onnx has the operator 'Erf'"):
        open_network(path, "f32")


def test_backends_are_known_by_name(bundle: Bundle) -> None:
    assert BACKENDS == ("tensorrt", "torch", "openvino")
    with pytest.raises(EngineError, match="There is no engine 'abacus'; there are auto, tensorrt"):
        open_engines(bundle, "abacus")


def test_float32_is_not_rounded_by_the_backend() -> None:
    """The switch that a GPU's convolutions run under exists in this torch, and goes back."""
    from fra_live.runtime.torch_backend import _arithmetic

    before = torch.backends.cudnn.benchmark
    with _arithmetic(exact=True):
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.benchmark == before


@pytest.mark.gpu
@pytest.mark.parametrize(("precision", "largest"), [("f32", 1e-4), ("f16", 0.01)])
def test_a_gpu_computes_the_same(bundle: Bundle, precision: str, largest: float) -> None:
    coarse, fine, chosen, _ = open_torch(bundle, precision, need_gpu=True)
    assert chosen == precision
    for engine, name, count in ((coarse, "coarse", 1), (fine, "fine", 3)):
        reference = open_network(bundle.part(name), "f32")
        for seed in range(6):  # before and after the graph's capture
            images = pictures(count, 64, 96, seed)
            exact = reference(images)
            for a, b in zip(exact, engine(images), strict=True):
                assert float(np.abs(a - b).max()) < largest
        assert any(kept.graph is not None for kept in engine._shapes.values())


@pytest.mark.gpu
def test_a_network_becomes_part_of_the_callers_graph(mobile_bundle: Path) -> None:
    coarse, _, _, _ = open_torch(load_bundle(mobile_bundle), "f32", need_gpu=True)
    images = torch.from_numpy(pictures(1, 64, 96)).cuda()
    with torch.cuda.stream(torch.cuda.Stream()):
        expected = [o.clone() for o in coarse.run_tensor(images)]
        coarse.run_tensor(images)
        torch.cuda.current_stream().synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = coarse.run_tensor(images)
        graph.replay()
        torch.cuda.current_stream().synchronize()
    for a, b in zip(expected, outputs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.gpu
def test_many_shapes_keep_few_graphs(tmp_path: Path) -> None:
    path = tmp_path / "coarse.onnx"
    path.write_bytes(small_network().SerializeToString())
    engine = open_network(path, "f16", cuda_device())
    for width in range(32, 32 * 20, 32):
        for _ in range(4):
            assert engine(pictures(1, 32, width))[0].shape == (1, 5, 8, width // 4)
    assert len(engine._shapes) <= 12
