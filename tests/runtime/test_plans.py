"""Plans on disk: one that does not fit in every respect is never handed out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

from fra_live.errors import EngineError
from fra_live.runtime import plans
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.plans import (
    find_plan,
    kept_plans,
    plan_folders,
    remove_plan,
    store_plan,
    writable_folder,
)
from fra_live.runtime.sidecar import PlanSpec, Profile, read_sidecar
from tests.runtime.onnx_networks import small_bundle

SPEC = PlanSpec(
    network="coarse",
    onnx_sha256="0" * 64,
    revision=1,
    precision="f16",
    package="tensorrt",
    version="11.4.0",
    compute_capabilities=("9.0",),
    gpu="NVIDIA H200",
    driver="580.65",
    profiles=(Profile((1, 64, 64), (1, 96, 96), (1, 160, 160)),),
)
PLAN = b"native code" * 100


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setenv("FRA_LIVE_CACHE", str(tmp_path / "cache"))
    return small_bundle(tmp_path / "small")


def store(bundle: Bundle, spec: PlanSpec = SPEC, plan: bytes = PLAN) -> Path:
    folder = writable_folder(bundle)
    assert folder is not None
    return store_plan(folder, spec, plan, 12.34)


def test_a_plan_comes_back(bundle: Bundle) -> None:
    assert find_plan(bundle, SPEC) == (None, "there is no plan yet")
    path = store(bundle)
    assert path == bundle.folder / "plans" / "coarse-f16-tensorrt11.4.0-sm90.plan"
    assert find_plan(bundle, SPEC) == (PLAN, str(path))
    sidecar = read_sidecar(path.with_name("coarse-f16-tensorrt11.4.0-sm90.json"))
    assert sidecar.spec == SPEC
    assert (sidecar.plan_bytes, sidecar.seconds) == (len(PLAN), 12.3)
    assert not list(path.parent.glob(".*"))  # nothing half-written left


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"onnx_sha256": "1" * 64}, "the network was changed since"),
        ({"version": "11.5.0"}, "built with tensorrt 11.4.0, tensorrt 11.5.0 is installed"),
        ({"package": "tensorrt_rtx", "version": "1.7"},
         "built with tensorrt 11.4.0, tensorrt_rtx 1.7 is installed"),
        ({"compute_capabilities": ("8.9",)},
         "built for compute capability 9.0, this GPU has 8.9"),
        ({"gpu": "NVIDIA H100"}, "built on NVIDIA H200, this is NVIDIA H100"),
        ({"driver": "590.1"}, "built under driver 580.65, 590.1 is installed"),
        ({"revision": 2}, "built by another version of fra-live"),
        ({"profiles": (Profile.fixed((1, 192, 64)),)}, "built for other image sizes"),
        ({"profiles": (Profile.fixed((2, 64, 64)),)}, "built for other image sizes"),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_fit_is_not_read(
    bundle: Bundle, change: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(bundle)

    def read(self: Path) -> bytes:
        raise AssertionError(f"{self} was read")

    monkeypatch.setattr(Path, "read_bytes", read)
    assert find_plan(bundle, replace(SPEC, **change)) == (None, said)


def test_fewer_sizes_or_another_precision_are_other_questions(bundle: Bundle) -> None:
    store(bundle)
    inside = replace(SPEC, profiles=(Profile.fixed((1, 96, 128)),))
    assert find_plan(bundle, inside)[0] == PLAN
    assert find_plan(bundle, replace(SPEC, precision="f32")) == (None, "there is no plan yet")
    assert find_plan(bundle, replace(SPEC, network="fine")) == (None, "there is no plan yet")


def test_a_portable_plan_fits_any_driver_and_gpu(bundle: Bundle) -> None:
    portable = replace(SPEC, gpu=None, driver=None, compute_capabilities=("8.6", "8.9"))
    store(bundle, portable)
    here = replace(SPEC, compute_capabilities=("8.9",))
    assert find_plan(bundle, here)[0] == PLAN
    assert find_plan(bundle, replace(here, compute_capabilities=("12.0",)))[0] is None


def test_the_plan_that_fits_is_found_among_others(bundle: Bundle) -> None:
    for version in ("11.3.0", "11.4.0", "11.5.0"):
        store(bundle, replace(SPEC, version=version), version.encode())
    assert find_plan(bundle, SPEC)[0] == b"11.4.0"


def test_altered_plans_are_refused(bundle: Bundle) -> None:
    path = store(bundle)
    path.write_bytes(PLAN[:-1] + b"!")
    assert find_plan(bundle, SPEC) == (None, "the plan was altered")
    path.write_bytes(PLAN + b"!")
    assert find_plan(bundle, SPEC) == (None, "the plan is not as large as its sidecar says")
    path.unlink()
    assert find_plan(bundle, SPEC) == (None, "the plan itself is missing")


def test_links_are_not_followed(bundle: Bundle, tmp_path: Path) -> None:
    path = store(bundle)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert find_plan(bundle, SPEC)[0] is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", "{", '{"format": 2}', "\x00", '{"format": 1, "spec": []}',
     '{"a": ' * 100_000, " " * 200_000],
)  # fmt: skip
def test_damaged_sidecars(bundle: Bundle, text: str) -> None:
    path = store(bundle)
    sidecar = next(path.parent.glob("*.json"))
    sidecar.write_text(text)
    with pytest.raises(EngineError, match="is no proper sidecar of a plan") as caught:
        read_sidecar(sidecar)
    assert "\n" not in str(caught.value)
    assert find_plan(bundle, SPEC)[0] is None
    (kept,) = kept_plans(bundle)
    assert kept.fault == "its sidecar is missing or damaged"
    remove_plan(kept)
    assert not list(path.parent.iterdir())


def test_a_sidecar_names_no_file_elsewhere(bundle: Bundle) -> None:
    path = store(bundle)
    sidecar = next(path.parent.glob("*.json"))
    data = json.loads(sidecar.read_text())
    data["spec"]["version"] = "/../../../etc/passwd"
    sidecar.write_text(json.dumps(data))
    with pytest.raises(EngineError, match="a name that is none"):
        read_sidecar(sidecar)


def test_the_cache_stands_in_where_the_bundle_cannot_be_written(bundle: Bundle) -> None:
    """As for a model installed by root: a file in the folder's place does it for root as well."""
    (bundle.folder / "plans").write_text("in the way")
    beside, cache = plan_folders(bundle)
    assert writable_folder(bundle) == cache
    assert cache.name.startswith("small-")
    path = store(bundle)
    assert path.parent == cache
    assert find_plan(bundle, SPEC) == (PLAN, str(path))
    assert not beside.is_dir()


def test_nothing_can_be_written(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (bundle.folder / "plans", tmp_path / "file"):
        name.write_text("in the way")
    monkeypatch.setenv("FRA_LIVE_CACHE", str(tmp_path / "file"))
    assert writable_folder(bundle) is None


def test_a_failed_write_leaves_no_plan(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    store(bundle)
    whole = plans.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(plans, "write_whole", full)
    with pytest.raises(OSError, match="No space"):
        store(bundle, plan=b"another")
    assert find_plan(bundle, SPEC)[0] is None  # and not the new plan by the old sidecar


def test_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FRA_LIVE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert plans.user_cache() == tmp_path / "fra_live"


def test_profiles() -> None:
    wide = Profile((1, 32, 32), (1, 64, 64), (4, 128, 128))
    assert wide.holds((4, 32, 128))
    assert not wide.holds((5, 32, 128))
    assert wide.covers(Profile.fixed((2, 64, 64)))
    assert not Profile.fixed((2, 64, 64)).covers(wide)
