"""Gives damaged files to `process` and holds what became of them against what is readable."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from fra_live.records import Records
from tests.damaged.generator import Case
from tests.damaged.plain import read_plainly

ROOT = Path(__file__).parents[2]
LIMIT_S = 300.0  # for one file; far more than the largest takes on a busy machine
_MOST_IDLE = 5  # workers in a row that end without a word


@dataclass
class Outcome:
    """What became of one file.

    Attributes:
        state: "done", "refused", "hung" or "crashed".
        problem: what `process` said.
        frames: that it recognized.
        lost: numbers of readable pictures that it did not see.
        faults: what must not be.
    """

    case: Case
    path: Path
    state: str
    problem: str | None = None
    frames: int = 0
    numbers: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()
    faults: list[str] = field(default_factory=list)


def try_all(
    cases: Sequence[Case], folder: Path, tell: Callable[[str], None] = lambda _: None
) -> tuple[list[Outcome], str]:
    """Make the files, process them, and judge.

    Args:
        cases: the files.
        folder: an empty one.
        tell: called with a sentence now and then.

    Returns:
        An outcome a file, and whatever was printed on the error stream.
    """
    files, out = folder / "files", folder / "out"
    files.mkdir()
    paths = [files / case.name for case in cases]
    for case, path in zip(cases, paths, strict=True):
        case.write(path)
    lines, printed = _process(paths, out, tell)
    outcomes = []
    for case, path in zip(cases, paths, strict=True):
        line = lines[str(path)]
        outcome = Outcome(
            case, path, line["state"], line.get("problem"), line.get("frames", 0),
            frozenset(line.get("numbers", ())),
        )  # fmt: skip
        _judge(outcome)
        outcomes.append(outcome)
    _judge_results(outcomes, out)
    return outcomes, printed


def _process(
    paths: Sequence[Path], out: Path, tell: Callable[[str], None]
) -> tuple[dict[str, dict[str, Any]], str]:
    """Run workers until every file has an outcome; one that hangs or dies is replaced."""
    lines: dict[str, dict[str, Any]] = {}
    printed, idle = "", 0
    while missing := [p for p in paths if str(p) not in lines]:
        todo = out.with_name("todo.json")
        todo.write_text(json.dumps([str(p) for p in missing]))
        errors = out.with_name("errors.txt")
        with errors.open("w") as stream:
            ended = _run_worker(todo, out, stream, lines, len(paths), tell)
        printed += errors.read_text(errors="replace")
        idle = 0 if len(lines) + len(missing) > len(paths) else idle + 1
        assert idle < _MOST_IDLE, f"the worker does not work: {printed}"
        missing = [p for p in paths if str(p) not in lines]
        if missing:  # files are taken in their order: the first that is missing is to blame
            lines[str(missing[0])] = {"state": ended}
    return lines, printed


def _run_worker(
    todo: Path,
    out: Path,
    errors: Any,
    lines: dict[str, dict[str, Any]],
    total: int,
    tell: Callable[[str], None],
) -> str:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.damaged.worker", str(todo), str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=errors,
    )
    told: queue.Queue[bytes] = queue.Queue()  # at most a line a file
    assert worker.stdout is not None
    stdout = worker.stdout

    def read() -> None:
        for line in stdout:
            told.put(line)
        told.put(b"")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while True:
            try:
                line = told.get(timeout=LIMIT_S)
            except queue.Empty:
                return "hung"
            if not line:
                return "crashed" if worker.wait(LIMIT_S) else "missing"
            entry = json.loads(line)
            lines[entry["path"]] = entry
            if len(lines) % 100 == 0:
                tell(f"{len(lines)} of {total} files")
    finally:
        worker.kill()
        worker.wait()
        thread.join()


def _judge(outcome: Outcome) -> None:
    if outcome.state not in ("done", "refused"):
        outcome.faults.append(outcome.state)
        return
    problem = outcome.problem
    if outcome.state == "refused" and not problem:
        outcome.faults.append("refused without a reason")
    if problem is not None:
        if "given up" in problem:
            outcome.faults.append("a decoder hung")
        if not problem.endswith(".") or problem.count("\n") > outcome.path.name.count("\n"):
            outcome.faults.append(f"no sentence: {problem!r}")
        if outcome.path.stem not in problem:  # its own, or its copy's
            outcome.faults.append(f"the file is not named: {problem!r}")
    least = outcome.case.least
    if least is None:
        plain = read_plainly(outcome.path)
        # Turned or stretched by its (damaged) metadata, a picture does not tell its number.
        enough = plain.warped and outcome.frames >= len(plain.numbers)
        least = frozenset() if enough else plain.numbers
    outcome.lost = least - outcome.numbers
    if outcome.case.count is not None and outcome.frames != outcome.case.count:
        outcome.faults.append(f"{outcome.frames} of {outcome.case.count} pictures were found")
    if outcome.lost:
        outcome.faults.append(f"pictures {sorted(outcome.lost)} were lost")


def _judge_results(outcomes: Sequence[Outcome], out: Path) -> None:
    """Copies must be whole, and there must be no others."""
    records = Records(out)
    expected = {}
    for outcome in outcomes:
        if outcome.state == "done":
            record = records.get(outcome.path.resolve())
            if record is None:
                outcome.faults.append("there is no record of it")
                continue
            expected[out / record.output] = outcome
    for path, outcome in expected.items():
        if path.suffix == ".mp4" and path.is_file():
            with av.open(str(path)) as copy:
                count = copy.streams.video[0].frames
            if count != outcome.frames:
                outcome.faults.append(f"the copy has {count} of {outcome.frames} pictures")
        elif not path.is_file():
            outcome.faults.append("its copy is missing")
    for path in out.rglob("*"):
        if ".part" in path.name:
            raise AssertionError(f"{path} was left behind")
        known = path in expected or path.name.endswith(".jsonl") or ".fra-live" in path.parts
        if path.is_file() and not known:
            raise AssertionError(f"{path} has its name and is nobody's")
