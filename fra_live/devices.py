"""The window, the cameras and the GPU of this machine, as `fra-live doctor` tries them.

Each is tried in a child process with a time limit: they may hang or crash the interpreter.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from fra_live.finding import Finding
from fra_live.installation import extra_command, package_version, pip_command, try_code

_FRAME = """
import sys, cv2
camera = cv2.VideoCapture(int(sys.argv[1]))
if not camera.isOpened(): sys.exit("cannot be opened: busy, or no permission")
got, frame = camera.read()
if not got: sys.exit("opens but sends no frame")
print(f"{frame.shape[1]}x{frame.shape[0]}, {camera.get(cv2.CAP_PROP_FPS):g} frames/s")
"""
_WINDOW = """
import cv2
cv2.namedWindow("fra-live doctor")
cv2.waitKey(1)
cv2.destroyAllWindows()
print("opens")
"""
_CUDA = """
import torch
if not torch.cuda.is_available(): raise SystemExit("torch finds no CUDA device")
print(torch.cuda.get_device_name(0), "with torch", torch.__version__)
"""
_TENSORRT = """
from fra_live.errors import EngineError
from fra_live.runtime.gpu import find_gpu
from fra_live.runtime.tensorrt_package import find_tensorrt
try: found = find_tensorrt(find_gpu().compute_capability)
except EngineError as error: raise SystemExit(str(error))
print(found.package, found.version)
"""


def window() -> Finding:
    """Whether OpenCV can open a window here."""
    code = "import cv2; print(cv2.currentUIFramework())"
    works, framework = try_code(code, seconds=60)
    if not works or not framework:
        both = package_version("opencv-python")
        if both:  # the headless one was written over it
            fix = pip_command("--force-reinstall", "--no-deps", f"opencv-python=={both}")
        else:
            fix = extra_command("window")
        return Finding("window", "OpenCV", "missing", "this OpenCV has no windows", fix)
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform == "linux" and not display:
        return Finding("window", "display", "missing",
                       f"OpenCV has windows ({framework}) but DISPLAY is not set; "
                       "use `fra-live web` or `fra-live live --no-window`")  # fmt: skip
    works, said = try_code(_WINDOW, seconds=20)
    detail = f"{framework} window {said}" + (f" on {display}" if display else "")
    return Finding("window", "display", "ok" if works else "missing", detail)


def cameras() -> Iterator[Finding]:
    """Each camera, and whether it sends a frame."""
    listed: list[tuple[int, str]] = []
    if sys.platform == "linux":
        for node in sorted(Path("/sys/class/video4linux").glob("video*")):
            try:  # nodes other than a device's first carry metadata, not pictures
                if (node / "index").read_text().strip() == "0":
                    listed.append((int(node.name[5:]), (node / "name").read_text().strip()))
            except (OSError, ValueError):
                continue
    else:
        listed = [(index, "camera") for index in range(2)]
    found = False
    for index, name in listed:
        device = Path(f"/dev/video{index}")
        if device.exists() and not os.access(device, os.R_OK | os.W_OK):
            yield Finding("camera", str(index), "missing", f"{name}: no permission for {device}",
                          "sudo usermod -aG video $USER")  # fmt: skip
            found = True
            continue
        works, said = try_code(_FRAME, str(index), seconds=10)
        if works or sys.platform == "linux":
            yield Finding("camera", str(index), "ok" if works else "missing", f"{name}: {said}")
            found = True
    if not found:
        yield Finding("camera", "cameras", "missing", "none found; videos and URLs work without")


def gpu() -> Iterator[Finding]:
    """The GPU, and what can use it."""
    program = shutil.which("nvidia-smi")
    query = "--query-gpu=name,driver_version,memory.total,compute_cap"
    found = False
    if program:
        code = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
        found, said = try_code(code, program, query, "--format=csv,noheader", seconds=20)
        yield Finding("gpu", "NVIDIA driver", "ok" if found else "missing", said)
    if not found:
        yield Finding("gpu", "GPU", "missing", "no NVIDIA GPU; OpenVINO runs on the CPU")
        return
    from fra_live.runtime.engine import BACKENDS

    fix = extra_command("gpu")
    if package_version("torch") is None:
        yield Finding("gpu", "torch", "missing", "not installed", fix)
    else:
        works, said = try_code(_CUDA, seconds=120)
        yield Finding("gpu", "torch", "ok" if works else "missing", said)
    if "tensorrt" in BACKENDS:
        works, said = try_code(_TENSORRT, seconds=120)
        yield Finding("gpu", "TensorRT", "ok" if works else "missing", said, None if works else fix)
    elif "torch" not in BACKENDS:
        yield Finding("gpu", "recognition", "missing", "runs on the CPU; training uses the GPU")
