"""A recognizer on tensors: what it refuses, how it fails, and its stages fused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fra_live.device_recognizer import DeviceRecognizer  # noqa: E402
from fra_live.errors import EngineError  # noqa: E402
from fra_live.recognizer import Recognizer  # noqa: E402
from fra_live.runtime.bundle import load_bundle  # noqa: E402
from fra_live.runtime.engine import EngineChoice, open_engines  # noqa: E402
from tests.stages.device.tensors import OnTensors, on_tensors, same_result  # noqa: E402
from tests.tiny import ColourEngine, scene  # noqa: E402


@pytest.fixture(scope="module")
def device(colours: Recognizer) -> DeviceRecognizer:
    return on_tensors(colours)


@pytest.mark.parametrize("frame", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), float), None])
def test_other_arrays_are_value_errors(device: DeviceRecognizer, frame: Any) -> None:
    with pytest.raises(ValueError, match="A frame is"):
        device(frame)


def test_engines_without_tensors_are_refused(colours: Recognizer) -> None:
    engines = EngineChoice(ColourEngine(8), ColourEngine(4), "openvino", "f32", "for tests")
    with pytest.raises(EngineError, match="openvino takes no tensors"):
        DeviceRecognizer(colours.bundle, engines)


class Failing(OnTensors):
    def run_tensor(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        raise RuntimeError("CUDA error: an illegal address\nmore lines")


def test_a_failing_device_is_told_in_one_sentence(colours: Recognizer) -> None:
    engine = colours.engine
    choice = replace(engine, coarse=OnTensors(engine.coarse), fine=Failing(engine.fine))
    with pytest.raises(EngineError, match=r"on a frame of 80 x 60 px: CUDA error: an illegal addr"):
        DeviceRecognizer(colours.bundle, choice)(np.zeros((60, 80, 3), np.uint8))


def test_real_frames(mobile_bundle: Path) -> None:
    pytest.importorskip("skimage")
    from fra_live.benchmark.frames import gather_frames

    bundle = load_bundle(mobile_bundle)
    recognizer = Recognizer(bundle, open_engines(bundle, "openvino", "f32", threads=1))
    device = on_tensors(recognizer)
    for image in gather_frames((240, 320)).images[3:24:12]:
        same_result(device(image), recognizer(image), 2e-3)


def test_stages_can_be_fused(device: DeviceRecognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dynamo follows a stage as one graph: nothing in it depends on a tensor's values."""
    image = scene("phoning", (96, 96), 3)[0]
    before = device(image)
    segment = device.device_segment
    compiled = partial(torch.compile, fullgraph=True, dynamic=False, backend="eager")

    def fuse(stage: Callable[..., Any]) -> Callable[..., Any]:  # all of them would take too long
        chosen: Callable[..., Any] = stage
        if stage.__name__ in ("_looked", "_judged"):
            chosen = compiled(stage)
        return chosen

    monkeypatch.setattr(segment, "fuse", fuse)
    segment._runners.clear()
    same_result(device(image), before, 1e-6)
    assert segment.fuse is fuse
    segment._runners.clear()


def test_what_cannot_be_fused_runs_as_it_is(
    device: DeviceRecognizer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fuse(stage: Callable[..., Any]) -> Callable[..., Any]:
        def fails(*_: Any) -> Any:
            raise RuntimeError("no compiler")

        return fails

    image = scene("phoning", (96, 96), 3)[0]
    before = device(image)
    monkeypatch.setattr(device.device_segment, "fuse", fuse)
    device.device_segment._runners.clear()
    same_result(device(image), before, 0)
    assert device.device_segment.fuse is None
    assert "Stages are not fused: RuntimeError" in caplog.text


@pytest.mark.gpu
@pytest.mark.parametrize("fuse", [False, True])
def test_real_frames_on_a_gpu(mobile_bundle: Path, fuse: bool) -> None:
    from fra_live.benchmark.frames import gather_frames

    bundle = load_bundle(mobile_bundle)
    device = DeviceRecognizer(bundle, open_engines(bundle, "torch", "f32"), fuse=fuse)
    host = Recognizer(bundle, device.engine)
    device.warm_up((240, 320))
    for image in gather_frames((240, 320)).images[3:24:5]:
        same_result(device(image), host(image), 0.02)
    runner = device.device_segment._runner((240, 320))
    assert runner.graphs
