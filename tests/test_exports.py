"""The public names: complete, sorted, importable, and light to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fra_live


def test_all_is_sorted_and_complete() -> None:
    assert fra_live.__all__ == sorted(fra_live.__all__)
    lazy = set(fra_live._HOMES)
    assert lazy | {"FraLiveError"} == set(fra_live.__all__)
    # a module of the same name would take the function's place once it is imported
    assert not {name for name, home in fra_live._HOMES.items() if name == home}


@pytest.mark.parametrize("name", fra_live.__all__)
def test_public_names_are_documented(name: str) -> None:
    thing = getattr(fra_live, name)
    assert getattr(fra_live, name) is thing  # asked for twice
    assert thing.__name__ == name
    assert thing.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'recognise'"):
        _ = fra_live.recognise


def test_importing_loads_nothing_heavy() -> None:
    program = (
        "import sys, fra_live; from fra_live import *\n"
        "heavy = {'torch', 'openvino', 'av', 'sklearn', 'gradio'} & set(sys.modules)\n"
        "print(','.join(sorted(heavy)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.strip() == ""
