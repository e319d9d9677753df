"""Keeps libraries from printing what they think of damaged files; we tell of those ourselves."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """While the block runs, only Python writes to the error stream.

    OpenCV and FFmpeg are asked to be silent, which counts where they are imported afterwards; what
    the user has set stays. libpng, libjpeg and libtiff cannot be asked and write to the stream
    itself, so that leads nowhere meanwhile.
    """
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    before = sys.stderr
    try:
        direct = before.fileno() == 2
    except (AttributeError, OSError, ValueError):  # closed, or something that is no file
        direct = False
    if not direct:
        yield
        return
    before.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(
        kept, "w", buffering=1, encoding=before.encoding, errors=before.errors, closefd=False
    )
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        sys.stderr = before
        os.close(kept)
