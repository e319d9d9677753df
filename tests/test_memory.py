"""What many threads leave behind in the allocator."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

# Prints how many arenas there are once twenty threads have allocated at the same time.
PROGRAM = """
import ctypes, os, sys, threading
from fra_live.memory import bound_arenas
print(bound_arenas() if sys.argv[2] == "bound" else None)
libc, together = ctypes.CDLL(None), threading.Barrier(20)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
def work():
    together.wait()
    libc.malloc(5000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(open(sys.argv[1]).read().count("<heap nr"))
"""


def arenas(folder: Path, how: str, root: Path, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(folder / "arenas.xml"), how],
        env={"PYTHONPATH": str(root), **environment}, text=True, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is glibc's")
def test_threads_share_a_few_arenas(root: Path, tmp_path: Path) -> None:
    done, count = arenas(tmp_path, "bound", root)
    assert done == "True" and int(count) <= 4
    assert int(arenas(tmp_path, "as it is", root)[1]) > 4  # so there was something to mend
    for name, value in (("MALLOC_ARENA_MAX", "6"), ("GLIBC_TUNABLES", "glibc.malloc.arena_max=6")):
        done, count = arenas(tmp_path, "bound", root, **{name: value})
        assert done == "False" and 4 < int(count) <= 6
