"""window_program.py as a process, for tests that need one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Program:
    """window_program.py as a process, followed by what it prints."""

    def __init__(self, *arguments: str | Path, display: str = "", home: Path) -> None:
        environment = {**os.environ, "DISPLAY": display, "XDG_CONFIG_HOME": str(home),
                       "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.window_program", *map(str, arguments)],
            cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip() for line in self.process.stdout)

    def wait_for(self, what: Callable[[], bool], timeout_s: float = 100) -> None:
        deadline = time.monotonic() + timeout_s
        while not what():
            assert time.monotonic() < deadline, "\n".join(self.lines)
            assert self.process.poll() is None or what(), "\n".join(self.lines)
            time.sleep(0.05)

    def frames(self) -> int:
        return sum(line.startswith("frame") for line in self.lines)

    def wait_for_frames(self, count: int = 5) -> None:
        self.wait_for(lambda: self.frames() >= count)

    def end(self) -> int:
        status = self.process.wait(100)
        self._reader.join(10)
        return status
