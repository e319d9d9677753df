"""The command line: usage, exit statuses, one-sentence errors, signals, JSON."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live import cli
from fra_live.commands import common, doctor
from fra_live.errors import BundleError, SinkError
from fra_live.runtime.engine import BACKENDS

NOWHERE = ["evaluate", "--data", "set.json", "--model", "no-such-model"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`fra-live` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fra_live", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert shown.startswith(f"usage: fra-live {command} ")
    assert "--debug" in shown
    assert len(shown.split("options:")[0].split("\n\n", 1)[1]) > 60  # more than a name


def test_the_help_lists_every_command(root: Path) -> None:
    done = run("--help", cwd=root)
    assert done.returncode == 0 and not done.stderr
    for command in cli.COMMANDS:
        assert f"\n    {command} " in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["juggle"],
        ["evaluate"],  # nothing to measure on
        ["evaluate", "--threads", "-1", "--data", "x"],
        ["evaluate", "--threads", "two", "--data", "x"],
        ["doctor", "--unknown"],
    ],
)
def test_bad_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert "usage: fra-live" in capsys.readouterr().err


def test_an_error_is_one_sentence_and_status_1(root: Path) -> None:
    done = run(*NOWHERE, cwd=root)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("fra-live: There is no model 'no-such-model'")
    assert done.stderr.count("\n") == 1


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--debug", *NOWHERE], [*NOWHERE, "--debug"]):
        assert cli.main(arguments) == 1
        shown = capsys.readouterr().err
        assert "Traceback" in shown and "BundleError" in shown


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (BundleError("The model is altered."), 1, "fra-live: The model is altered."),
        (RuntimeError("a\n  b"), 1, "fra-live: internal error (RuntimeError: a b); run with"),
        (MemoryError(), 1, "fra-live: not enough memory"),
        (KeyboardInterrupt(), 130, "fra-live: interrupted."),
    ],
)
def test_whatever_escapes_becomes_one_sentence(
    error: BaseException,
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(doctor, "run", fail)
    assert cli.main(["doctor"]) == status
    shown = capsys.readouterr().err
    assert shown.startswith(sentence)
    assert shown.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "interrupted."), (signal.SIGTERM, 143, "stopped.")],
)
def test_signals_unwind_what_is_running(
    number: signal.Signals, status: int, said: str, root: Path
) -> None:
    code = """
import time
from fra_live import cli
from fra_live.commands import doctor
def run(args):
    try:
        print("running", flush=True)
        time.sleep(30)
    finally:
        print("files finished", flush=True)
doctor.run = run
raise SystemExit(cli.main(["doctor"]))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "running\n"
    child.send_signal(number)
    out, err = child.communicate(timeout=100)
    assert child.returncode == status
    assert out == "files finished\n"
    assert err == f"fra-live: {said}\n"


def test_a_closed_pipe_is_no_error(root: Path) -> None:
    code = """
from fra_live import cli
from fra_live.commands import doctor
def run(args):
    while True:
        print("a line", flush=True)
doctor.run = run
raise SystemExit(cli.main(["doctor"]))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
    )
    assert child.stdout is not None and child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(100) == 1
    assert child.stderr.read() == ""


def test_json_holds_what_json_can(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures: dict[str, Any] = {
        "nan": float("nan"),
        "array": np.array([[1.5, np.inf]], np.float32),
        "count": np.int64(3),
        "path": Path("a/b"),
        "nested": [{"flag": np.bool_(True)}],
    }
    expected = {
        "nan": None,
        "array": [[1.5, None]],
        "count": 3,
        "path": str(Path("a/b")),
        "nested": [{"flag": True}],
    }
    common.write_json(figures, "-")
    assert json.loads(capsys.readouterr().out) == expected
    common.write_json(figures, str(tmp_path / "figures.json"))
    assert json.loads((tmp_path / "figures.json").read_text()) == expected
    assert [p.name for p in tmp_path.iterdir()] == ["figures.json"]


def test_json_to_nowhere_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "no" / "figures.json"
    with pytest.raises(SinkError, match=r"figures\.json cannot be written"):
        common.write_json({}, str(target))


@pytest.mark.parametrize(("text", "size"), [("640x480", (480, 640)), ("1X2", (2, 1))])
def test_a_frame_size_is_width_by_height(text: str, size: tuple[int, int]) -> None:
    assert common.frame_size(text) == size


@pytest.mark.parametrize("text", ["640", "x", "640x", "0x5", "1x2x3", "axb", "-1x4"])
def test_other_frame_sizes_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        common.frame_size(text)


def test_the_engines_offered_are_those_there_are() -> None:
    assert ("auto", *BACKENDS) == common.ENGINES


def test_the_chosen_engine_is_announced(
    mobile_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    common.add_model_options(parser)
    args = parser.parse_args(["--model", str(mobile_bundle), "--precision", "f32"])
    recognizer = common.load_recognizer(args)
    assert recognizer.engine.precision == "f32"
    assert capsys.readouterr().err == f"fra-live: model mobile, {recognizer.engine}\n"
