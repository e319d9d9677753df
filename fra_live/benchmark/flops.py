"""Arithmetic of a network, counted from its graph.

Counted are convolutions and matrix products, a multiplication and an addition as two; they are
all but a percent or two of what such networks compute. OpenVINO reads the graph: it is there in
every install, whatever runs the networks.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

from fra_live.errors import EngineError

Shape = list[int]


def _shape(port: Any) -> Shape:
    return [int(side) for side in port.get_shape()]


def _convolution(data: Shape, weights: Shape, out: Shape, node: Any) -> int:
    return prod(out) * prod(weights[1:])  # weights: out, in, kernel


def _group_convolution(data: Shape, weights: Shape, out: Shape, node: Any) -> int:
    return prod(out) * prod(weights[2:])  # weights: groups, out, in, kernel


def _transposed(data: Shape, weights: Shape, out: Shape, node: Any) -> int:
    return prod(data) * prod(weights[1:])  # weights: in, out, kernel


def _group_transposed(data: Shape, weights: Shape, out: Shape, node: Any) -> int:
    return prod(data) * prod(weights[2:])  # weights: groups, in, out, kernel


def _product(data: Shape, weights: Shape, out: Shape, node: Any) -> int:
    inner = data[-2] if node.get_attributes().get("transpose_a") and len(data) > 1 else data[-1]
    return prod(out) * inner


_MULTIPLICATIONS: dict[str, Callable[[Shape, Shape, Shape, Any], int]] = {
    "Convolution": _convolution,
    "GroupConvolution": _group_convolution,
    "ConvolutionBackpropData": _transposed,
    "GroupConvolutionBackpropData": _group_transposed,
    "MatMul": _product,
}


def graph_flops(model: Any) -> int:
    """Floating-point operations of one pass through an `openvino.Model` of fixed shapes."""
    total = 0
    for node in model.get_ops():
        count = _MULTIPLICATIONS.get(node.get_type_name())
        if count is not None:
            data, weights = _shape(node.input(0)), _shape(node.input(1))
            total += 2 * count(data, weights, _shape(node.output(0)), node)
    return total


def network_flops(path: Path, shape: tuple[int, ...]) -> int:
    """Floating-point operations of one pass through an ONNX network.

    Args:
        path: the network; its first input is the image batch.
        shape: of that input, as (N, H, W, 3).

    Raises:
        EngineError: OpenVINO cannot read it or it does not take this shape.
    """
    import openvino as ov

    try:
        model = ov.Core().read_model(path)
        model.reshape(list(shape))
        return graph_flops(model)
    except RuntimeError as error:
        raise EngineError(f"{path} cannot be counted at {shape}: its shapes do not fit.") from error
