"""Keeps glibc's allocator from growing with every thread that a program has ever had.

It gives each new thread an arena of its own, up to eight a core, and each arena keeps what its
threads once needed: a page whose workers come and go grew by 80 MB on two cores, and stayed there.
"""

from __future__ import annotations

import ctypes
import os
import sys

from fra_live.runtime.cpu import cores

_M_ARENA_MAX = -8  # of glibc's malloc.h
_LEAST, _MOST = 2, 4  # arenas: 7 and 17 MB, and no fewer frames a second


def bound_arenas() -> bool:
    """Let all threads of this process share a few arenas; for programs, not for libraries.

    What somebody has chosen by MALLOC_ARENA_MAX or GLIBC_TUNABLES stays.

    Returns:
        Whether that was done; there is nothing to do without glibc.
    """
    chosen = "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", "")
    if chosen or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    count = min(max(cores(), _LEAST), _MOST)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, count))
