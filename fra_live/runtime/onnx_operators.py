"""The ONNX operators that our networks consist of, on torch tensors.

The same functions run on the device for the images and on the host for the few integers that
ONNX computes shapes with; `Operator.operands` says which inputs are data, and the others (sizes,
axes, limits) stay on the host, so that reading them never waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from fra_live.runtime.onnx_inputs import (
    Attributes,
    Inputs,
    UnsupportedError,
    given_axes,
    optional,
    tensor,
)
from fra_live.runtime.onnx_shapes import (
    run_constant_of_shape,
    run_flatten,
    run_gather,
    run_pad,
    run_reshape,
    run_shape,
    run_slice,
    run_squeeze,
    run_transpose,
    run_unsqueeze,
)

# TensorProto.DataType → torch
DTYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 6: torch.int32, 7: torch.int64,
    9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        run: its inputs (None where one is left out) and attributes to its only output.
        operands: how many inputs, from the first, are data.
    """

    run: Callable[[Inputs, Attributes], Tensor]
    operands: int = 1


def _pads(attributes: Attributes) -> tuple[list[int], bool]:
    """Top, left, bottom, right of a 2-D operator, and whether both sides are alike."""
    if attributes.get("auto_pad", "NOTSET") != "NOTSET":
        raise UnsupportedError(f"with auto_pad {attributes['auto_pad']}")
    pads = list(attributes.get("pads", (0, 0, 0, 0)))
    if len(pads) != 4:
        raise UnsupportedError("of other than two dimensions")
    return pads, pads[:2] == pads[2:]


def _around(x: Tensor, pads: list[int], value: float = 0.0) -> Tensor:
    return F.pad(x, (pads[1], pads[3], pads[0], pads[2]), value=value)


def _conv(inputs: Inputs, attributes: Attributes) -> Tensor:
    x, weight = tensor(inputs, 0), tensor(inputs, 1)
    if weight.ndim != 4:
        raise UnsupportedError("of other than two dimensions")
    pads, alike = _pads(attributes)
    return F.conv2d(
        x if alike else _around(x, pads),
        weight,
        optional(inputs, 2),
        tuple(attributes.get("strides", (1, 1))),
        tuple(pads[:2]) if alike else 0,
        tuple(attributes.get("dilations", (1, 1))),
        int(attributes.get("group", 1)),
    )


def _max_pool(inputs: Inputs, attributes: Attributes) -> Tensor:
    x = tensor(inputs, 0)
    pads, _ = _pads(attributes)
    if any(pads):
        x = _around(x, pads, float("-inf"))
    kernel = tuple(attributes["kernel_shape"])
    return F.max_pool2d(
        x,
        kernel,
        tuple(attributes.get("strides", (1,) * len(kernel))),
        0,
        tuple(attributes.get("dilations", (1,) * len(kernel))),
        bool(attributes.get("ceil_mode", 0)),
    )


def _resize(inputs: Inputs, attributes: Attributes) -> Tensor:
    x, scales, sizes = tensor(inputs, 0), optional(inputs, 2), optional(inputs, 3)
    mode = attributes.get("mode", "nearest")
    grid = attributes.get("coordinate_transformation_mode", "half_pixel")
    known = (("linear", "half_pixel"), ("linear", "pytorch_half_pixel"),
             ("linear", "align_corners"), ("nearest", "asymmetric"))  # fmt: skip
    floor = mode != "nearest" or attributes.get("nearest_mode") == "floor"
    if (mode, grid) not in known or not floor or attributes.get("antialias", 0) or x.ndim != 4:
        raise UnsupportedError(f"of mode {mode} with {grid}")
    if sizes is not None and sizes.numel():
        size = [int(v) for v in sizes.tolist()[-2:]]
    elif scales is not None and scales.numel():
        size = [int(s * v) for s, v in zip(x.shape[-2:], scales.tolist()[-2:], strict=True)]
    else:
        raise UnsupportedError("without sizes")
    if mode == "nearest":
        return F.interpolate(x, size=size)
    return F.interpolate(x, size=size, mode="bilinear", align_corners=grid == "align_corners")


def _reduce(how: Callable[..., Tensor]) -> Callable[[Inputs, Attributes], Tensor]:
    def run(inputs: Inputs, attributes: Attributes) -> Tensor:
        x, axes = tensor(inputs, 0), given_axes(inputs, attributes)
        if not axes and attributes.get("noop_with_empty_axes", 0):
            return x
        return how(x, dim=axes or list(range(x.ndim)), keepdim=bool(attributes.get("keepdims", 1)))

    return run


def _gemm(inputs: Inputs, attributes: Attributes) -> Tensor:
    a, b, c = tensor(inputs, 0), tensor(inputs, 1), optional(inputs, 2)
    if attributes.get("transA", 0):
        a = a.t()
    alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    if alpha == 1 and (c is None or (beta == 1 and c.ndim == 1)):
        return F.linear(a, b if attributes.get("transB", 0) else b.t(), c)
    y: Tensor = alpha * (a @ (b.t() if attributes.get("transB", 0) else b))
    return y if c is None else torch.add(y, c, alpha=beta)


def _clip(inputs: Inputs, attributes: Attributes) -> Tensor:
    low, high = optional(inputs, 1), optional(inputs, 2)
    least = attributes.get("min") if low is None else low.item()
    most = attributes.get("max") if high is None else high.item()
    return tensor(inputs, 0).clamp(least, most)


def _cast(inputs: Inputs, attributes: Attributes) -> Tensor:
    if attributes["to"] not in DTYPES:
        raise UnsupportedError(f"to type {attributes['to']}")
    return tensor(inputs, 0).to(DTYPES[attributes["to"]])


def _divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _scales(inputs: Inputs, attributes: Attributes) -> tuple[Tensor, Tensor | None]:
    """Scale and zero point, in the shape that fits the tensor they belong to."""
    x, scale, zero = tensor(inputs, 0), tensor(inputs, 1), optional(inputs, 2)
    if scale.ndim == 0:
        return scale, zero
    shape = [1] * x.ndim
    shape[attributes.get("axis", 1)] = -1
    return scale.reshape(shape), None if zero is None else zero.reshape(shape)


def _quantize(inputs: Inputs, attributes: Attributes) -> Tensor:
    scale, zero = _scales(inputs, attributes)
    kind = torch.uint8 if zero is None else zero.dtype
    limits = torch.iinfo(kind)
    y = (tensor(inputs, 0) / scale).round() + (0 if zero is None else zero)
    return y.clamp(limits.min, limits.max).to(kind)


def _dequantize(inputs: Inputs, attributes: Attributes) -> Tensor:
    scale, zero = _scales(inputs, attributes)
    x = tensor(inputs, 0).to(scale.dtype)
    return (x if zero is None else x - zero) * scale


def _binary(how: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    return Operator(lambda inputs, _: how(tensor(inputs, 0), tensor(inputs, 1)), 2)


def _unary(how: Callable[[Tensor], Tensor]) -> Operator:
    return Operator(lambda inputs, _: how(tensor(inputs, 0)))


OPERATORS: dict[str, Operator] = {
    "Add": _binary(torch.add),
    "Cast": Operator(_cast),
    "Clip": Operator(_clip),
    "Concat": Operator(lambda i, a: torch.cat([t for t in i if t is not None], a["axis"]), 1 << 16),
    "ConstantOfShape": Operator(run_constant_of_shape, 0),
    "Conv": Operator(_conv, 3),
    "DequantizeLinear": Operator(_dequantize, 3),
    "Div": _binary(_divide),
    "Flatten": Operator(run_flatten),
    "Gather": Operator(run_gather, 2),
    "Gemm": Operator(_gemm, 3),
    "GlobalAveragePool": _unary(lambda x: x.mean((2, 3), keepdim=True)),
    "HardSigmoid": Operator(
        lambda i, a: (tensor(i, 0) * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1)
    ),
    "HardSwish": _unary(F.hardswish),
    "Identity": _unary(lambda x: x),
    "MatMul": _binary(torch.matmul),
    "MaxPool": Operator(_max_pool),
    "Mul": _binary(torch.mul),
    "Pad": Operator(run_pad),
    "QuantizeLinear": Operator(_quantize, 3),
    "ReduceMax": Operator(_reduce(torch.amax)),
    "ReduceMean": Operator(_reduce(torch.mean)),
    "Relu": _unary(torch.relu),
    "Reshape": Operator(run_reshape),
    "Resize": Operator(_resize),
    "Shape": Operator(run_shape),
    "Sigmoid": _unary(torch.sigmoid),
    "Slice": Operator(run_slice),
    "Softmax": Operator(lambda i, a: tensor(i, 0).softmax(a.get("axis", -1))),
    "Squeeze": Operator(run_squeeze),
    "Sub": _binary(torch.sub),
    "Transpose": Operator(run_transpose),
    "Unsqueeze": Operator(run_unsqueeze),
}
