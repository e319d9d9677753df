"""What this machine can do with fra_live, and the one command for each thing that it lacks.

Anything that may hang or crash the interpreter (cameras, windows, GPU libraries) is tried in a
child process with a time limit.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from fra_live.devices import cameras, gpu, window
from fra_live.errors import FraLiveError
from fra_live.finding import Finding
from fra_live.installation import extra_command, package_version, pip_command, try_code
from fra_live.runtime.cpu import cores

__all__ = ["Finding", "examine"]

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


def examine(model: str = "mobile") -> Iterator[Finding]:
    """Look at everything, cheapest first; yields each finding as it is made."""
    yield from _python()
    yield from _cpu()
    yield _bundle(model)
    yield from _codecs()
    yield window()
    yield from cameras()
    yield from gpu()
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
