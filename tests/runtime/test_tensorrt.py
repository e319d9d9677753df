"""TensorRT: its parser and builder as they are (tensorrt-rtx builds without a GPU), and the plans.

Running a plan needs a GPU; those tests are marked.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("torch")

from fra_live.errors import EngineError
from fra_live.runtime import build, tensorrt_package
from fra_live.runtime.build import profiles, ready_plan, wanted_plan
from fra_live.runtime.bundle import Bundle, load_bundle
from fra_live.runtime.gpu import Gpu, find_gpu
from fra_live.runtime.half import prepare
from fra_live.runtime.sidecar import Profile
from fra_live.runtime.survey import Here, survey
from fra_live.runtime.tensorrt_build import Phases, compile_plan
from fra_live.runtime.tensorrt_package import TensorRT, find_tensorrt, load_package
from fra_live.runtime.torch_backend import open_network
from tests.runtime.onnx_networks import (
    pictures,
    quantised_network,
    single_operator,
    small_bundle,
    small_network,
)

GPU = Gpu("NVIDIA Test", "8.9", 24 << 30, "580.65")
SHAPES = (Profile((1, 32, 32), (1, 64, 64), (2, 128, 128)),)


@pytest.fixture(scope="module")
def rtx() -> TensorRT:
    found = load_package("tensorrt_rtx")
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setenv("FRA_LIVE_CACHE", str(tmp_path / "cache"))
    return small_bundle(tmp_path / "small")


@pytest.mark.parametrize("precision", ["f16", "f32", "int8"])
def test_a_network_is_compiled(rtx: TensorRT, precision: str) -> None:
    shown: list[float] = []
    given = quantised_network() if precision == "int8" else small_network()
    network = prepare(given, precision).SerializeToString()
    plan = compile_plan(rtx, network, (Profile.fixed((1, 64, 64)), *SHAPES), chips=("8.6", "8.9"),
                        exact=precision == "f32", progress=shown.append)  # fmt: skip
    assert len(plan) > 1000
    assert shown == sorted(shown)
    assert len(shown) > 3
    assert all(0 <= share <= 1 for share in shown)


def test_quantised_networks_are_another_part(rtx: TensorRT, tmp_path: Path) -> None:
    plain = small_bundle(tmp_path / "plain")
    with pytest.raises(EngineError, match="The model plain has no quantised networks"):
        wanted_plan(plain, "coarse", "int8", rtx, GPU)
    networks = {name: small_network() for name in ("coarse", "fine")}
    networks |= {f"{name}_int8": quantised_network() for name in ("coarse", "fine")}
    bundle = small_bundle(tmp_path / "quantised", networks)
    wanted = wanted_plan(bundle, "coarse", "int8", rtx, GPU)
    assert wanted.onnx_sha256 == bundle.manifest["parts"]["coarse_int8"]["sha256"]
    ready = ready_plan(bundle, wanted, rtx, progress=lambda name, share: None)
    assert ready.path is not None
    assert ready.path.name.startswith("coarse-int8-tensorrt_rtx")
    (found,) = survey(bundle, Here(GPU, rtx))
    assert found.obstacle is None


def test_a_build_can_be_stopped(rtx: TensorRT) -> None:
    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_plan(rtx, prepare(small_network(), "f16").SerializeToString(), SHAPES,
                     chips=("8.6",), progress=stop)  # fmt: skip


def test_what_cannot_be_compiled_is_told(rtx: TensorRT) -> None:
    unknown = single_operator("StringNormalizer", [np.zeros(3, np.float32)]).SerializeToString()
    for network in (b"no network", unknown):
        with pytest.raises(
            EngineError, match=r"^tensorrt_rtx .* cannot read the network: "
        ) as caught:
            compile_plan(rtx, network, SHAPES, chips=("8.6",))
        assert "\n" not in str(caught.value)
    assert "StringNormalizer" in str(caught.value)
    with pytest.raises(
        EngineError, match=r"cannot build for compute capability 3\.5: it knows 7\.5"
    ):
        compile_plan(rtx, prepare(small_network(), "f16").SerializeToString(), SHAPES,
                     chips=("3.5",))  # fmt: skip


def test_the_shipped_network_is_compiled_once(
    rtx: TensorRT, mobile_bundle: Path, tmp_path: Path
) -> None:
    bundle = load_bundle(mobile_bundle)
    wanted = wanted_plan(bundle, "fine", "f16", rtx, chips=("8.9",))
    network = prepare(build.read_model(bundle.part("fine")), "f16").SerializeToString()
    plan = compile_plan(rtx, network, wanted.profiles, chips=wanted.compute_capabilities)
    assert len(plan) > bundle.part("fine").stat().st_size / 2  # its weights are in it, halved


def test_plans_are_built_once(
    rtx: TensorRT, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = wanted_plan(bundle, "coarse", "f16", rtx, GPU)
    assert (wanted.gpu, wanted.driver) == (None, None)  # RTX plans are not bound to them
    with caplog.at_level(logging.WARNING, "fra_live"):
        first = ready_plan(bundle, wanted, rtx)
    assert first.built
    assert first.path is not None
    assert first.why == "there is no plan yet"
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == ("building the TensorRT plan of small, coarse, f16: 0 % (there is no plan "
                       "yet); this is done once and may take minutes")  # fmt: skip
    assert said[-1] == "small, coarse, f16: built."
    caplog.clear()
    again = ready_plan(bundle, wanted, rtx)
    assert (again.plan, again.path, again.built) == (first.plan, first.path, False)
    assert not caplog.records
    # Another frame size is only what it is tuned for; another network is another plan.
    other = replace(wanted, onnx_sha256="0" * 64)
    newer = ready_plan(bundle, other, rtx, progress=lambda name, share: None)
    assert newer.why == "the network was changed since"


def test_a_cache_that_cannot_be_written_is_no_failure(
    rtx: TensorRT, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    for name in (bundle.folder / "plans", tmp_path / "file"):
        name.write_text("in the way")
    monkeypatch.setenv("FRA_LIVE_CACHE", str(tmp_path / "file"))
    wanted = wanted_plan(bundle, "fine", "f16", rtx, GPU)
    ready = ready_plan(bundle, wanted, rtx, progress=lambda name, share: None)
    assert ready.built
    assert ready.path is None
    assert "set FRA_LIVE_CACHE to one that can" in caplog.text


def test_profiles_hold_every_frame(bundle: Bundle) -> None:
    from fra_live.stages.preprocess import coarse_shape
    from tests.tiny import PARAMETERS

    exact, every = profiles(bundle, "coarse", (480, 640))
    assert exact == Profile.fixed((1, *coarse_shape((480, 640), PARAMETERS.coarse_size)))
    for frame in ((480, 640), (640, 480), (1080, 1920), (1920, 1080), (1, 4000), (4000, 1), (5, 5)):
        assert every.holds((1, *coarse_shape(frame, PARAMETERS.coarse_size))), frame
    (windows,) = profiles(bundle, "fine")
    side, most = PARAMETERS.fine_size, PARAMETERS.windows.max_windows
    assert all(windows.holds((n, side, side)) for n in range(1, most + 1))
    assert not windows.holds((most + 1, side, side))


def test_plans_are_judged(rtx: TensorRT, bundle: Bundle) -> None:
    wanted = wanted_plan(bundle, "coarse", "f16", rtx, GPU)
    (bundle.folder / "plans").mkdir()
    build.store_plan(bundle.folder / "plans", wanted, b"plan", 1.0)
    (found,) = survey(bundle, Here(GPU, rtx))
    assert (found.obstacle, found.stale) == (None, False)
    (found,) = survey(bundle, Here(replace(GPU, compute_capability="12.0"), rtx))
    assert found.obstacle == "built for compute capability 8.9, this GPU has 12.0"
    assert not found.stale  # prepared for another machine
    (found,) = survey(bundle, Here(GPU, replace(rtx, version="1.9")))
    assert (found.obstacle or "").startswith("built with tensorrt_rtx 1.7")
    assert found.stale
    (found,) = survey(bundle, Here())
    assert (found.obstacle, found.stale) == ("no GPU or no TensorRT here", False)


@pytest.mark.parametrize(
    ("version", "said"),
    [("9.3.0", "tensorrt 9.3.0 is installed, but 10.13 to below 12 is needed"),
     ("10.9.0", "but 10.13 to below 12"), ("12.0", "but 10.13 to below 12"),
     (None, "tensorrt cannot be loaded (libcudart.so.13: cannot open shared object file)")],
)  # fmt: skip
def test_packages_that_do_not_serve(
    version: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they would be found: a package of that name earlier on the path."""
    text = (f"__version__ = {version!r}" if version else
            "raise OSError('libcudart.so.13: cannot open shared object file')")  # fmt: skip
    (tmp_path / "tensorrt.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "tensorrt", raising=False)
    try:
        found = load_package.__wrapped__("tensorrt")
    finally:
        __import__("sys").modules.pop("tensorrt", None)
    assert said in str(found)


def test_what_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tensorrt_package,
        "_try_packages",
        lambda names: iter([f"{n} is not installed" for n in names]),
    )
    with pytest.raises(EngineError, match=r"^TensorRT cannot be used: tensorrt is not installed; "
                                          r"tensorrt_rtx is not installed: .*\[gpu\]"):  # fmt: skip
        find_tensorrt()


def test_a_package_that_does_not_know_the_gpu(
    rtx: TensorRT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorrt_package, "_try_packages", lambda names: iter([rtx]))
    assert find_tensorrt("8.9") is rtx
    with pytest.raises(EngineError, match=r"does not know GPUs of compute capability 9\.0"):
        find_tensorrt("9.0")


def test_phases_add_up() -> None:
    shown: list[float] = []
    phases = Phases(shown.append)
    phases.start("all", None, 2)
    phases.start("first", "all", 4)
    for number in range(4):
        assert phases.step("first", number)
    phases.finish("first")
    assert shown[-1] == pytest.approx(0.5, abs=0.01)
    phases.step("all", 0)
    phases.start("second", "all", 10)
    phases.start("inner", "second", 2)
    phases.step("inner", 0)
    assert shown[-1] == pytest.approx(0.525, abs=0.01)
    phases.finish("inner")
    phases.finish("second")
    phases.step("all", 1)
    phases.finish("all")
    assert shown == sorted(shown)
    assert shown[-1] == 1
    assert phases.step("unheard of", 3)


@pytest.mark.gpu
def test_a_plan_computes_what_the_reference_does(bundle: Bundle) -> None:
    import torch

    from fra_live.runtime.tensorrt_backend import open_tensorrt

    try:
        find_tensorrt(find_gpu().compute_capability)
    except EngineError as error:
        pytest.skip(str(error))
    for precision, largest in (("f32", 1e-4), ("f16", 0.01)):
        coarse, fine, chosen, _ = open_tensorrt(bundle, precision, progress=lambda n, s: None)
        assert chosen == precision
        for engine, name, count, side in ((coarse, "coarse", 1, 96), (fine, "fine", 3, 64)):
            reference = open_network(bundle.part(name), "f32")
            for seed in range(4):  # before and after the graph's capture
                images = pictures(count, side, side, seed)
                exact = reference(images)
                for a, b in zip(exact, engine(images), strict=True):
                    assert float(np.abs(a - b).max()) < largest
                with torch.cuda.stream(torch.cuda.Stream()):
                    held = engine.run_tensor(torch.from_numpy(images).cuda())
                    assert float(np.abs(held[0].cpu().numpy() - exact[0]).max()) < largest
        with pytest.raises(EngineError, match="is not compiled for images of 8x8 px"):
            coarse(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.gpu
def test_a_damaged_plan_is_refused(rtx: TensorRT) -> None:
    import torch

    from fra_live.runtime.tensorrt_network import TensorRTNetwork

    with pytest.raises(EngineError, match="does not take the plan of coarse"):
        TensorRTNetwork(rtx, b"no plan" * 100, "coarse", torch.device("cuda", 0))
