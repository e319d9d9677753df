"""Fixtures of the live tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.program import Program


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def make(*arguments: str | Path, display: str = "") -> Program:
        programs.append(Program(*arguments, display=display, home=tmp_path / "config"))
        return programs[-1]

    yield make
    for program in programs:
        program.process.kill()
        program.process.wait()
