"""The NVIDIA GPU of this machine, asked of its driver alone.

Neither torch nor TensorRT is imported: on a machine without a GPU that would cost seconds to learn
nothing.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

from fra_live.errors import EngineError

_CUDA = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_NVML = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
_MAJOR, _MINOR = 75, 76  # CUdevice_attribute: compute capability
_ERRORS = {
    35: "the driver is older than the libraries that use it; install a newer one",
    100: "the driver finds no GPU",
    101: "CUDA_VISIBLE_DEVICES names no GPU that is there",
    803: "the driver's kernel module and libraries are of different versions; restart the machine",
}


@dataclass(frozen=True)
class Gpu:
    """The first GPU that CUDA_VISIBLE_DEVICES lets us see.

    Attributes:
        name: as "NVIDIA H200".
        compute_capability: as "9.0".
        memory: bytes in all.
        driver: version of the driver, as "580.65.06".
    """

    name: str
    compute_capability: str
    memory: int
    driver: str


def find_gpu(cuda: str = _CUDA, nvml: str = _NVML) -> Gpu:
    """Ask the driver.

    Args:
        cuda: the driver's library.
        nvml: the library that knows the driver's version.

    Raises:
        EngineError: there is no driver or no GPU; the message says which.
    """
    try:
        driver = ctypes.CDLL(cuda)
        status = int(driver.cuInit(0))
    except (OSError, AttributeError):
        raise EngineError("There is no NVIDIA GPU here: no driver is installed.") from None
    count, device = ctypes.c_int(), ctypes.c_int()
    status = status or driver.cuDeviceGetCount(ctypes.byref(count))
    if status == 0 and count.value == 0:
        status = 100
    status = status or driver.cuDeviceGet(ctypes.byref(device), 0)
    name, memory = ctypes.create_string_buffer(256), ctypes.c_size_t()
    status = status or driver.cuDeviceGetName(name, len(name), device)
    status = status or driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    parts = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        status = status or driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        parts.append(str(value.value))
    if status:
        why = _ERRORS.get(status, f"the driver answers with CUDA error {status}")
        raise EngineError(f"There is no usable NVIDIA GPU here: {why}.")
    text = name.value.decode(errors="replace")
    return Gpu(text, ".".join(parts), memory.value, _driver_version(driver, nvml))


def _driver_version(driver: ctypes.CDLL, nvml: str) -> str:
    """Version of the display driver, or else of the newest CUDA that it runs."""
    try:
        management = ctypes.CDLL(nvml)
        text = ctypes.create_string_buffer(96)
        if management.nvmlInit_v2() == 0:
            status = management.nvmlSystemGetDriverVersion(text, len(text))
            management.nvmlShutdown()
            if status == 0:
                return text.value.decode(errors="replace")
    except (OSError, AttributeError):
        pass
    number = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(number))
    return f"CUDA {number.value // 1000}.{number.value % 1000 // 10}"
