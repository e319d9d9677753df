"""All parameters of the method, as a model's manifest holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from fra_live.errors import BundleError
from fra_live.stages.candidates import CandidateParameters
from fra_live.stages.context import ContextParameters
from fra_live.stages.windows import WindowParameters


@dataclass(frozen=True)
class Parameters:
    """All parameters of the method, as the manifest holds them.

    Attributes:
        coarse_size: square root of the area in px at which Net_coarse sees a frame.
        fine_size: side in px at which Net_fine sees a window.
        map_size: square root of the number of cells of P_fine.
        top: q of section 3.3, candidates that are kept.
    """

    windows: WindowParameters = WindowParameters()
    candidates: CandidateParameters = CandidateParameters()
    context: ContextParameters = ContextParameters()
    coarse_size: int = 288
    fine_size: int = 192
    map_size: int = 192
    top: int = 3

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Parameters:
        """Read the manifest's `parameters`.

        Raises:
            BundleError: a parameter is unknown.
        """
        parts: dict[str, Any] = {
            "windows": WindowParameters,
            "candidates": CandidateParameters,
            "context": ContextParameters,
        }
        known = {f.name for f in fields(cls)}
        for name in data.keys() - known:
            raise BundleError(f"The manifest has the unknown parameter '{name}'.")
        try:
            return cls(**{k: parts[k](**v) if k in parts else v for k, v in data.items()})
        except TypeError as error:
            raise BundleError(f"The manifest's parameters are wrong: {error}.") from error
