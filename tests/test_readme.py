"""The commands and the code that the documents show: they parse, and what is quick is run."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from fra_live import cli
from fra_live.runtime.bundle import bundle_folders
from fra_live.video.sinks import VideoSink

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / n for n in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Run with inputs drawn here; the other commands have tests of their own, which take longer.
RUN = {
    "process": ["--precision", "f32", "--threads", "1"],
    "explain": ["--precision", "f32", "--threads", "1"],
    "bench": ["--seconds", "0.05", "--frame", "160x120", "--threads", "1", "--images", "photos"],
    "doctor": [],
}
OTHER_PROGRAMS = ("git", "pre-commit", "pytest", "ruff", "mypy", "pip-audit")


def blocks(language: str) -> list[tuple[str, str]]:
    """Document and text of every code block of a language."""
    return [
        (path.name, match[2])
        for path in DOCUMENTS
        for match in _BLOCK.finditer(path.read_text(encoding="utf-8"))
        if match[1] == language
    ]


def commands() -> list[list[str]]:
    """Every shell command shown, as words."""
    found = []
    for _, text in blocks("sh"):
        for line in text.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                found.append(words)
    return found


def fra_live_commands() -> list[list[str]]:
    return [words[1:] for words in commands() if words[0] == "fra-live"]


def test_there_is_something_to_check() -> None:
    assert len(fra_live_commands()) > 5
    assert blocks("python")


def test_other_commands_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for words in commands():
        program = words[0]
        if program == "fra-live" or program in OTHER_PROGRAMS:
            continue
        if program == "python" and words[1] == "-m":
            assert find_spec(words[2]), words
            continue
        if program == "python":
            program = words[1]
        if program.startswith(("scripts/", ".ci/", "docs/")):
            assert (ROOT / program).is_file(), words
            assert program != words[0] or os.access(ROOT / program, os.X_OK), words
            continue
        assert words[:2] == ["pip", "install"], words
        for extras in re.findall(r"\[([\w,-]+)\]", " ".join(words)):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), words


@pytest.mark.parametrize("words", fra_live_commands(), ids=" ".join)
def test_commands_parse(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        cli.build_parser().parse_args(words)
    except SystemExit as end:
        pytest.fail(f"fra-live {shlex.join(words)}: {capsys.readouterr().err} ({end.code})")


def draw(path: Path) -> None:
    """Make what a command reads: a folder with a photo, a short film, or a photo."""
    picture = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mp4":
        with VideoSink(path, (96, 128), 8) as sink:
            for index in range(3):
                sink.write(np.roll(picture, index), index / 8)
    elif path.suffix:
        assert cv2.imwrite(str(path), picture)
    else:
        draw(path / "a.jpg")


def runnable() -> Iterator[list[str]]:
    known = {path.parent.name for f in bundle_folders() for path in f.glob("*/manifest.json")}
    for words in fra_live_commands():
        own = "--model" in words and words[words.index("--model") + 1] not in known
        if words[0] in RUN and not own:
            yield words


@pytest.mark.parametrize("words", list(runnable()), ids=" ".join)
def test_commands_run(
    words: list[str], mobile_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = vars(cli.build_parser().parse_args(words))
    for path in [*given.get("inputs", ()), *filter(None, [given.get("images")])]:
        draw(Path(str(path).replace("*", "a")))
    draw(Path("photos"))
    assert cli.main([*words, *RUN[words[0]]]) == 0


@pytest.mark.parametrize(("document", "code"), blocks("python"))
def test_code_runs(
    document: str, code: str, mobile_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r'"([\w/.-]+\.(?:mp4|jpg|png))"', code):
        draw(Path(name))
    exec(compile(code, document, "exec"), {"__name__": "__main__"})
