"""A network with 8-bit integers, as the quantiser leaves it, made fit for TensorRT.

The quantiser writes QuantizeLinear and DequantizeLinear round the inputs of convolutions. TensorRT
takes such pairs with signed integers and no zero point only, and in half precision its scales are
half precision too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fra_live.errors import EngineError

if TYPE_CHECKING:
    import onnx

# A ReLU's output in 0..255 becomes 0..127: a bit less of it, with the same largest value.
_WIDER = 255 / 127
_LEAST_SCALE = float(np.finfo(np.float16).tiny)
# What a pair is worth its rounding for; round the preparation of the image it only costs.
_WORTH_IT = {"Conv", "ConvTranspose", "MatMul", "Add", "Resize", "Concat", "MaxPool"}


def make_signed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite the pairs of a quantised network for TensorRT.

    Args:
        model: with pairs of uint8 or int8 whose zero points are 0; it is left as it is.

    Raises:
        EngineError: it holds no pairs, or one with a zero point.
    """
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    constants = {t.name: t for t in graph.initializer}
    quantised = [n for n in graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    if not quantised:
        raise EngineError("The network is not quantised: it has no QuantizeLinear.")
    _drop_useless(graph, constants)
    signed: set[str] = set()  # constants are shared between the two halves of a pair
    for node in quantised:
        if len(node.input) > 2 and node.input[2]:
            zero = constants[node.input[2]]
            array = onnx.numpy_helper.to_array(zero)
            if array.any():
                raise EngineError(
                    f"The network is quantised round zero points ('{node.name}'), which TensorRT "
                    "does not take; quantise it symmetrically."
                )
            if array.dtype == np.uint8:
                _set(zero, array.astype(np.int8))
                scale = constants[node.input[1]]
                if scale.name not in signed:
                    signed.add(scale.name)
                    _set(scale, onnx.numpy_helper.to_array(scale) * np.float32(_WIDER))
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            _raise_scales(node, constants)
    return made


def _set(constant: onnx.TensorProto, array: np.ndarray) -> None:
    import onnx

    constant.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(array), constant.name))


def _raise_scales(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> None:
    """Channels whose weights all but vanish have scales that half precision does not hold."""
    import onnx

    weights, scales = (constants[n] for n in node.input[:2])
    scale = onnx.numpy_helper.to_array(scales)
    least = np.maximum(scale, np.float32(_LEAST_SCALE))
    if np.array_equal(least, scale):
        return
    values = onnx.numpy_helper.to_array(weights)
    shape = [1] * values.ndim
    if scale.ndim:
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape[axis] = -1
    ratio = (scale / least).reshape(shape)
    _set(weights, np.round(values * ratio).astype(np.int8))
    _set(scales, least)


def _drop_useless(graph: onnx.GraphProto, constants: dict[str, onnx.TensorProto]) -> None:
    """Take out the pairs that no operator of `_WORTH_IT` reads; weights of others become floats."""
    import onnx

    readers: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    makers = {name: node for node in graph.node for name in node.output}
    renamed: dict[str, str] = {}
    dropped = []
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or readers.get(node.output[0], set()) & _WORTH_IT:
            continue
        dropped.append(node)
        if node.input[0] in constants:
            values, scale = (onnx.numpy_helper.to_array(constants[n]) for n in node.input[:2])
            shape = [1] * values.ndim
            if scale.ndim:
                shape[next((a.i for a in node.attribute if a.name == "axis"), 1)] = -1
            name = f"{node.output[0]}_as_floats"
            array = (values * scale.reshape(shape)).astype(np.float32)
            graph.initializer.append(onnx.numpy_helper.from_array(array, name))
            renamed[node.output[0]] = name
        else:
            renamed[node.output[0]] = makers[node.input[0]].input[0]
    for node in dropped:
        graph.node.remove(node)
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name in renamed:
                node.input[i] = renamed[name]
    read = {name for node in graph.node for name in node.input}
    idle = [n for n in graph.node if n.op_type == "QuantizeLinear" and n.output[0] not in read]
    for node in idle:
        graph.node.remove(node)
