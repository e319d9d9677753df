"""OpenCV's windows and PyAV side by side in one process on Linux.

The wheels of both bring parts of the X libraries under the same names: OpenCV's to go with the
system's libxcb, PyAV's to go with a libxcb of its own. A process keeps what it loads first by a
name. Where that is PyAV's, OpenCV's first window hands its connection to a libxcb that did not
make it, and hangs or crashes; PyAV itself uses them only to record screens, which nobody here does.
"""

from __future__ import annotations

import ctypes
import sys
from importlib.util import find_spec
from pathlib import Path

_LIBRARIES = "opencv_python.libs"  # beside cv2; the headless build has no X libraries there


def load_opencvs_first() -> list[Path]:
    """Load OpenCV's parts of the X libraries; to be called before PyAV is imported.

    Returns:
        Those that were loaded: none but on Linux with an OpenCV that has windows.
    """
    spec = find_spec("cv2") if sys.platform.startswith("linux") else None
    if spec is None or spec.origin is None:
        return []
    loaded = []
    for path in sorted((Path(spec.origin).parent.parent / _LIBRARIES).glob("libxcb-*.so*")):
        try:
            ctypes.CDLL(str(path))
        except OSError:  # the system has no libxcb: then there can be no window either
            continue
        loaded.append(path)
    return loaded
