"""Frames and windows brought to the networks' sizes, and maps pasted back, against OpenCV's."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fra_live.stages.device.preprocess import Pyramid, Resize  # noqa: E402
from fra_live.stages.device.refine import Cutter, Paster  # noqa: E402
from fra_live.stages.preprocess import Pyramid as ReferencePyramid  # noqa: E402
from fra_live.stages.preprocess import coarse_shape, resize  # noqa: E402
from fra_live.stages.refine import crop_windows, paste_windows  # noqa: E402
from fra_live.stages.windows import Window, WindowParameters  # noqa: E402
from tests.stages.device.scenes import (  # noqa: E402
    CPU,
    random_windows,
    smooth_maps,
    tensor_windows,
)

FRAMES = [(120, 160), (97, 131), (260, 200), (31, 310), (1, 1), (2, 3), (1, 400), (64, 64)]


def noise(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def far(a: np.ndarray, b: np.ndarray) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("frame", FRAMES)
def test_halves_are_the_same_px(frame: tuple[int, int]) -> None:
    image = noise(frame)
    shapes = Pyramid.shapes(frame, 3)
    levels = Pyramid.of(torch.from_numpy(image), len(shapes)).levels
    for number, level in enumerate(levels):
        expected, smaller = ReferencePyramid(image).level(1.7 * 2 ** (number - 1) if number else 1)
        assert smaller == 2**number
        assert far(level.permute(1, 2, 0).numpy(), expected) == 0


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("size", [32, 64, 96])
def test_frames_are_resized_alike(frame: tuple[int, int], size: int) -> None:
    shape = coarse_shape(frame, size)
    image = noise(frame, size)
    to_shape = Resize(frame, shape, CPU)
    small = to_shape(Pyramid.of(torch.from_numpy(image), to_shape.levels))
    assert small.dtype == torch.uint8
    assert small.is_contiguous()
    assert far(small[0].numpy(), resize(image, shape)) == 0


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("size", [32, 96])
def test_windows_are_cut_alike(frame: tuple[int, int], size: int) -> None:
    image, windows = noise(frame, size), random_windows(frame, 5, seed=size)
    cutter = Cutter(frame, size, WindowParameters(), CPU)
    pyramid = Pyramid.of(torch.from_numpy(image), cutter.levels)
    crops = cutter(pyramid, tensor_windows(windows))
    assert crops.is_contiguous()
    assert far(crops.numpy(), crop_windows(image, windows, size)) == 0


@pytest.mark.parametrize(
    "window",
    [
        Window(2.0, 1.0, 60.0),  # most of it outside
        Window(80.0, 60.0, 32.0),  # px for px
        Window(80.0, 60.0, 54.4),  # on the border of the next level: 1.7 times the crop
        Window(80.5, 60.5, 1.0),  # a single px
        Window(80.0, 60.0, 300.0),  # larger than the frame: mirrored at all sides
        Window(-90.0, 60.0, 20.0),  # nothing of the frame
    ],
)
def test_windows_that_are_odd(window: Window) -> None:
    frame = (120, 160)
    image = noise(frame)
    cutter = Cutter(frame, 32, WindowParameters(max_side=3.0), CPU)
    crops = cutter(Pyramid.of(torch.from_numpy(image), cutter.levels), tensor_windows([window]))
    assert far(crops[:1].numpy(), crop_windows(image, [window], 32)) == 0


@pytest.mark.parametrize("count", [0, 1, 3, 5])
@pytest.mark.parametrize("frame", [(120, 160), (31, 310)])
def test_maps_are_pasted_alike(frame: tuple[int, int], count: int) -> None:
    windows = random_windows(frame, count, seed=count)
    coarse = smooth_maps((16, 20), seed=1)
    fine = np.stack([smooth_maps((16, 16), seed) for seed in range(2, 7)])
    shape = coarse_shape(frame, 64, multiple=8)
    paste = Paster(frame, shape, (16, 20), (16, 16), CPU)
    merged = paste(torch.from_numpy(coarse), torch.from_numpy(fine), tensor_windows(windows))
    expected = paste_windows(coarse, fine[:count], windows, frame, shape)
    np.testing.assert_allclose(merged.numpy(), expected, atol=1e-5)


def test_what_is_sure_stays_sure() -> None:
    """Networks in half precision say 1.0 all over an object: no px of it may come out lower."""
    frame, windows = (120, 160), random_windows((120, 160), 5, seed=3)
    coarse, fine = torch.zeros(5, 16, 20), torch.zeros(5, 5, 16, 16)
    coarse[3], fine[:, 3] = 1.0, 1.0
    shape = coarse_shape(frame, 64, multiple=8)
    merged = Paster(frame, shape, (16, 20), (16, 16), CPU)(coarse, fine, tensor_windows(windows))
    assert (merged[3] == 1.0).all()
    assert (merged[:3] == 0.0).all()
