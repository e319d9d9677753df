"""Which precisions a backend is worth timing in on this machine."""

from __future__ import annotations

PRECISIONS = ("f32", "bf16", "f16", "int8")


def offered_precisions(backend: str) -> dict[str, str | None]:
    """Precision → why it is not offered here, or None where it is worth trying.

    A CPU without bfloat16 arithmetic runs a network in f32 whatever it is told: its figures under
    another name would mislead.
    """
    if backend == "openvino":
        import openvino as ov
        from openvino import properties

        able = ov.Core().get_property("CPU", properties.device.capabilities)
        names = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
        return {
            precision: None if name in able else f"this CPU computes no {precision}"
            for precision, name in names.items()
        } | {"int8": None}
    return dict.fromkeys(PRECISIONS)
