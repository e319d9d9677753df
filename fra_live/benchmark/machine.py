"""What the figures were taken on, and whether it was busy with something else."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from fra_live.runtime.cpu import cores

_BUSY = 0.3  # of a core: a load that shows in the figures


def cpu_name() -> str:
    """The CPU as it calls itself."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def gpu_name() -> str | None:
    """The first CUDA device, where torch is loaded and sees one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name(0))


def load_average() -> float | None:
    """Processes that wanted a core over the last minute; None where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def describe_machine() -> dict[str, Any]:
    """For JSON; the load is that before anything was timed."""
    load = load_average()
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "gpu": gpu_name(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": None if load is None else round(load, 2),
        "busy": load is not None and load > _BUSY * cores(),
    }
