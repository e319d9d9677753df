"""Operators of ONNX that cut, join and reorder, and those that compute with shapes."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from fra_live.runtime.onnx_inputs import (
    Attributes,
    Inputs,
    UnsupportedError,
    given_axes,
    integers,
    optional,
    tensor,
)


def run_pad(inputs: Inputs, attributes: Attributes) -> Tensor:
    """Constants round the sides."""
    x, fill, axes = tensor(inputs, 0), optional(inputs, 2), integers(optional(inputs, 3))
    if attributes.get("mode", "constant") != "constant":
        raise UnsupportedError(f"of mode {attributes['mode']}")
    pads = integers(tensor(inputs, 1)) or []
    axes = [a % x.ndim for a in axes] if axes is not None else list(range(x.ndim))
    around = [(0, 0)] * x.ndim
    for position, axis in enumerate(axes):
        around[axis] = (pads[position], pads[position + len(axes)])
    flat = [v for pair in reversed(around) for v in pair]
    return F.pad(x, flat, value=0.0 if fill is None else fill.item())


def run_slice(inputs: Inputs, attributes: Attributes) -> Tensor:
    """A part along some axes, also backwards."""
    x = tensor(inputs, 0)
    starts, ends = integers(tensor(inputs, 1)) or [], integers(tensor(inputs, 2)) or []
    axes = integers(optional(inputs, 3)) or list(range(len(starts)))
    steps = integers(optional(inputs, 4)) or [1] * len(starts)
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


def run_gather(inputs: Inputs, attributes: Attributes) -> Tensor:
    """Some places along an axis."""
    x, index = tensor(inputs, 0), tensor(inputs, 1)
    axis = attributes.get("axis", 0) % x.ndim
    size = x.shape[axis]
    taken = x.index_select(axis, torch.where(index < 0, index + size, index).flatten())
    return taken.reshape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def run_reshape(inputs: Inputs, attributes: Attributes) -> Tensor:
    """The same values in another shape."""
    x, shape = tensor(inputs, 0), integers(tensor(inputs, 1)) or []
    if not attributes.get("allowzero", 0):  # 0 stands for the size there is
        shape = [x.shape[i] if v == 0 else v for i, v in enumerate(shape)]
    return x.reshape(shape)


def run_flatten(inputs: Inputs, attributes: Attributes) -> Tensor:
    """Two axes, those before and those from one."""
    x = tensor(inputs, 0)
    return x.reshape(prod(x.shape[: attributes.get("axis", 1)]), -1)  # two axes in any case


def run_transpose(inputs: Inputs, attributes: Attributes) -> Tensor:
    """Axes in another order."""
    x = tensor(inputs, 0)
    return x.permute(attributes.get("perm") or list(range(x.ndim))[::-1])


def run_unsqueeze(inputs: Inputs, attributes: Attributes) -> Tensor:
    """With axes of one value more."""
    x, axes = tensor(inputs, 0), given_axes(inputs, attributes) or []
    for axis in sorted(a % (x.ndim + len(axes)) for a in axes):
        x = x.unsqueeze(axis)
    return x


def run_squeeze(inputs: Inputs, attributes: Attributes) -> Tensor:
    """With axes of one value fewer."""
    x, axes = tensor(inputs, 0), given_axes(inputs, attributes)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def run_shape(inputs: Inputs, attributes: Attributes) -> Tensor:
    """Sizes of the axes, on the host."""
    shape = list(tensor(inputs, 0).shape)
    return torch.tensor(shape[attributes.get("start", 0) : attributes.get("end")])


def run_constant_of_shape(inputs: Inputs, attributes: Attributes) -> Tensor:
    """One value in a shape."""
    from onnx import numpy_helper

    shape, value = integers(tensor(inputs, 0)) or [], attributes.get("value")
    filler = torch.zeros(()) if value is None else torch.tensor(numpy_helper.to_array(value).item())
    return filler.expand(shape).clone()
