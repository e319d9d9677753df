"""All parameters of the method, as a model's manifest holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from fra_live.errors import BundleError
from fra_live.stages.candidates import CandidateParameters
from fra_live.stages.context import ContextParameters
from fra_live.stages.windows import WindowParameters

# What a manifest from before a parameter existed stands for, where that is not the default.
_BEFORE: dict[str, dict[str, Any]] = {"candidates": {"levels": 0, "consensus": 0.0}}
_AT_LEAST_ONE = ("coarse_size", "fine_size", "map_size", "top", "max_windows", "grid")


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
            BundleError: a parameter is unknown or no number that could be used.
        """
        parts: dict[str, Any] = {
            "windows": WindowParameters,
            "candidates": CandidateParameters,
            "context": ContextParameters,
        }
        known = {f.name for f in fields(cls)}
        try:
            for name in data.keys() - known:
                raise BundleError(f"The manifest has the unknown parameter '{name}'.")
            parameters = cls(
                **{
                    k: parts[k](**(_BEFORE.get(k, {}) | v)) if k in parts else v
                    for k, v in data.items()
                }
            )
        except (AttributeError, TypeError) as error:
            raise BundleError(f"The manifest's parameters are wrong: {error}.") from error
        _check_numbers(parameters)
        if parameters.fine_size % 32:
            raise BundleError(
                f"The manifest's parameter 'fine_size' is {parameters.fine_size}; "
                "it must be a multiple of 32."
            )
        return parameters


def _check_numbers(values: Any) -> None:
    """Every number is of its default's kind and not negative; sizes and counts are at least 1."""
    for field in fields(values):
        value = getattr(values, field.name)
        if is_dataclass(value):
            _check_numbers(value)
            continue
        whole = isinstance(field.default, int)
        least = 1 if field.name in _AT_LEAST_ONE else 0
        right = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not right or not least <= value < float("inf"):
            raise BundleError(
                f"The manifest's parameter '{field.name}' is {value!r}; it must be a"
                f"{' whole' if whole else ''} number of {least} or more."
            )
