"""What is shipped: the wheel, the pins, the scripts, and what importing costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module, metadata
from pathlib import Path

import pytest

HEAVY = {"torch", "torchvision", "sklearn", "skimage", "gradio", "onnx", "matplotlib"}
SLOW = HEAVY | {"cv2", "openvino", "av", "numpy", "rich"}
# Modules that exist to train, to measure, to make the demo's clip, or for the page alone.
NOT_TO_RUN = (
    "fra_live.networks", "fra_live.training", "fra_live.evaluation", "fra_live.demo",
    "fra_live.live.web",
    # What GPUs need, imported where one is chosen.
    "fra_live.stages.device", "fra_live.device_recognizer", "fra_live.runtime.cuda_engine",
    "fra_live.runtime.onnx_", "fra_live.runtime.tensorrt_network",
    "fra_live.runtime.tensorrt_backend",
)  # fmt: skip


@pytest.fixture(scope="session")
def project(root: Path) -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return project


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def imported_by(code: str, root: Path) -> set[str]:
    """Top-level modules that a fresh interpreter has after running code."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_the_checks_before_pytest_passed() -> None:
    """`scripts/test` runs lint and types first and says here what failed."""
    assert os.environ.get("FRA_LIVE_FAILED_CHECKS", "") == ""


def test_importing_and_help_cost_nothing(root: Path) -> None:
    code = "import fra_live, fra_live.cli; fra_live.cli.build_parser()"
    assert not imported_by(code, root) & SLOW


def test_running_needs_no_extra(root: Path) -> None:
    modules = sorted(
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in (root / "fra_live").rglob("*.py")
        if path.name != "__main__.py"
    )
    modules = [m for m in modules if not m.startswith(NOT_TO_RUN)]
    assert "fra_live.recognizer" in modules
    code = "\n".join(f"import {module}" for module in modules)
    assert not imported_by(code, root) & HEAVY


def test_the_wheel_is_complete(wheel: Path, root: Path) -> None:
    shipped = [root / "fra_live", root / "engines" / "mobile"]
    expected = {
        str(path.relative_to(root) if folder.name == "fra_live" else
            Path("fra_live") / path.relative_to(root))
        for folder in shipped
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".py", ".typed", ".json", ".onnx", ".npz", ".md")
        and not path.is_relative_to(root / "engines" / "mobile" / "training")  # a checkout's own
    }  # fmt: skip
    assert "fra_live/py.typed" in expected
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = next(n for n in names if n.endswith("entry_points.txt"))
        assert "fra-live = fra_live.cli:main" in archive.read(entry_points).decode()
    assert expected - names == set()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"fra_live"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size < 40e6


def test_the_wheel_works_outside_the_checkout(
    wheel: Path, mobile_bundle: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = """
import numpy as np, fra_live
recognizer = fra_live.load("mobile", precision="f32", threads=1)
print(recognizer.bundle.folder)
print(recognizer(np.zeros((48, 64, 3), np.uint8)).frame)
"""
    environment = {k: v for k, v in os.environ.items() if k != "FRA_LIVE_ENGINES"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "site" / "fra_live" / "engines" / "mobile"
    assert done.stdout.splitlines() == [str(folder), "(48, 64)"]


def pins(root: Path) -> dict[str, str]:
    """Name, as pip compares names → version of constraints.txt."""
    lines = (root / "constraints.txt").read_text().splitlines()
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==([\w.!+]+)", line) for line in lines[1:]]
    assert all(found), "a line is no exact pin"
    return {re.sub(r"[-_.]+", "-", m[1]).lower(): m[2] for m in found if m}


def test_everything_the_tests_need_is_pinned(root: Path, project: dict[str, object]) -> None:
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict) and isinstance(project["dependencies"], list)
    required = [*project["dependencies"]]
    for extra, requirements in extras.items():
        if extra != "gpu":  # TensorRT comes from NVIDIA's own index, as its GPU needs it
            required += requirements
    names = [re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower() for requirement in required]
    assert set(names) - pins(root).keys() == set()


def test_the_test_environment_is_the_pinned_one(root: Path) -> None:
    if Path(sys.prefix) != root / ".venv-test":
        pytest.skip("not run by scripts/test")
    installed = {
        re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(): d.version
        for d in metadata.distributions()
    }
    pinned = pins(root)
    loose = {n: v for n, v in installed.items() if pinned.get(n) != v}
    assert loose.keys() <= {"fra-live", "pip", "setuptools"}


def test_the_changelog_tells_of_this_version(root: Path, project: dict[str, object]) -> None:
    assert f"## {project['version']}" in (root / "CHANGELOG.md").read_text()


def test_every_command_of_the_console_script_exists() -> None:
    cli = import_module("fra_live.cli")
    folder = Path(import_module("fra_live.commands").__file__).parent
    modules = (path.stem for path in folder.glob("*.py"))
    commands = {m for m in modules if hasattr(import_module(f"fra_live.commands.{m}"), "run")}
    assert commands == set(cli.COMMANDS)


@pytest.mark.parametrize("script", ["scripts/demo", "scripts/test", ".ci/run"])
def test_scripts_are_executable_and_well_formed(script: str, root: Path) -> None:
    assert os.access(root / script, os.X_OK)
    subprocess.run(["bash", "-n", str(root / script)], check=True)


def in_bash(root: Path, folder: Path, function: str) -> subprocess.CompletedProcess[str]:
    """Run a function of environment.bash where `folder` comes first on the path."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'source "$0"; {function}',
         str(root / "scripts" / "environment.bash")],
        env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip


def fake(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_an_old_python_gets_one_sentence(root: Path, tmp_path: Path) -> None:
    for name in ("python3", "python3.13", "python3.12", "python3.11", "python"):
        fake(tmp_path, name, "exit 1")
    done = in_bash(root, tmp_path, "find_python")
    assert done.returncode == 1
    assert done.stderr.startswith("No Python 3.11, 3.12 or 3.13 was found")
    assert done.stderr.count("\n") == 1


def test_a_python_without_venv_gets_one_sentence(root: Path, tmp_path: Path) -> None:
    real = f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"'
    fake(tmp_path, "python3", real)
    venv = tmp_path / "venv"
    done = in_bash(root, tmp_path, f'prepare_environment "{root}" "{venv}" demo small')
    assert done.returncode == 1
    assert "sudo apt-get install python3-venv" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not venv.exists()
