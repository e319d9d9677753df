"""What `fra-live bench` measures, and the arithmetic of its figures."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from fra_live.benchmark.cameras import summarise_cameras, time_cameras
from fra_live.benchmark.flops import graph_flops
from fra_live.benchmark.frames import COUNT, fit, gather_frames
from fra_live.benchmark.growth import candidate_costs, count_contents
from fra_live.benchmark.measure import Timing, time_frames
from fra_live.benchmark.peak import peak_flops
from fra_live.benchmark.peer import time_peer
from fra_live.benchmark.precisions import obstacles, offered_precisions
from fra_live.errors import EngineError, SourceError
from fra_live.recognizer import Recognizer
from fra_live.results import FrameResult
from tests.tiny import scene

FRAMES = [np.full((4, 6, 3), value, np.uint8) for value in range(3)]


class Fake:
    """Takes 2 ms a frame and says that it took 1 ms of preparation and 3 of networks."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.threads: set[int] = set()

    def __call__(self, image: np.ndarray) -> FrameResult:
        self.seen.append(int(image[0, 0, 0]))
        self.threads.add(threading.get_ident())
        time.sleep(0.002)
        stages = {"preprocess": 1.0, "coarse": 2.0, "fine": float(self.seen[-1])}
        return FrameResult((4, 6), {"none": 1.0}, {}, 0.5, (), stages_ms=stages)


def test_frames_are_taken_in_a_circle_and_stages_averaged() -> None:
    fake = Fake()
    timing = time_frames(fake, FRAMES, seconds=0, least=5)
    assert fake.seen == [0, 1, 2, 0, 1]
    assert len(timing.latencies_ms) == 5
    assert timing.latencies_ms.min() >= 2
    assert timing.stages_ms == {"preprocess": 1.0, "coarse": 2.0, "fine": 4 / 5}
    assert timing.network_ms == pytest.approx(2.8)


def test_time_is_what_is_asked_for() -> None:
    start = time.perf_counter()
    timing = time_frames(Fake(), FRAMES, seconds=0.1)
    assert 0.1 <= time.perf_counter() - start < 2
    assert len(timing.latencies_ms) > 1


def test_no_frames_no_timing() -> None:
    with pytest.raises(ValueError, match="no frames"):
        time_frames(Fake(), [], seconds=0)


def test_figures_of_a_timing() -> None:
    timing = Timing(np.array([10.0] * 90 + [20.0] * 10), {"coarse": 6.6, "fine": 1.65, "rank": 1})
    said = timing.to_dict()
    assert said["fps"] == pytest.approx(1000 / 11, abs=0.01)
    assert said["latency_ms"] == {"mean": 11.0, "p50": 10.0, "p95": 20.0, "max": 20.0}
    assert said["network_ms"] == 8.25
    assert said["overhead_share"] == 0.25
    # clocks that disagree by a hair give no negative share
    assert Timing(np.array([1.0]), {"coarse": 1.001}).overhead_share == 0


def layer(kind: str, shape: tuple[int, ...], filters: tuple[int, ...]) -> ov.Model:
    """A network of one layer and a ReLU."""
    data, weights = ops.parameter(shape, np.float32), ops.constant(np.ones(filters, np.float32))
    same = {"pads_begin": [1, 1], "pads_end": [1, 1], "dilations": [1, 1]}
    cut = {"pads_begin": [0, 0], "pads_end": [0, 0], "dilations": [1, 1]}
    node = {
        "convolution": lambda: ops.convolution(data, weights, strides=[2, 2], **same),
        "group": lambda: ops.group_convolution(data, weights, strides=[1, 1], **same),
        "transposed": lambda: ops.convolution_backprop_data(data, weights, strides=[2, 2], **cut),
        "transposed group": lambda: ops.group_convolution_backprop_data(
            data, weights, strides=[2, 2], **cut
        ),
        "product": lambda: ops.matmul(data, weights, False, False),
        "product of the transposed": lambda: ops.matmul(data, weights, True, False),
    }[kind]()
    return ov.Model([ops.relu(node)], [data], kind)


@pytest.mark.parametrize(
    ("kind", "shape", "filters", "multiplications"),
    [
        # two images, 4 x 5 px of 4 channels at stride 2, each from 3 channels of 3 x 3
        ("convolution", (2, 3, 8, 10), (4, 3, 3, 3), 2 * 4 * 5 * 4 * 27),
        # 6 channels of 8 x 10 px, each from one channel of 3 x 3
        ("group", (1, 3, 8, 10), (3, 2, 1, 3, 3), 6 * 8 * 10 * 9),
        # each of 3 x 4 x 5 px goes to 5 channels of 2 x 2
        ("transposed", (1, 3, 4, 5), (3, 5, 2, 2), 3 * 4 * 5 * 20),
        # each of 3 x 4 x 5 px goes to the 2 channels of its group, 2 x 2
        ("transposed group", (1, 3, 4, 5), (3, 1, 2, 2, 2), 3 * 4 * 5 * 8),
        ("product", (7, 8), (8, 5), 7 * 5 * 8),
        ("product of the transposed", (8, 7), (8, 5), 7 * 5 * 8),
    ],
)
def test_flops_by_hand(
    kind: str, shape: tuple[int, ...], filters: tuple[int, ...], multiplications: int
) -> None:
    assert graph_flops(layer(kind, shape, filters)) == 2 * multiplications


def test_the_peak_is_that_of_a_matrix_product() -> None:
    peak = peak_flops("openvino", "f32", threads=1, seconds=0.05)
    side = 512
    a = np.ones((side, side), np.float32)
    a @ a
    start = time.perf_counter()
    a @ a
    reached = 2 * side**3 / (time.perf_counter() - start)
    assert 1e9 < peak < 1e14
    assert peak > 0.05 * reached  # the same order as NumPy's own


def test_what_a_cpu_cannot_compute_is_not_offered() -> None:
    offered = offered_precisions("openvino")
    assert offered["f32"] is None
    able = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert (offered["bf16"] is None) == ("BF16" in able)


def test_without_a_gpu_nothing_is_tried_that_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "There is no NVIDIA GPU here: no driver is installed."

    def none() -> None:
        raise EngineError(said)

    monkeypatch.setattr("fra_live.benchmark.precisions.find_gpu", none)
    assert offered_precisions("tensorrt") == {"f16": said, "f32": said, "int8": said}
    assert offered_precisions("torch") == {"f32": None, "f16": said}
    monkeypatch.setattr("fra_live.benchmark.precisions.find_gpu", lambda: None)
    assert set(offered_precisions("tensorrt").values()) == {None}


def test_a_line_says_what_was_not_timed_and_why() -> None:
    rows: list[dict[str, Any]] = [
        {"backend": "tensorrt", "precision": "f16", "obstacle": "No GPU."},
        {"backend": "tensorrt", "precision": "f32", "obstacle": "No GPU."},
        {"backend": "torch", "precision": "f32", "fps": 3.0},
        {"backend": "torch", "precision": "f16", "obstacle": "No GPU."},
        {"backend": "openvino", "precision": "bf16", "obstacle": "This CPU computes no bf16."},
    ]
    assert obstacles(rows) == [
        "tensorrt (f16, f32), torch (f16): No GPU.",
        "openvino (bf16): This CPU computes no bf16.",
    ]
    assert obstacles(rows[2:3]) == []


@pytest.mark.parametrize("shape", [(480, 640), (10, 90), (64, 1), (7, 5)])
def test_frames_fit(shape: tuple[int, int]) -> None:
    image = np.zeros((30, 40, 3), np.uint8)
    image[12:18, 17:23] = 200  # the middle stays in the middle
    fitted = fit(image, shape)
    assert fitted.shape == (*shape, 3)
    assert fitted.flags.c_contiguous
    assert fitted[shape[0] // 2, shape[1] // 2, 0] > 100


def test_proportions_are_kept() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    cv2.circle(image, (50, 50), 20, (255, 255, 255), -1)
    fitted = fit(image, (40, 80))[..., 0] > 127
    rows, columns = fitted.any(axis=1).sum(), fitted.any(axis=0).sum()
    assert abs(int(rows) - int(columns)) <= 1
    assert 31 <= rows <= 34  # 41 px of 100, at .8


def test_photos_of_a_folder(tmp_path: Path) -> None:
    for number in range(40):
        image = np.full((20, 30, 3), 5 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    (tmp_path / "0.png").write_bytes(b"no image at all")
    (tmp_path / "notes.txt").write_text("none either")
    found = gather_frames((24, 32), tmp_path)
    assert len(found.images) == COUNT - 1  # the damaged one is left out
    assert {image.shape for image in found.images} == {(24, 32, 3)}
    values = [int(image[0, 0, 0]) for image in found.images]
    assert values == sorted(values)
    assert values[-1] == 195
    assert found.origin == f"{COUNT - 1} photos of {tmp_path}"


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_folder_without_photos(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(SourceError, match=r"(holds no images|a\.jpg)"):
        gather_frames((24, 32), tmp_path)
    with pytest.raises(SourceError, match="is no folder"):
        gather_frames((24, 32), tmp_path / "nowhere")


def test_frames_of_the_demo() -> None:
    pytest.importorskip("skimage")
    found = gather_frames((48, 64))
    assert "demo" in found.origin
    assert len(found.images) == COUNT


def test_drawings_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    found = gather_frames((48, 64))
    assert "scikit-image is not installed" in found.origin
    assert len({image.tobytes() for image in found.images}) == COUNT


def test_cameras_run_side_by_side() -> None:
    cameras = [Fake() for _ in range(3)]
    timings = time_cameras(cameras, FRAMES, seconds=0.1)
    assert [camera.seen[0] for camera in cameras] == [0, 1, 2]  # each begins at another
    assert len(set.union(*(camera.threads for camera in cameras))) == 3
    said = summarise_cameras(timings, threads=2)
    assert said["cameras"] == 3
    assert said["threads_each"] == 2
    assert said["fps"] == pytest.approx(3 * said["fps_each"], abs=0.05)
    assert said["fps_slowest"] <= said["fps_each"]


def test_a_camera_that_fails_is_heard_of() -> None:
    def fail(image: np.ndarray) -> FrameResult:
        raise EngineError("The engine is gone.")

    with pytest.raises(EngineError, match="gone"):
        time_cameras([Fake(), fail], FRAMES, seconds=0.01)


def test_candidates_are_counted_and_their_limit_put_back(colours: Recognizer) -> None:
    images = [scene(action, (96, 128), 77)[0] for action in ("drinking", "phoning")]
    before = colours.segment.parameters
    contents = count_contents(colours, images)
    assert contents["windows"] >= 1
    assert contents["candidates"] >= 1
    rows = candidate_costs(colours, images, seconds=0.0, counts=(1, 4))
    assert [row["candidates"] for row in rows] == [1.0, 4.0]
    assert all(row["frame_ms"] > 0 for row in rows)
    assert colours.segment.parameters is before


@pytest.mark.parametrize(
    ("name", "said"),
    [("yolo11n-seg", "ultralytics is not installed"), ("../evil", "no network of ultralytics")],
)
def test_a_peer_that_cannot_be_timed(name: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fra_live.benchmark.peer.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=said):
        time_peer(name, "f32", 1, 0.1)
