"""A float32 ONNX network rewritten in half precision, types written out node by node.

TensorRT runs every node in the type that the file gives it (its "strong typing"), and torch on a
GPU runs the same file, so both compute alike. Convolutions and what passes their values on work in
float16; sums over many values (means, softmax, the small fully connected layers whose logits the
classifier reads) stay in float32. Inputs and outputs keep their types.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from fra_live.errors import EngineError
from fra_live.runtime.int8 import make_signed
from fra_live.runtime.onnx_graph import attributes, constant_value

if TYPE_CHECKING:
    import onnx

REVISION = 1  # counted up whenever the same file is rewritten differently: plans are then rebuilt

_FLOAT, _HALF = 1, 10  # TensorProto.DataType
_LARGEST = float(np.finfo(np.float16).max)
# Where nearly all the work is.
_HALVED = {"Conv", "ConvTranspose", "MatMul", "DequantizeLinear"}
# What takes the type of the data that comes in; everything unknown is computed in float32.
_FOLLOWING = {
    "Add", "Clip", "Concat", "Div", "Expand", "Flatten", "Gather", "GlobalMaxPool", "HardSigmoid",
    "HardSwish", "Identity", "LeakyRelu", "Max", "MaxPool", "Min", "Mul", "Neg", "Pad", "PRelu",
    "QuantizeLinear", "ReduceMax", "Relu", "Reshape", "Resize", "Sigmoid", "Slice", "Squeeze",
    "Sub", "Tanh", "Transpose", "Unsqueeze",
}  # fmt: skip
_FIXED_INPUTS = {"Resize": (1, 2)}  # of these operators these inputs are float32 in any case
_OUTPUT_TYPES = {"Shape": 7, "Size": 7, "ArgMax": 7, "Equal": 9, "Greater": 9, "Less": 9}


def prepare(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """The network as TensorRT takes it, in the precision wanted.

    Args:
        model: as `read_model` gives it; it is left as it is.
        precision: "f32", "f16", or for a quantised network "int8", the rest of it in float16.

    Raises:
        EngineError: a weight is too large for float16, or the network is not quantised as
            TensorRT takes it.
    """
    if precision == "int8":
        model = make_signed(model)
    return _Rewriter(model, halve=precision != "f32").result()


class _Rewriter:
    """Goes over the nodes once, in their order, and knows the type of every value made so far."""

    def __init__(self, model: onnx.ModelProto, halve: bool) -> None:
        self._model, self._halve = model, halve
        graph = model.graph
        self._constants = {t.name: t for t in graph.initializer}
        self._types = {t.name: t.data_type for t in graph.initializer}
        self._types.update((i.name, i.type.tensor_type.elem_type) for i in graph.input)
        self._nodes: list[onnx.NodeProto] = []
        self._casts: dict[tuple[str, int], str] = {}

    def result(self) -> onnx.ModelProto:
        import onnx

        graph = self._model.graph
        for node in graph.node:
            if node.op_type == "Constant":
                name = node.output[0]
                self._hold(onnx.numpy_helper.from_array(constant_value(node), name))
            else:
                self._rewrite(node)
        self._restore_outputs(o.name for o in graph.output)
        used = {name for node in self._nodes for name in node.input}
        made = onnx.ModelProto()
        made.CopyFrom(self._model)
        del made.graph.node[:], made.graph.initializer[:], made.graph.value_info[:]
        made.graph.node.extend(self._nodes)
        made.graph.initializer.extend(t for n, t in self._constants.items() if n in used)
        if self._halve:
            for opset in made.opset_import:
                if opset.domain in ("", "ai.onnx"):  # scales in half precision are from 19 on
                    opset.version = max(opset.version, 19)
        return made

    def _hold(self, constant: onnx.TensorProto) -> None:
        self._constants[constant.name] = constant
        self._types[constant.name] = constant.data_type

    def _rewrite(self, node: onnx.NodeProto) -> None:
        import onnx

        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        fixed = _FIXED_INPUTS.get(node.op_type, ())
        floats = [
            i
            for i, name in enumerate(node.input)
            if self._types.get(name) in (_FLOAT, _HALF) and i not in fixed
        ]
        wanted = self._wanted(node, floats)
        if node.op_type != "Cast":
            for i in floats:
                copy.input[i] = self._as(node.input[i], wanted)
            for i, name in enumerate(node.input):
                # TensorRT knows bytes as inputs of a network only, to be cast at once.
                if name in self._bytes():
                    copy.input[i] = self._as(name, _FLOAT)
        self._nodes.append(copy)
        kind = self._output_type(node, wanted if floats else None, copy)
        self._types.update((name, kind) for name in node.output if name)

    def _bytes(self) -> set[str]:
        return {i.name for i in self._model.graph.input if self._types[i.name] == 2}

    def _wanted(self, node: onnx.NodeProto, floats: list[int]) -> int:
        if not self._halve:
            return _FLOAT
        if node.op_type in _HALVED:
            return _HALF
        data = [node.input[i] for i in floats if node.input[i] not in self._constants]
        follows = node.op_type in _FOLLOWING and bool(data)
        return _HALF if follows and all(self._types[n] == _HALF for n in data) else _FLOAT

    def _output_type(self, node: onnx.NodeProto, wanted: int | None, copy: onnx.NodeProto) -> int:
        if node.op_type in _OUTPUT_TYPES:
            return _OUTPUT_TYPES[node.op_type]
        given = attributes(node)
        if node.op_type == "Cast":
            return int(given["to"])
        if node.op_type == "QuantizeLinear":
            return self._types[node.input[2]] if len(node.input) > 2 else 2
        if node.op_type == "ConstantOfShape":
            return int(given["value"].data_type) if "value" in given else _FLOAT
        if wanted is not None:
            return wanted
        return next((self._types[name] for name in copy.input if name in self._types), _FLOAT)

    def _as(self, name: str, kind: int) -> str:
        """Name of a value in another type; the cast is made where it is first needed."""
        import onnx

        if self._types[name] == kind:
            return name
        if (name, kind) not in self._casts:
            cast = f"{name}_as_{'f16' if kind == _HALF else 'f32'}"
            self._casts[name, kind] = cast
            if name in self._constants:
                self._hold(_converted(self._constants[name], cast, kind))
            else:
                self._nodes.append(
                    onnx.helper.make_node("Cast", [name], [cast], name=cast, to=kind)
                )
                self._types[cast] = kind
        return self._casts[name, kind]

    def _restore_outputs(self, outputs: Iterable[str]) -> None:
        """Outputs are float32 under their own names, whatever they were computed in."""
        import onnx

        for name in outputs:
            if self._types.get(name) != _HALF:
                continue
            inner = f"{name}_in_f16"
            for node in self._nodes:
                for names in (node.input, node.output):
                    for i, given in enumerate(names):
                        if given == name:
                            names[i] = inner
            self._nodes.append(onnx.helper.make_node("Cast", [inner], [name], name=name, to=_FLOAT))


def _converted(constant: onnx.TensorProto, name: str, kind: int) -> onnx.TensorProto:
    import onnx

    array = onnx.numpy_helper.to_array(constant)
    if kind == _HALF:
        if array.size == 1:  # a limit such as a Clip's: as far as the type reaches
            array = np.clip(array, -_LARGEST, _LARGEST)
        elif not (np.abs(array) <= _LARGEST).all():
            raise EngineError(
                f"The weights '{constant.name}' are too large for half precision; "
                "run the network with --precision f32."
            )
    dtype = np.float16 if kind == _HALF else np.float32
    return onnx.numpy_helper.from_array(np.asarray(array, dtype), name)
