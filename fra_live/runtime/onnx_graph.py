"""An ONNX file taken in with care: what the torch and TensorRT engines start from.

Nothing outside the file is read: weights kept in other files, which ONNX allows, are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fra_live.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    import onnx


def read_model(path: Path) -> onnx.ModelProto:
    """Parse a network of a bundle.

    Raises:
        EngineError: the file is missing, no ONNX, or has its weights elsewhere.
        MissingExtraError: the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("This engine", "gpu") from error
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf has an error of its own for what it cannot decode
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise EngineError(f"{path} cannot be read as ONNX: {said}.") from error
    if not model.graph.node or len(model.graph.input) != 1:
        raise EngineError(
            f"{path} is no network of ours: it takes {len(model.graph.input)} inputs."
        )
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
        raise EngineError(f"{path} keeps weights in other files; export it as one file.")
    return model


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Attributes of a node as Python values, texts decoded."""
    import onnx

    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {k: v.decode() if isinstance(v, bytes) else v for k, v in values.items()}


def constant_value(node: onnx.NodeProto) -> np.ndarray:
    """Array that a Constant node holds.

    Raises:
        EngineError: it holds something else than numbers.
    """
    import onnx

    given = attributes(node)
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32),
                        ("value_int", np.int64), ("value_ints", np.int64)):  # fmt: skip
        if name in given:
            return np.asarray(given[name], dtype)
    if "value" not in given:
        raise EngineError(f"The constant '{node.name}' holds no numbers; export the network anew.")
    return np.asarray(onnx.numpy_helper.to_array(given["value"]))
