"""Our operators against ONNX's own reference, and the shipped networks against OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx.reference import ReferenceEvaluator  # noqa: E402

from fra_live.errors import EngineError  # noqa: E402
from fra_live.runtime.bundle import load_bundle  # noqa: E402
from fra_live.runtime.onnx_graph import constant_value, read_model  # noqa: E402
from fra_live.runtime.onnx_module import OnnxModule  # noqa: E402
from fra_live.runtime.openvino import compile_network  # noqa: E402
from tests.runtime.onnx_networks import (  # noqa: E402
    model,
    pictures,
    single_operator,
    small_network,
    value,
)

RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(0, 1, shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


NONE = np.zeros(0, np.float32)  # an input that is left out
X = floats(2, 4, 6, 8)

OPERATORS: list[tuple[str, str, list[np.ndarray], dict[str, Any]]] = [
    ("padded", "Conv", [X, floats(5, 4, 3, 3), floats(5)], {"pads": [1, 1, 1, 1]}),
    ("stride, uneven padding", "Conv", [X, floats(5, 4, 3, 3)],
     {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
    ("depthwise", "Conv", [X, floats(4, 1, 3, 3)], {"group": 4, "pads": [1, 1, 1, 1]}),
    ("dilated", "Conv", [X, floats(2, 4, 2, 2)], {"dilations": [2, 3]}),
    ("2x2", "MaxPool", [X], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("padded", "MaxPool", [X], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("whole", "GlobalAveragePool", [X], {}),
    ("to sizes", "Resize", [X, NONE, NONE, ints(2, 4, 12, 17)],
     {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}),
    ("by scales", "Resize", [X, NONE, np.array([1, 1, 2, 2], np.float32)],
     {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
    ("nearest", "Resize", [X, NONE, np.array([1, 1, 2, 2], np.float32)],
     {"mode": "nearest", "coordinate_transformation_mode": "asymmetric",
      "nearest_mode": "floor"}),
    ("axes as input", "ReduceMean", [X, ints(2, 3)], {"keepdims": 0}),
    ("all axes", "ReduceMean", [X], {}),
    ("axes as input", "ReduceMax", [X, ints(-1)], {}),
    ("transposed weights", "Gemm", [floats(2, 3), floats(4, 3), floats(4)], {"transB": 1}),
    ("scaled", "Gemm", [floats(3, 2), floats(3, 4), floats(4)],
     {"transA": 1, "alpha": 0.5, "beta": 2.0}),
    ("without bias", "Gemm", [floats(2, 3), floats(3, 4)], {}),
    ("both limits", "Clip", [X, np.float32(-0.5).reshape(()), np.float32(0.5).reshape(())], {}),
    ("one limit", "Clip", [X, np.float32(0).reshape(())], {}),
    ("all sides", "Pad", [X, ints(0, 0, 1, 2, 0, 0, 3, 4)], {}),
    ("axes and value", "Pad", [X, ints(1, 0, 0, 2), np.float32(7).reshape(()), ints(3, 1)], {}),
    ("backwards", "Slice", [X, ints(-1), ints(-(2**62)), ints(1), ints(-1)], {}),
    ("backwards by two", "Slice", [X, ints(6), ints(0), ints(3), ints(-2)], {}),
    ("forwards", "Slice", [X, ints(1, 0), ints(100, -1), ints(2, 3), ints(2, 3)], {}),
    ("nothing left", "Slice", [X, ints(5), ints(2), ints(3)], {}),
    ("some", "Gather", [X, ints(2, -1, 0)], {"axis": 1}),
    ("one", "Gather", [X, np.array(1, np.int64)], {"axis": 2}),
    ("kept and guessed", "Reshape", [X, ints(0, -1, 8)], {}),
    ("inner", "Unsqueeze", [X, ints(1, -1)], {}),
    ("given", "Squeeze", [floats(2, 1, 3, 1), ints(1)], {}),
    ("channels last", "Transpose", [X], {"perm": [0, 2, 3, 1]}),
    ("reversed", "Transpose", [X], {}),
    ("from an axis", "Flatten", [X], {"axis": 2}),
    ("channels", "Softmax", [X], {"axis": 1}),
    ("to integers", "Cast", [X], {"to": 7}),
    ("plain", "Relu", [X], {}),
    ("plain", "Sigmoid", [X], {}),
    ("plain", "HardSwish", [X], {}),
    ("its own slope", "HardSigmoid", [X], {"alpha": 0.3, "beta": 0.4}),
    ("broadcast", "Add", [X, floats(4, 1, 1)], {}),
    ("broadcast", "Sub", [X, floats(1)], {}),
    ("broadcast", "Mul", [X, floats(6, 8)], {}),
    ("floats", "Div", [X, floats(4, 1, 1) + 3], {}),
    ("integers, down to zero", "Div", [ints(7, -7, 9), ints(2)], {}),
    ("signed", "QuantizeLinear", [X, np.float32(0.02).reshape(()), np.int8(0).reshape(())], {}),
    ("a channel each", "QuantizeLinear",
     [X, np.array([0.01, 0.02, 0.03, 0.04], np.float32), np.array([0, 5, 9, 128], np.uint8)],
     {"axis": 1}),
    ("a row each", "DequantizeLinear",
     [RNG.integers(-128, 128, (3, 4), np.int8), np.array([0.1, 1, 2], np.float32),
      np.zeros(3, np.int8)], {"axis": 0}),
    ("zero point", "DequantizeLinear",
     [RNG.integers(0, 256, (3, 4), np.uint8), np.float32(0.1).reshape(()),
      np.uint8(128).reshape(())], {}),
    ("batches", "MatMul", [X, floats(8, 3)], {}),
    ("last first", "Concat", [X, floats(2, 4, 6, 1)], {"axis": -1}),
    ("part", "Shape", [X], {"start": 1, "end": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "kind", "arrays", "attributes"), OPERATORS,
                         ids=[f"{k}-{c}" for c, k, _, _ in OPERATORS])  # fmt: skip
def test_an_operator_is_what_onnx_says(
    case: str, kind: str, arrays: list[np.ndarray], attributes: dict[str, Any]
) -> None:
    network = single_operator(kind, arrays, **attributes)
    expected = ReferenceEvaluator(network).run(None, {"in0": arrays[0]})[0]
    with torch.inference_mode():
        found = OnnxModule(network, "test.onnx")(torch.from_numpy(arrays[0]))[0].numpy()
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_shapes_are_computed_on_the_host() -> None:
    """As the exporter writes an upsampling to the size of another map."""
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    network = model(
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "two"], ["h"], axis=0),
            node("Mul", ["h", "two"], ["h2"]),
            node("Concat", ["one_four", "h2", "h2"], ["size"], axis=0),
            node("Resize", ["x", "", "", "size"], ["y"], mode="linear"),
        ],
        [info("x", 1, [1, 4, "h", "w"])],
        [value("y", 1)],
        [
            onnx.numpy_helper.from_array(ints(2), "two"),
            onnx.numpy_helper.from_array(ints(1, 4), "one_four"),
        ],
    )
    module = OnnxModule(network, "test.onnx")
    for side in (4, 6):  # a new shape is no new module
        x = floats(1, 4, side, side)
        expected = ReferenceEvaluator(network).run(None, {"x": x})[0]
        np.testing.assert_allclose(module(torch.from_numpy(x))[0], expected, atol=1e-5)
    assert all(step.hosted for step in module._steps[:-1])


@pytest.mark.parametrize("name", ["coarse", "fine"])
def test_the_shipped_networks_run_as_under_openvino(mobile_bundle: Path, name: str) -> None:
    path = load_bundle(mobile_bundle).part(name)
    images = pictures(2, 64, 96)
    module = OnnxModule(read_model(path), path.name)
    with torch.inference_mode():
        found = module(torch.from_numpy(images))
    expected = compile_network(path, "f32", threads=1)(images)
    assert found[0].shape == expected[0].shape
    np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-4)


def test_only_weights_move_to_the_device() -> None:
    """What says where to cut or how far to go would make every run wait for the device."""
    module = OnnxModule(small_network(), "test.onnx")
    shapes = sorted(tuple(b.shape) for b in module.buffers())
    assert shapes == sorted([(), (16, 3, 4, 4), (16,), (5, 16, 1, 1), (3, 16), (3,)])
    assert all(b.dtype == torch.float32 for b in module.buffers())


def test_unknown_operators_are_named() -> None:
    network = single_operator("Erf", [X])
    with pytest.raises(
        EngineError, match=r"^net\.onnx has the operator 'Erf', which .*openvino\.$"
    ):
        OnnxModule(network, "net.onnx")


@pytest.mark.parametrize(
    ("kind", "arrays", "attributes", "said"),
    [
        ("Conv", [X, floats(5, 4, 3, 3)], {"auto_pad": "SAME_UPPER"}, "Conv with auto_pad"),
        ("Conv", [floats(1, 2, 9), floats(5, 2, 3)], {}, "Conv of other than two dimensions"),
        ("Pad", [X, ints(*[1] * 8)], {"mode": "reflect"}, "Pad of mode reflect"),
        ("Resize", [X, NONE, np.ones(4, np.float32)], {"mode": "cubic"}, "Resize of mode cubic"),
    ],
)  # fmt: skip
def test_unknown_uses_of_operators_are_named(
    kind: str, arrays: list[np.ndarray], attributes: dict[str, Any], said: str
) -> None:
    module = OnnxModule(single_operator(kind, arrays, **attributes), "net.onnx")
    with pytest.raises(EngineError, match=rf"^net\.onnx has a {said}"):
        module(torch.from_numpy(arrays[0]))


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07" * 40])
def test_files_that_are_no_network(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "coarse.onnx"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"coarse\.onnx (cannot be read|is no network)") as caught:
        read_model(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(EngineError, match="none"):
        read_model(tmp_path / "none.onnx")


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    network = small_network()
    tensor = network.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret"
    path = tmp_path / "coarse.onnx"
    path.write_bytes(network.SerializeToString())
    with pytest.raises(EngineError, match="weights in other files"):
        read_model(path)


def test_a_value_that_nothing_makes_is_told() -> None:
    network = small_network()
    del network.graph.node[5]
    with pytest.raises(EngineError, match=r"net\.onnx is damaged: nothing makes its value 'y0'"):
        OnnxModule(network, "net.onnx")


def test_constants_in_all_their_forms() -> None:
    node = onnx.helper.make_node
    assert constant_value(node("Constant", [], ["c"], value_ints=[1, 2])).tolist() == [1, 2]
    assert constant_value(node("Constant", [], ["c"], value_float=0.5)).dtype == np.float32
    with pytest.raises(EngineError, match="holds no numbers"):
        constant_value(node("Constant", [], ["c"], value_string="x"))
