"""The manifest's parameters: read, and refused when they could not be used."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from fra_live.errors import BundleError
from fra_live.parameters import Parameters
from fra_live.stages.windows import WindowParameters


def test_round_trip() -> None:
    changed = Parameters(windows=WindowParameters(max_windows=2), top=5, fine_size=96)
    assert Parameters.from_dict(asdict(changed)) == changed


def test_what_is_left_out_has_its_default() -> None:
    read = Parameters.from_dict({"windows": {"max_faces": 0}})
    assert read.windows.max_faces == 0
    assert read.windows.max_windows == WindowParameters().max_windows
    assert read.top == Parameters().top


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"speed": 3}, "unknown parameter 'speed'"),
        ({"windows": {"speed": 3}}, "parameters are wrong: .*'speed'"),
        ({"windows": 3}, "parameters are wrong"),
        ([], "parameters are wrong"),
        ({"coarse_size": "large"}, "'coarse_size' is 'large'; it must be a whole number of 1 or"),
        ({"coarse_size": 288.5}, "'coarse_size' is 288.5; it must be a whole number"),
        ({"top": 0}, "'top' is 0; it must be a whole number of 1 or more"),
        ({"top": True}, "'top' is True"),
        ({"windows": {"max_windows": 0}}, "'max_windows' is 0"),  # there is always a window
        ({"windows": {"max_faces": -1}}, "'max_faces' is -1; it must be a whole number of 0 or"),
        ({"windows": {"min_side": None}}, "'min_side' is None; it must be a number of 0 or more"),
        ({"candidates": {"min_area": float("nan")}}, "'min_area' is nan"),
        ({"candidates": {"min_area": float("inf")}}, "'min_area' is inf"),
        ({"fine_size": 200}, "'fine_size' is 200; it must be a multiple of 32"),
    ],
)
def test_unusable_parameters(data: Any, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        Parameters.from_dict(data)


def test_whole_numbers_serve_as_fractions() -> None:
    assert Parameters.from_dict({"windows": {"max_side": 1}}).windows.max_side == 1
