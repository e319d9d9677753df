"""What the NVIDIA driver says, asked through a library of our own that answers as one would."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fra_live.errors import EngineError
from fra_live.runtime.gpu import Gpu, find_gpu

DRIVER = r"""
#include <stddef.h>
#include <string.h>
int cuInit(unsigned flags) { return INIT; }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, "NVIDIA Test", length);
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    *bytes = (size_t)141 << 30;
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 8 : attribute == 76 ? 9 : -1;
    return 0;
}
int cuDriverGetVersion(int *version) { *version = 13020; return 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    strncpy(version, "580.65.06", length);
    return 0;
}
int nvmlShutdown(void) { return 0; }
"""


def driver(folder: Path, init: int = 0, count: int = 1) -> str:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source, library = folder / "driver.c", folder / "libdriver.so"
    source.write_text(DRIVER)
    command = [compiler, "-shared", "-fPIC", f"-DINIT={init}", f"-DCOUNT={count}"]
    subprocess.run([*command, str(source), "-o", str(library)], check=True)
    return str(library)


def test_a_gpu_is_described(tmp_path: Path) -> None:
    library = driver(tmp_path)
    assert find_gpu(library, library) == Gpu("NVIDIA Test", "8.9", 141 << 30, "580.65.06")
    assert find_gpu(library, "no-such-library.so").driver == "CUDA 13.2"


@pytest.mark.parametrize(
    ("init", "count", "said"),
    [
        (100, 0, "the driver finds no GPU"),
        (0, 0, "the driver finds no GPU"),
        (35, 1, "the driver is older than the libraries that use it"),
        (803, 1, "restart the machine"),
        (999, 1, "the driver answers with CUDA error 999"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, init: int, count: int, said: str) -> None:
    with pytest.raises(EngineError, match=f"^There is no usable NVIDIA GPU here: .*{said}"):
        find_gpu(driver(tmp_path, init, count))


@pytest.mark.parametrize("library", ["no-such-library.so", "libm.so.6"])
def test_without_a_driver(library: str) -> None:
    with pytest.raises(
        EngineError, match=r"^There is no NVIDIA GPU here: no driver is installed\.$"
    ):
        find_gpu(library)
