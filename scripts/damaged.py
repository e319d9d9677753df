#!/usr/bin/env python3
"""Gives more than a thousand damaged or odd files to `process` and says how it fared.

Every picture in them tells its number, so that it is known which ones came through. What must
come through is known by how a file was made, or found by reading it plainly with libav or Pillow.
The exit status is 1 where there was a traceback, a hang, a crash, a lost picture, a refusal without
a reason, or a file that has its name and is not whole.

    scripts/damaged.py                  # all of them, some minutes
    scripts/damaged.py --every 10       # a tenth
    scripts/damaged.py --seed 5 --keep folder

It needs the test requirements: pip install -c constraints.txt -e '.[dev,web]'
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.damaged.generator import cases, quick_share
from tests.damaged.judge import Outcome, try_all

_SHOWN = 40


def verdict(outcomes: list[Outcome], printed: str, seed: int, seconds: float) -> tuple[str, bool]:
    """The words at the end, and whether all is well."""
    states = Counter(o.state for o in outcomes)
    bad = [o for o in outcomes if o.faults]
    stopped = sum(o.state in ("hung", "crashed", "missing") for o in outcomes)
    tracebacks = printed.count("Traceback (most recent call last)")
    lost = sum(len(o.lost) for o in outcomes)
    frames = sum(o.frames for o in outcomes)
    noise = [line for line in printed.splitlines() if line.strip()]
    lines = [f"{o.path.name!r}: {'; '.join(o.faults)}" for o in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"… and {len(bad) - _SHOWN} more")
    if noise:
        lines.append(f"{len(noise)} lines on the error stream; the first: {noise[0]}")
    unharmed = len(outcomes) - stopped - tracebacks
    lines += [
        f"{len(outcomes)} files of seed {seed} in {seconds:.0f} s: {states['done']} kept"
        f" ({frames:,} pictures), {states['refused']} refused with a reason",
        f"{unharmed} of {len(outcomes)} without traceback or hang;"
        f" {lost} readable frames lost; {len(bad)} files with a fault",
    ]
    return "\n".join(lines), not bad and not tracebacks and not noise


def main() -> int:
    """Make, process, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="take one of so many damaged files")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="an empty folder that stays")
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = args.keep
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fra-live-")))
        folder.mkdir(parents=True, exist_ok=True)
        chosen = quick_share(args.every, args.seed) if args.every > 1 else cases(args.seed)
        began = time.monotonic()
        outcomes, printed = try_all(chosen, folder, lambda text: print(text, flush=True))
    words, good = verdict(outcomes, printed, args.seed, time.monotonic() - began)
    print(words)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
