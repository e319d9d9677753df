"""The half-precision rewriting: types written out, values near, inputs and outputs as before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from fra_live.errors import EngineError  # noqa: E402
from fra_live.runtime.bundle import load_bundle  # noqa: E402
from fra_live.runtime.half import prepare  # noqa: E402
from fra_live.runtime.onnx_graph import read_model  # noqa: E402
from fra_live.runtime.onnx_module import OnnxModule  # noqa: E402
from tests.runtime.onnx_networks import (  # noqa: E402
    model,
    pictures,
    quantised_network,
    small_network,
    value,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """CPUs have no half-precision convolutions; torch's own take ages when threads contend."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(network: onnx.ModelProto, images: np.ndarray) -> list[np.ndarray]:
    with torch.inference_mode():
        return [o.numpy() for o in OnnxModule(network, "test.onnx")(torch.from_numpy(images))]


def types_of(network: onnx.ModelProto) -> dict[str, int]:
    """Type of every value, as ONNX's own inference finds it; fails where types clash."""
    inferred = onnx.shape_inference.infer_shapes(network, check_type=True, strict_mode=True)
    values = [*inferred.graph.value_info, *inferred.graph.output, *inferred.graph.input]
    known = {v.name: v.type.tensor_type.elem_type for v in values}
    return known | {t.name: t.data_type for t in inferred.graph.initializer}


def test_convolutions_are_halved_and_sums_are_not() -> None:
    halved = prepare(small_network(), "f16")
    onnx.checker.check_model(halved)
    types = types_of(halved)
    for node in halved.graph.node:
        inputs = [types[name] for name in node.input if name in types]
        if node.op_type in ("Conv", "Clip"):
            assert set(inputs) == {TensorProto.FLOAT16}, node
        if node.op_type in ("Softmax", "ReduceMean", "Gemm", "Mul"):
            assert TensorProto.FLOAT16 not in inputs, node


@pytest.mark.parametrize("precision", ["f32", "f16"])
def test_inputs_and_outputs_stay(precision: str) -> None:
    network = small_network()
    before = network.SerializeToString()
    made = prepare(network, precision)
    assert network.SerializeToString() == before
    for old, new in ((network.graph.input, made.graph.input),
                     (network.graph.output, made.graph.output)):  # fmt: skip
        assert [o.SerializeToString() for o in old] == [n.SerializeToString() for n in new]
    types = types_of(made)
    assert {types["probabilities"], types["action_logits"]} == {TensorProto.FLOAT}
    # TensorRT takes bytes only where they are cast at once.
    readers = [n.op_type for n in made.graph.node if "images" in n.input]
    assert readers == ["Cast"]


def test_values_are_near_but_not_the_same() -> None:
    network, images = small_network(), pictures(2, 32, 64)
    exact = run(network, images)
    assert all(np.array_equal(a, b) for a, b in zip(exact, run(prepare(network, "f32"), images),
                                                    strict=True))  # fmt: skip
    near = run(prepare(network, "f16"), images)
    for a, b in zip(exact, near, strict=True):
        assert b.dtype == np.float32
        assert 0 < float(np.abs(a - b).max()) < 3e-3


def test_the_shipped_network_keeps_its_probabilities(mobile_bundle: Path) -> None:
    network = read_model(load_bundle(mobile_bundle).part("coarse"))
    images = pictures(1, 32, 64)
    exact, near = run(network, images), run(prepare(network, "f16"), images)
    assert float(np.abs(exact[0] - near[0]).max()) < 0.02
    assert (exact[0].argmax(1) == near[0].argmax(1)).mean() > 0.99
    types_of(prepare(network, "f16"))


def one_convolution(weights: np.ndarray) -> onnx.ModelProto:
    """x → Conv → y, in which y is itself computed in half precision."""
    return model(
        [helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]),
         helper.make_node("Clip", ["c", "low", "high"], ["y"]),
         helper.make_node("Relu", ["y"], ["z"])],
        [helper.make_tensor_value_info("x", 1, [1, 1, 2, 2])],
        [value("y", 1), value("z", 1)],
        [numpy_helper.from_array(weights.astype(np.float32).reshape(1, 1, 1, 1), "w"),
         numpy_helper.from_array(np.float32(-3e38), "low"),
         numpy_helper.from_array(np.float32(3e38), "high")],
    )  # fmt: skip


def test_an_output_that_others_read_is_float32_too() -> None:
    """And limits beyond half precision's reach become its largest value, not infinity."""
    halved = prepare(one_convolution(np.array([2.0])), "f16")
    found = OnnxModule(halved, "test.onnx")(torch.full((1, 1, 2, 2), -3.0))
    assert [o.dtype for o in found] == [torch.float32] * 2
    assert float(found[0].max()) == -6
    assert float(found[1].max()) == 0
    limits = [numpy_helper.to_array(t) for t in halved.graph.initializer if t.data_type == 10]
    assert all(np.isfinite(limit).all() for limit in limits)


def test_weights_too_large_for_it_are_told() -> None:
    network = small_network(scale=1e8)
    with pytest.raises(EngineError, match=r"^The weights 'w0' are too large .* --precision f32\.$"):
        prepare(network, "f16")
    prepare(network, "f32")


def test_constants_used_in_both_precisions_are_there_twice() -> None:
    network = model(
        [helper.make_node("Add", ["x", "c"], ["a"]),
         helper.make_node("Conv", ["a", "w"], ["b"], kernel_shape=[1, 1]),
         helper.make_node("Add", ["b", "c"], ["d"])],
        [helper.make_tensor_value_info("x", 1, [1, 1, 2, 2])],
        [value("d", 1)],
        [numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), n) for n in ("c", "w")],
    )  # fmt: skip
    halved = prepare(network, "f16")
    kinds = sorted((t.name, t.data_type) for t in halved.graph.initializer)
    assert kinds == [("c", 1), ("c_as_f16", 10), ("w_as_f16", 10)]
    assert float(OnnxModule(halved, "t")(torch.zeros(1, 1, 2, 2))[0].max()) == 2


def test_a_quantised_network_becomes_signed_and_half() -> None:
    network, images = quantised_network(), pictures(2, 32, 64)
    before = network.SerializeToString()
    made = prepare(network, "int8")
    assert network.SerializeToString() == before
    onnx.checker.check_model(made)
    types = types_of(made)
    quantised = [n for n in made.graph.node if n.op_type == "QuantizeLinear"]
    restored = [n for n in made.graph.node if n.op_type == "DequantizeLinear"]
    assert len(quantised) == 2  # round the image alone it is dropped
    assert len(restored) == 4  # two activations, two convolutions' weights; not the Gemm's
    assert {types[n.output[0]] for n in quantised} == {TensorProto.INT8}
    for node in made.graph.node:
        if node.op_type == "Conv":  # TensorRT looks for a pair right before the convolution
            makers = [n.op_type for n in made.graph.node if n.output[0] in node.input[:2]]
            assert makers.count("DequantizeLinear") == 2, makers
    scales = [numpy_helper.to_array(t) for t in made.graph.initializer if "scale" in t.name]
    assert all((s > 0).all() for s in scales)
    exact, near = run(network, images), run(made, images)
    assert float(np.abs(exact[0] - near[0]).max()) < 0.03
    assert float(np.abs(run(small_network(), images)[0] - near[0]).mean()) < 0.05


@pytest.mark.parametrize(
    ("network", "said"),
    [(quantised_network(3), "quantised round zero points"), (small_network(), "is not quantised")],
)  # fmt: skip
def test_what_tensorrt_cannot_take_is_told(network: onnx.ModelProto, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        prepare(network, "int8")
