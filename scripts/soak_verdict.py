"""What is noted of a program that runs for long, and whether anything of it grows.

Linux only: the figures come from /proc.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WARM_UP_S = 60.0  # caches fill and pools grow in the first minute
LEAST_S = 240.0  # a shorter run says nothing about megabytes an hour
MAX_SLOPE = 1.0  # MB/h
MAX_AGE_CHANGE = 0.10  # of the 95th percentile, first against last third
LEAST_AGE_CHANGE_MS = 2.0  # differences below are the machine's, not ours
SAMPLE_S = 5.0


@dataclass(frozen=True)
class Sample:
    """What was noted at one moment; the last two are of the frames since the last sample.

    `waited_ms` is for how long threads had something to do and no core, ms a frame: what others
    on the machine cost.
    """

    time_s: float
    frames: int
    memory_mb: float
    threads: int
    files: int
    age_p95_ms: float
    waited_ms: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.time_s:8.0f} s  {self.frames:7,} frames  {self.memory_mb:8.1f} MB  "
            f"{self.threads:3} threads  {self.files:3} files  age p95 {self.age_p95_ms:6.1f} ms"
        )


@dataclass(frozen=True)
class Finding:
    """One line of the verdict; `good` is None where nothing can be said."""

    what: str
    good: bool | None
    detail: str

    def __str__(self) -> str:
        mark = {True: "flat", False: "GREW", None: "?"}[self.good]
        return f"{self.what:>13}  {mark:4}  {self.detail}"


class Watch:
    """Takes samples of a process; `process` is its id, or "self"."""

    def __init__(self, process: int | str = "self") -> None:
        self._proc, self._begin_s = Path("/proc") / str(process), time.perf_counter()
        self._waited_ms, self._frames = self._waiting_ms(), 0

    def sample(self, frames: int, ages_ms: Sequence[float]) -> Sample:
        """Note how it fares; `frames` since the beginning, the ages of those since last time."""
        waited_ms, new = self._waiting_ms(), max(1, frames - self._frames)
        waiting_ms = max(0.0, waited_ms - self._waited_ms) / new
        self._waited_ms, self._frames = waited_ms, frames
        return Sample(
            round(time.perf_counter() - self._begin_s, 1),
            frames,
            round(self.memory_mb(), 2),
            len(list((self._proc / "task").iterdir())),
            len(list((self._proc / "fd").iterdir())),
            round(float(np.percentile(ages_ms, 95)), 2),
            round(waiting_ms, 2),
        )

    def _waiting_ms(self) -> float:
        """For how long its threads have waited for a core so far; 0 where Linux does not tell."""
        waited = 0
        for thread in (self._proc / "task").iterdir():
            with suppress(OSError):  # it has ended meanwhile
                waited += int((thread / "schedstat").read_text().split()[1])
        return waited / 1e6

    def memory_mb(self) -> float:
        """Resident memory, 10^6 bytes."""
        pages = int((self._proc / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def judge(samples: Sequence[Sample]) -> list[Finding]:
    """Say what grew over a whole run."""
    findings = []
    warm = [s for s in samples if s.time_s >= WARM_UP_S]
    span_s = warm[-1].time_s - warm[0].time_s if warm else 0.0
    if span_s >= LEAST_S:
        hours = np.array([s.time_s for s in warm]) / 3600
        slope = float(np.polyfit(hours, np.array([s.memory_mb for s in warm]), 1)[0])
        detail = f"{slope:+.2f} MB/h over {span_s:.0f} s, at most {MAX_SLOPE:+.2f}"
        findings.append(Finding("memory", slope <= MAX_SLOPE, detail))
    else:
        detail = f"only {span_s:.0f} s after the first minute, {LEAST_S:.0f} s are needed"
        findings.append(Finding("memory", None, detail))
    settled = warm or samples
    third = len(settled) // 3
    if not third:
        return [*findings, Finding("all else", None, "too few samples")]
    first, last = settled[:third], settled[-third:]
    for what in ("threads", "files"):
        # Connections come and go: what stays counts, not what was there for a moment.
        most, usual = max(getattr(s, what) for s in first), _median(last, what)
        detail = f"at most {most} in the first third, usually {usual:.0f} in the last"
        findings.append(Finding(what, usual <= most, detail))
    return [*findings, _judge_ages(first, last)]


def _judge_ages(first: Sequence[Sample], last: Sequence[Sample]) -> Finding:
    early, late = _median(first, "age_p95_ms"), _median(last, "age_p95_ms")
    allowed = max(MAX_AGE_CHANGE * early, LEAST_AGE_CHANGE_MS)
    detail = f"{early:.1f} ms in the first third, {late:.1f} ms in the last"
    if late - early <= allowed:
        return Finding("age p95", True, detail)
    waited = _median(first, "waited_ms"), _median(last, "waited_ms")
    if waited[1] - waited[0] < (late - early) / 2:
        return Finding("age p95", False, detail)
    busy = f"others were busier: {waited[0]:.1f} ms a frame without a core, then {waited[1]:.1f}"
    return Finding("age p95", None, f"{detail}; {busy}")


def _median(samples: Sequence[Sample], what: str) -> float:
    return float(np.median([getattr(s, what) for s in samples]))
