"""How long something is waited for, counted in waits and not by the clock.

After Ctrl-Z and fg, or when a computer has slept, the clock says that whoever should have answered
has had hours, though nothing in the program has run. A wait that was so prolonged counts as one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import repeat

_WAIT_S = 1.0
_WAITS = 4  # at least, so that one that was prolonged never is all of them


def waits(patience_s: float | None) -> Iterator[float]:
    """The lengths of the waits, s, that make up a patience; None: of one that never ends.

    Args:
        patience_s: at least 0.
    """
    if patience_s is None:
        return repeat(_WAIT_S)
    count = max(_WAITS, math.ceil(patience_s / _WAIT_S))
    return repeat(patience_s / count, count)
