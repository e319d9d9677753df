"""The ONNX operators that our networks consist of, on torch tensors.

The same functions run on the device for the images and on the host for the few integers that
ONNX computes shapes with; `Operator.operands` says which inputs are data, and the others (sizes,
axes, limits) stay on the host, so that reading them never waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Inputs = Sequence[Tensor | None]
Attributes = Mapping[str, Any]

# TensorProto.DataType → torch
DTYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 6: torch.int32, 7: torch.int64,
    9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip


class UnsupportedError(Exception):
    """What of an operator is not known here, as a clause."""


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        run: its inputs (None where one is left out) and attributes to its only output.
        operands: how many inputs, from the first, are data.
    """

    run: Callable[[Inputs, Attributes], Tensor]
    operands: int = 1


def _tensor(inputs: Inputs, index: int) -> Tensor:
    value = inputs[index]
    assert value is not None  # the exporter gives every required input
    return value


def _optional(inputs: Inputs, index: int) -> Tensor | None:
    return inputs[index] if index < len(inputs) else None


def _integers(value: Tensor | None) -> list[int] | None:
    return None if value is None else [int(v) for v in value.flatten().tolist()]


def _axes(inputs: Inputs, attributes: Attributes) -> list[int] | None:
    """Axes as an input (since opset 13 or 18) or as an attribute (before)."""
    given = _integers(_optional(inputs, 1))
    return given if given is not None else attributes.get("axes")


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
    x, weight = _tensor(inputs, 0), _tensor(inputs, 1)
    if weight.ndim != 4:
        raise UnsupportedError("of other than two dimensions")
    pads, alike = _pads(attributes)
    return F.conv2d(
        x if alike else _around(x, pads),
        weight,
        _optional(inputs, 2),
        tuple(attributes.get("strides", (1, 1))),
        tuple(pads[:2]) if alike else 0,
        tuple(attributes.get("dilations", (1, 1))),
        int(attributes.get("group", 1)),
    )


def _max_pool(inputs: Inputs, attributes: Attributes) -> Tensor:
    x = _tensor(inputs, 0)
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
    x, scales, sizes = _tensor(inputs, 0), _optional(inputs, 2), _optional(inputs, 3)
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
        x, axes = _tensor(inputs, 0), _axes(inputs, attributes)
        if not axes and attributes.get("noop_with_empty_axes", 0):
            return x
        return how(x, dim=axes or list(range(x.ndim)), keepdim=bool(attributes.get("keepdims", 1)))

    return run


def _gemm(inputs: Inputs, attributes: Attributes) -> Tensor:
    a, b, c = _tensor(inputs, 0), _tensor(inputs, 1), _optional(inputs, 2)
    if attributes.get("transA", 0):
        a = a.t()
    alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    if alpha == 1 and (c is None or (beta == 1 and c.ndim == 1)):
        return F.linear(a, b if attributes.get("transB", 0) else b.t(), c)
    y: Tensor = alpha * (a @ (b.t() if attributes.get("transB", 0) else b))
    return y if c is None else torch.add(y, c, alpha=beta)


def _clip(inputs: Inputs, attributes: Attributes) -> Tensor:
    low, high = _optional(inputs, 1), _optional(inputs, 2)
    least = attributes.get("min") if low is None else low.item()
    most = attributes.get("max") if high is None else high.item()
    return _tensor(inputs, 0).clamp(least, most)


def _pad(inputs: Inputs, attributes: Attributes) -> Tensor:
    x, fill, axes = _tensor(inputs, 0), _optional(inputs, 2), _integers(_optional(inputs, 3))
    if attributes.get("mode", "constant") != "constant":
        raise UnsupportedError(f"of mode {attributes['mode']}")
    pads = _integers(_tensor(inputs, 1)) or []
    axes = [a % x.ndim for a in axes] if axes is not None else list(range(x.ndim))
    around = [(0, 0)] * x.ndim
    for position, axis in enumerate(axes):
        around[axis] = (pads[position], pads[position + len(axes)])
    flat = [v for pair in reversed(around) for v in pair]
    return F.pad(x, flat, value=0.0 if fill is None else fill.item())


def _slice(inputs: Inputs, attributes: Attributes) -> Tensor:
    x = _tensor(inputs, 0)
    starts, ends = _integers(_tensor(inputs, 1)) or [], _integers(_tensor(inputs, 2)) or []
    axes = _integers(_optional(inputs, 3)) or list(range(len(starts)))
    steps = _integers(_optional(inputs, 4)) or [1] * len(starts)
    for begin, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        taken = range(*slice(begin, end, step).indices(x.shape[axis]))
        index = [slice(None)] * x.ndim
        if step > 0 or not taken:
            index[axis] = slice(taken.start, max(taken.start, taken.stop), abs(step))
            x = x[tuple(index)]
        else:  # torch does not step backwards
            index[axis] = slice(taken[-1], taken[0] + 1, -step)
            x = x[tuple(index)].flip(axis)
    return x


def _gather(inputs: Inputs, attributes: Attributes) -> Tensor:
    x, index = _tensor(inputs, 0), _tensor(inputs, 1)
    axis = attributes.get("axis", 0) % x.ndim
    size = x.shape[axis]
    taken = x.index_select(axis, torch.where(index < 0, index + size, index).flatten())
    return taken.reshape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def _reshape(inputs: Inputs, attributes: Attributes) -> Tensor:
    x, shape = _tensor(inputs, 0), _integers(_tensor(inputs, 1)) or []
    if not attributes.get("allowzero", 0):  # 0 stands for the size there is
        shape = [x.shape[i] if v == 0 else v for i, v in enumerate(shape)]
    return x.reshape(shape)


def _flatten(inputs: Inputs, attributes: Attributes) -> Tensor:
    x = _tensor(inputs, 0)
    return x.reshape(prod(x.shape[: attributes.get("axis", 1)]), -1)  # two axes in any case


def _transpose(inputs: Inputs, attributes: Attributes) -> Tensor:
    x = _tensor(inputs, 0)
    return x.permute(attributes.get("perm") or list(range(x.ndim))[::-1])


def _unsqueeze(inputs: Inputs, attributes: Attributes) -> Tensor:
    x, axes = _tensor(inputs, 0), _axes(inputs, attributes) or []
    for axis in sorted(a % (x.ndim + len(axes)) for a in axes):
        x = x.unsqueeze(axis)
    return x


def _squeeze(inputs: Inputs, attributes: Attributes) -> Tensor:
    x, axes = _tensor(inputs, 0), _axes(inputs, attributes)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def _shape(inputs: Inputs, attributes: Attributes) -> Tensor:
    shape = list(_tensor(inputs, 0).shape)
    return torch.tensor(shape[attributes.get("start", 0) : attributes.get("end")])


def _cast(inputs: Inputs, attributes: Attributes) -> Tensor:
    if attributes["to"] not in DTYPES:
        raise UnsupportedError(f"to type {attributes['to']}")
    return _tensor(inputs, 0).to(DTYPES[attributes["to"]])


def _constant_of_shape(inputs: Inputs, attributes: Attributes) -> Tensor:
    from onnx import numpy_helper

    shape, value = _integers(_tensor(inputs, 0)) or [], attributes.get("value")
    filler = torch.zeros(()) if value is None else torch.tensor(numpy_helper.to_array(value).item())
    return filler.expand(shape).clone()


def _divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _binary(how: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    return Operator(lambda inputs, _: how(_tensor(inputs, 0), _tensor(inputs, 1)), 2)


def _unary(how: Callable[[Tensor], Tensor]) -> Operator:
    return Operator(lambda inputs, _: how(_tensor(inputs, 0)))


OPERATORS: dict[str, Operator] = {
    "Add": _binary(torch.add),
    "Cast": Operator(_cast),
    "Clip": Operator(_clip),
    "Concat": Operator(lambda i, a: torch.cat([t for t in i if t is not None], a["axis"]), 1 << 16),
    "ConstantOfShape": Operator(_constant_of_shape, 0),
    "Conv": Operator(_conv, 3),
    "Div": _binary(_divide),
    "Flatten": Operator(_flatten),
    "Gather": Operator(_gather, 2),
    "Gemm": Operator(_gemm, 3),
    "GlobalAveragePool": _unary(lambda x: x.mean((2, 3), keepdim=True)),
    "HardSigmoid": Operator(
        lambda i, a: (_tensor(i, 0) * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1)
    ),
    "HardSwish": _unary(F.hardswish),
    "Identity": _unary(lambda x: x),
    "MatMul": _binary(torch.matmul),
    "MaxPool": Operator(_max_pool),
    "Mul": _binary(torch.mul),
    "Pad": Operator(_pad),
    "ReduceMax": Operator(_reduce(torch.amax)),
    "ReduceMean": Operator(_reduce(torch.mean)),
    "Relu": _unary(torch.relu),
    "Reshape": Operator(_reshape),
    "Resize": Operator(_resize),
    "Shape": Operator(_shape),
    "Sigmoid": _unary(torch.sigmoid),
    "Slice": Operator(_slice),
    "Softmax": Operator(lambda i, a: _tensor(i, 0).softmax(a.get("axis", -1))),
    "Squeeze": Operator(_squeeze),
    "Sub": _binary(torch.sub),
    "Transpose": Operator(_transpose),
    "Unsqueeze": Operator(_unsqueeze),
}
