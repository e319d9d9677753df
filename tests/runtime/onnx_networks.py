"""Small ONNX networks with the inputs and outputs of ours, and untrained bundles of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fra_live.runtime.bundle import Bundle, load_bundle, sha256
from tests.tiny import LABELS, PARAMETERS

STRIDE = 4


def small_network(seed: int = 0, scale: float = 1.0) -> onnx.ModelProto:
    """Two convolutions and an action head over `tests.tiny.LABELS`; weights times `scale`."""
    rng = np.random.default_rng(seed)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        fan = float(np.prod(shape[1:])) or 1.0
        values = (scale * rng.normal(0, 1 / np.sqrt(fan), shape)).astype(np.float32)
        return numpy_helper.from_array(values, name)

    def integers(name: str, *values: int) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(values, np.int64), name)

    labels, actions = len(LABELS.names), len(LABELS.actions) + 1
    nodes = [
        helper.make_node("Transpose", ["images"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["bgr"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["bgr", "last", "before", "channel", "back"], ["rgb"]),
        helper.make_node("Constant", [], ["byte"], value_float=1 / 255),
        helper.make_node("Mul", ["rgb", "byte"], ["x"]),
        helper.make_node("Conv", ["x", "w0", "b0"], ["y0"], kernel_shape=[4, 4],
                         strides=[STRIDE, STRIDE]),
        helper.make_node("Clip", ["y0", "low", "high"], ["y1"]),
        helper.make_node("Conv", ["y1", "w1"], ["scores"], kernel_shape=[1, 1]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ReduceMean", ["y1", "pixels"], ["pooled"], keepdims=0),
        helper.make_node("Gemm", ["pooled", "w2", "b2"], ["action_logits"], transB=1),
    ]  # fmt: skip
    constants = [
        weights("w0", 16, 3, 4, 4), weights("b0", 16), weights("w1", labels, 16, 1, 1),
        weights("w2", actions, 16), weights("b2", actions),
        integers("last", -1), integers("before", -(2**62)), integers("channel", 1),
        integers("back", -1), integers("pixels", 2, 3),
        numpy_helper.from_array(np.float32(0), "low"),
        numpy_helper.from_array(np.float32(6), "high"),
    ]  # fmt: skip
    inputs = [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", "h", "w", 3])]
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", labels, "p", "q"]),
        helper.make_tensor_value_info("action_logits", TensorProto.FLOAT, ["n", actions]),
    ]
    made = model(nodes, inputs, outputs, constants)
    onnx.checker.check_model(made)
    return made


def quantised_network(zero: int = 0) -> onnx.ModelProto:
    """`small_network` as the quantiser leaves it: pairs round the image and both convolutions."""
    network = small_network()
    graph = network.graph
    made = list(graph.node)
    constants = {t.name: t for t in graph.initializer}

    def pair(name: str, scale: float, kind: type[np.generic]) -> list[onnx.NodeProto]:
        graph.initializer.extend([
            numpy_helper.from_array(np.float32(scale), f"{name}_scale"),
            numpy_helper.from_array(np.asarray(zero, kind), f"{name}_zero"),
        ])  # fmt: skip
        both = [f"{name}_scale", f"{name}_zero"]
        down = helper.make_node("QuantizeLinear", [name, *both], [f"{name}_q"])
        return [down, helper.make_node("DequantizeLinear", [f"{name}_q", *both], [f"{name}_dq"])]

    def weights(name: str) -> onnx.NodeProto:
        array = numpy_helper.to_array(constants[name])
        scale = np.abs(array).max(axis=tuple(range(1, array.ndim))) / 63
        scale[0] = 1e-9  # a channel that has all but vanished
        graph.initializer.remove(constants[name])
        shape = (-1,) + (1,) * (array.ndim - 1)
        small = np.clip(np.round(array / scale.reshape(shape)), -64, 63).astype(np.int8)
        graph.initializer.extend([
            numpy_helper.from_array(small, f"{name}_q"),
            numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
            numpy_helper.from_array(np.zeros(len(scale), np.int8), f"{name}_zero"),
        ])  # fmt: skip
        inputs = [f"{name}_q", f"{name}_scale", f"{name}_zero"]
        return helper.make_node("DequantizeLinear", inputs, [f"{name}_dq"], axis=0)

    del graph.node[:]
    for node in made:
        if node.op_type in ("Conv", "Gemm"):
            graph.node.append(weights(node.input[1]))
            node.input[1] += "_dq"
        if node.op_type == "Conv":
            node.input[0] += "_dq"
        if node.op_type == "Slice":
            node.input[0] = "bgr_dq"
        graph.node.append(node)
        name = node.output[0]
        if name in ("bgr", "x", "y1"):
            scale, kind = {"bgr": (1.0, np.uint8), "x": (1 / 127, np.int8),
                           "y1": (6 / 255, np.uint8)}[name]  # fmt: skip
            graph.node.extend(pair(name, scale, kind))
    onnx.checker.check_model(network)
    return network


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Sequence[onnx.TensorProto] = (),
    opset: int = 18,
) -> onnx.ModelProto:
    """A model, of the opset that our networks have."""
    graph = helper.make_graph(nodes, "test", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def single_operator(kind: str, arrays: Sequence[np.ndarray], **attributes: Any) -> onnx.ModelProto:
    """One node between one input (`arrays[0]`) and one output; the other arrays are constants.

    An array of shape (0,) is an input that is left out.
    """
    names = [f"in{i}" if a.size or a.ndim else "" for i, a in enumerate(arrays)]
    inputs = [helper.make_tensor_value_info("in0", _kind(arrays[0]), [None] * arrays[0].ndim)]
    node = helper.make_node(kind, names, ["out"], **attributes)
    constants = [numpy_helper.from_array(a, n) for a, n in zip(arrays, names, strict=True)][1:]
    made = attributes["to"] if kind == "Cast" else 7 if kind == "Shape" else _kind(arrays[0])
    # ONNX's reference knows this one from then on.
    opset = 19 if kind == "DequantizeLinear" else 18
    return model([node], inputs, [value("out", made)], [c for c in constants if c.name], opset)


def value(name: str, kind: int) -> onnx.ValueInfoProto:
    """A value of any shape."""
    return helper.make_tensor_value_info(name, kind, None)


def _kind(array: np.ndarray) -> int:
    return int(helper.np_dtype_to_tensor_dtype(array.dtype))


def small_bundle(folder: Path, networks: Mapping[str, onnx.ModelProto] | None = None) -> Bundle:
    """A bundle of small networks; its heads are for no use but to be there."""
    folder.mkdir(parents=True)
    made = networks or {"coarse": small_network(0), "fine": small_network(1)}
    for name, network in made.items():
        (folder / f"{name}.onnx").write_bytes(network.SerializeToString())
    np.savez(folder / "heads.npz", nothing=np.zeros(1))
    files = {name: f"{name}.onnx" for name in made} | {"heads": "heads.npz"}
    manifest = {
        "format": 1,
        "name": folder.name,
        "labels": LABELS.to_dict(),
        "parameters": asdict(PARAMETERS),
        "threshold": 0.5,
        "parts": {n: {"file": f, "sha256": sha256(folder / f)} for n, f in files.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return load_bundle(folder)


def pictures(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """(N, H, W, 3) uint8, smooth as photos are."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, height // 8, width // 8, 3), np.uint8)
    return np.ascontiguousarray(small.repeat(8, axis=1).repeat(8, axis=2))
