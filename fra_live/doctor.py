"""What this machine can do with fra_live, and the one command for each thing that it lacks.

Anything that may hang or crash the interpreter (cameras, windows, GPU libraries) is tried in a
child process with a time limit.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from fra_live.errors import FraLiveError
from fra_live.installation import extra_command, package_version, pip_command, try_code
from fra_live.runtime.cpu import cores

State = Literal["ok", "missing", "broken"]

_DEFAULT = ("numpy", "opencv-python-headless", "openvino", "av", "rich")
_EXTRAS = {
    "web": ("the web page", ("gradio",)),
    "train": ("training", ("torch", "torchvision", "scikit-learn", "onnx", "onnxscript", "nncf")),
    "demo": ("the demo clip", ("scikit-image",)),
}
_CPU_FLAGS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI (int8)",
    "avx_vnni": "AVX VNNI (int8)",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX BF16",
    "amx_int8": "AMX int8",
    "asimddp": "NEON dot product (int8)",
    "bf16": "bfloat16",
}
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


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        group: "python", "cpu", "model", "video", "window", "camera", "gpu" or "extras".
        name: what was looked at.
        state: "ok"; "missing": works without, with less; "broken": must be put right first.
        detail: what was found, in a clause.
        fix: the one command that helps; None where there is none.
    """

    group: str
    name: str
    state: State
    detail: str
    fix: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def examine(model: str = "mobile") -> Iterator[Finding]:
    """Look at everything, cheapest first; yields each finding as it is made."""
    yield from _python()
    yield from _cpu()
    yield _bundle(model)
    yield from _codecs()
    yield _window()
    yield from _cameras()
    yield from _gpu()
    yield from _extras()


def _python() -> Iterator[Finding]:
    here = f"{platform.python_version()} in {sys.prefix}, {platform.platform()}"
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("python", "Python", "ok" if fits else "broken",
                  here if fits else f"{here}; fra_live runs on 3.11 to 3.13")  # fmt: skip
    for package in _DEFAULT:
        version = package_version(package)
        if version is None and package.startswith("opencv"):
            version = package_version("opencv-python")
        if version is None:
            yield Finding("python", package, "broken", "not installed", pip_command(package))
        else:
            yield Finding("python", package, "ok", version)
    works, said = try_code("import cv2", seconds=60)
    if not works:
        fix = "sudo apt-get install -y libgl1 libglib2.0-0" if ".so" in said else None
        yield Finding("python", "import cv2", "broken", said, fix)


def _cpu_quota() -> float | None:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _cpu() -> Iterator[Finding]:
    count, quota = cores(), _cpu_quota()
    name, flags = platform.processor() or platform.machine(), set[str]()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(errors="replace").splitlines()
        pairs = [(k.strip(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]
        name = next((v for k, v in pairs if k == "model name"), name)
        flags = set(next((v for k, v in pairs if k in ("flags", "Features")), "").split())
    limit = f", limited to {quota:g}" if quota is not None and quota < count else ""
    yield Finding("cpu", "cores", "ok", f"{count}{limit}: {name}")
    known = [said for flag, said in _CPU_FLAGS.items() if flag in flags]
    yield Finding("cpu", "instructions", "ok", ", ".join(known) or "none that speed it up")
    if package_version("openvino") is None:
        return
    code = (
        "import openvino as ov; c = ov.Core(); print('; '.join(f'{d}: '"
        "+ ' '.join(c.get_property(d, 'OPTIMIZATION_CAPABILITIES')) for d in c.available_devices))"
    )
    works, said = try_code(code, seconds=60)
    works = works and "CPU" in said
    yield Finding("cpu", "OpenVINO devices", "ok" if works else "broken", said,
                  None if works else pip_command("--force-reinstall", "openvino"))  # fmt: skip


def _bundle(model: str) -> Finding:
    from fra_live.runtime.bundle import load_bundle

    try:
        bundle = load_bundle(model)
    except FraLiveError as error:
        return Finding("model", model, "broken", str(error))
    actions = ", ".join(bundle.labels.action_names)
    return Finding("model", bundle.name, "ok", f"{bundle.folder}, all parts checked: {actions}")


def _codecs() -> Iterator[Finding]:
    if package_version("av") is None:
        return
    for codec, mode, purpose in (
        ("h264", "r", "reading H.264"),
        ("hevc", "r", "reading H.265"),
        ("libx264", "w", "writing H.264"),
        ("aac", "w", "writing sound"),
    ):
        works, said = try_code(f"import av; av.codec.Codec({codec!r}, {mode!r})", seconds=60)
        detail = f"{codec} in PyAV" if works else said
        fix = None if works else pip_command("--force-reinstall", "--only-binary=:all:", "av")
        yield Finding("video", purpose, "ok" if works else "missing", detail, fix)


def _window() -> Finding:
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


def _cameras() -> Iterator[Finding]:
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


def _gpu() -> Iterator[Finding]:
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


def _extras() -> Iterator[Finding]:
    for extra, (purpose, packages) in _EXTRAS.items():
        versions = {package: package_version(package) for package in packages}
        lacking = [package for package, version in versions.items() if version is None]
        if lacking:
            fix = extra_command(extra)
            detail = f"lacks {', '.join(lacking)}"
            yield Finding("extras", purpose, "missing", detail, fix)
        else:
            detail = ", ".join(f"{package} {version}" for package, version in versions.items())
            yield Finding("extras", purpose, "ok", detail)
