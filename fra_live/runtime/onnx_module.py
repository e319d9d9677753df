"""One of our ONNX networks as a torch module: same graph, same weights, any device.

It runs what was exported, not the definitions it was trained from, so that it is a reference for
every other engine. Shapes are computed on the host; a run never waits for the device, and can be
captured as a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fra_live.errors import EngineError
from fra_live.runtime.onnx_graph import attributes, constant_value
from fra_live.runtime.onnx_inputs import Inputs, UnsupportedError
from fra_live.runtime.onnx_operators import OPERATORS, Operator

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class _Step:
    """One node.

    Attributes:
        kind: name of its operator.
        inputs: names of values; "" for an input that is left out.
        output: name of the value it makes.
        hosted: it computes with shapes alone and runs on the host.
        done: values that no later step reads.
    """

    kind: str
    operator: Operator
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    output: str
    hosted: bool
    done: tuple[str, ...] = ()


class OnnxModule(nn.Module):
    """A network that runs an ONNX graph with torch.

    Args:
        model: the parsed file; opset 13 or later.
        name: of the file, for messages.

    Raises:
        EngineError: the graph has an operator that is not known here; the message names it.
    """

    def __init__(self, model: onnx.ModelProto, name: str) -> None:
        super().__init__()
        from onnx import numpy_helper

        self.name = name
        graph = model.graph
        self._input = graph.input[0].name
        self._outputs = tuple(o.name for o in graph.output)
        self._host = {t.name: _torch(numpy_helper.to_array(t)) for t in graph.initializer}
        self._places: dict[str, str] = {}  # name of a value → of the buffer on the device
        steps: list[_Step] = []
        computed: set[str] = set()  # values on the host that depend on the input's shape
        for node in graph.node:
            if node.op_type == "Constant":
                self._host[node.output[0]] = _torch(constant_value(node))
                continue
            step = self._step(node, computed)
            if all(n in self._host or not n for n in step.inputs):
                self._host[step.output] = self._run(step, [self._host.get(n) for n in step.inputs])
                continue
            if step.hosted:
                computed.add(step.output)
            steps.append(step if step.hosted else self._placed(step))
        self._steps = tuple(_with_ends(steps, {*self._outputs, *self._host, *self._places}))
        if missing := {n for s in self._steps for n in s.inputs if n} - self._known():
            raise EngineError(f"{name} is damaged: nothing makes its value '{min(missing)}'.")

    def _known(self) -> set[str]:
        return {self._input, *self._host, *self._places, *(s.output for s in self._steps)}

    def _step(self, node: onnx.NodeProto, computed: set[str]) -> _Step:
        operator = OPERATORS.get(node.op_type)
        if operator is None or node.domain not in ("", "ai.onnx") or len(node.output) != 1:
            raise EngineError(
                f"{self.name} has the operator '{node.op_type}', which the torch engine does not "
                "know; run it with --engine openvino."
            )
        on_host = all(not n or n in self._host or n in computed for n in node.input)
        return _Step(
            kind=node.op_type,
            operator=operator,
            attributes=attributes(node),
            inputs=tuple(node.input),
            output=node.output[0],
            hosted=on_host or node.op_type == "Shape",
        )

    def _placed(self, step: _Step) -> _Step:
        """Constants among the operands move to where the data is."""
        inputs = list(step.inputs)
        for position, name in enumerate(inputs[: step.operator.operands]):
            if name not in self._host:
                continue
            place = f"{name} on the device"
            if place not in self._places:
                self._places[place] = f"constant_{len(self._places)}"
                self.register_buffer(self._places[place], self._host[name])
            inputs[position] = place
        return replace(step, inputs=tuple(inputs))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run a batch.

        Args:
            images: what the file's input is, for ours (N, H, W, 3) uint8 BGR.

        Returns:
            The file's outputs in their order: for ours probabilities (N, |L|, h, w) and action
            logits (N, A + 1), both float32.

        Raises:
            EngineError: an operator is used in a way that is not known here.
        """
        values = dict(self._host)
        values.update((name, self.get_buffer(place)) for name, place in self._places.items())
        values[self._input] = images
        for step in self._steps:
            inputs = [values[name] if name else None for name in step.inputs]
            if not step.hosted:  # sizes computed on the host may be operands, as of an Expand
                inputs = [
                    t.to(images.device) if t is not None and i < step.operator.operands else t
                    for i, t in enumerate(inputs)
                ]
            values[step.output] = self._run(step, inputs)
            for name in step.done:
                del values[name]
        # Convolutions keep channels last where the images came so; readers go plane by plane.
        return tuple(values[name].contiguous() for name in self._outputs)

    def _run(self, step: _Step, inputs: Inputs) -> Tensor:
        try:
            return step.operator.run(inputs, step.attributes)
        except UnsupportedError as error:
            raise EngineError(
                f"{self.name} has a {step.kind} {error}, which the torch engine does not know; "
                "run it with --engine openvino."
            ) from None


def _torch(array: Any) -> Tensor:
    return torch.from_numpy(array.copy())  # NumPy's view of the file is read-only


def _with_ends(steps: list[_Step], kept: set[str]) -> list[_Step]:
    """Tell each step which values are not needed after it; `kept` always are."""
    seen, ended = set(kept), []
    for step in reversed(steps):
        last = {n for n in (*step.inputs, step.output) if n and n not in seen}
        seen |= last
        ended.append(replace(step, done=tuple(sorted(last))))
    return ended[::-1]
