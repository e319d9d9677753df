"""constraints.txt pins all that the test environment installs, on every Python we support."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as plain

EXTRAS = ("dev", "train", "web", "demo", "window")


def pins(root: Path) -> set[str]:
    lines = (root / "constraints.txt").read_text().splitlines()
    return {plain(Requirement(line).name) for line in lines if not line.startswith("#")}


def wanted(root: Path, environment: dict[str, str]) -> dict[str, str]:
    """Every package that is needed, the build's too, and by which; what is absent is a leaf."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    own = project["build-system"]["requires"] + project["project"]["dependencies"]
    own += [r for e in EXTRAS for r in project["project"]["optional-dependencies"][e]]
    todo = [(Requirement(text), "fra-live", "") for text in own]
    found: dict[str, str] = {}
    seen = set()
    while todo:
        requirement, by, extra = todo.pop()
        marker = requirement.marker
        if marker is not None and not marker.evaluate({**environment, "extra": extra}):
            continue
        name = plain(requirement.name)
        found.setdefault(name, by)
        for wanted_extra in ("", *requirement.extras):
            if (name, wanted_extra) in seen:
                continue
            seen.add((name, wanted_extra))
            try:
                needs = importlib.metadata.distribution(name).requires or []
            except importlib.metadata.PackageNotFoundError:
                continue
            todo += [(Requirement(text), name, wanted_extra) for text in needs]
    return found


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_nothing_is_left_to_chance(root: Path, python: str, machine: str) -> None:
    environment = {
        "python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux",
        "platform_system": "Linux", "platform_machine": machine, "os_name": "posix",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    pinned, needed = pins(root), wanted(root, environment)
    assert {name: by for name, by in needed.items() if name not in pinned} == {}
    assert len(needed) > 50  # else nothing was looked at
