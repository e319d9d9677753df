"""Data flows one way: which part may import which, read from the code."""

from __future__ import annotations

import importlib.util
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest

EVERYTHING_ELSE = {"commands", "live", "live/web", "process", "evaluation", "training", "benchmark"}
# What a part must not import. (`networks` and `training` need torch, which running does not.)
FORBIDDEN = {
    "basics": {"video", "stages", "runtime", "networks", "recognizer", "demo"} | EVERYTHING_ELSE,
    "video": {"stages", "runtime", "networks", "recognizer", "demo"} | EVERYTHING_ELSE,
    "stages": {"video", "runtime", "networks", "recognizer", "demo"} | EVERYTHING_ELSE,
    "runtime": {"video", "networks", "recognizer", "demo"} | EVERYTHING_ELSE,
    "networks": {"video", "recognizer", "demo"} | EVERYTHING_ELSE,
    "recognizer": {"networks", "demo"} | EVERYTHING_ELSE,
    "live": {"networks", "training", "evaluation", "live/web", "commands", "process"},
    "process": {"networks", "training", "evaluation", "live/web", "commands"},
    "live/web": {"networks", "training", "evaluation", "commands"},
    "training": {"live", "live/web", "process", "commands"},
    "evaluation": {"live/web", "commands"},
    "benchmark": {"training", "live/web", "commands"},
}
# The method itself knows nothing of where frames come from.
METHOD = ("recognizer", "segmenter")


@pytest.fixture(scope="module")
def architecture(root: Path) -> ModuleType:
    path = root / "docs" / "architecture.py"
    spec = importlib.util.spec_from_file_location("architecture_script", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["architecture_script"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_nothing_upstream_imports_downstream(architecture: ModuleType) -> None:
    wrong = [f"{a} imports {b}" for a, b in architecture.uses() if b in FORBIDDEN.get(a, ())]
    assert wrong == []


def test_the_method_knows_no_video(architecture: ModuleType) -> None:
    modules = architecture.modules()
    for name in METHOD:
        imported = set(architecture.imports(modules[f"fra_live.{name}"]))
        assert not {m for m in imported if m.startswith(("fra_live.video", "fra_live.live"))}


def test_parts_do_not_go_in_circles(architecture: ModuleType) -> None:
    pairs = set(architecture.uses())
    while pairs:
        users = {a for a, _ in pairs}
        lowest = {(a, b) for a, b in pairs if b not in users}
        assert lowest, f"in a circle: {sorted(pairs)}"
        pairs -= lowest


def test_imports_are_found(architecture: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nimport fra_live.labels\n"
        "from fra_live.errors import DataError\n"
        "if TYPE_CHECKING:\n    from fra_live.pool import a\n"
        "def f():\n    from fra_live.video.sinks import write_image\n"
    )
    assert set(architecture.imports(path)) == {
        "fra_live.labels", "fra_live.errors", "fra_live.video.sinks",
    }  # fmt: skip
    assert architecture.direct({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
    assert architecture.part_of("fra_live.live.web.page").name == "live/web"
    assert architecture.part_of("fra_live.live.loop").name == "live"
    assert architecture.part_of("fra_live.unheard_of").name == "recognizer"


def test_the_picture_shows_every_part(architecture: ModuleType, root: Path) -> None:
    drawn = ElementTree.fromstring(architecture.draw())
    shown = ElementTree.parse(root / "docs" / "architecture.svg").getroot()
    for picture in (drawn, shown):
        words = {node.text for node in picture.iter() if node.tag.endswith("text")}
        assert {part.name for part in architecture.PARTS} <= words
