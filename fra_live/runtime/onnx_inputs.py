"""What the operators of ONNX get: tensors, some of them left out, and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

Inputs = Sequence[Tensor | None]
Attributes = Mapping[str, Any]


class UnsupportedError(Exception):
    """What of an operator is not known here, as a clause."""


def tensor(inputs: Inputs, index: int) -> Tensor:
    """An input that is always given."""
    value = inputs[index]
    assert value is not None  # the exporter gives every required input
    return value


def optional(inputs: Inputs, index: int) -> Tensor | None:
    """An input that may be left out."""
    return inputs[index] if index < len(inputs) else None


def integers(value: Tensor | None) -> list[int] | None:
    """Sizes, axes and the like as Python integers; the tensor lies on the host."""
    return None if value is None else [int(v) for v in value.flatten().tolist()]


def given_axes(inputs: Inputs, attributes: Attributes) -> list[int] | None:
    """Axes as an input (since opset 13 or 18) or as an attribute (before)."""
    given = integers(optional(inputs, 1))
    return given if given is not None else attributes.get("axes")
