"""Connected components against OpenCV's, on shapes that are hard to follow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fra_live.stages.device.components import Components, Finder, propagate  # noqa: E402
from fra_live.stages.device.grid import Grid  # noqa: E402
from tests.stages.device.scenes import CPU  # noqa: E402

SHAPE = (21, 30)


def spiral() -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    y0, x0, y1, x1 = 0, 0, SHAPE[0] - 1, SHAPE[1] - 1
    while y0 <= y1 and x0 <= x1:
        mask[y0, max(0, x0 - 2) : x1 + 1] = 1
        mask[y0 : y1 + 1, x1] = 1
        mask[y1, x0 : x1 + 1] = 1
        mask[y0 + 2 : y1 + 1, x0] = 1
        y0, x0, y1, x1 = y0 + 2, x0 + 2, y1 - 2, x1 - 2
    return mask


def snake(turned: bool) -> np.ndarray:
    """One line that goes through the whole map, row after row."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[::2] = 1
    mask[1::4, -1] = 1
    mask[3::4, 0] = 1
    return mask[::-1].copy() if turned else mask


def comb() -> np.ndarray:
    """Teeth that meet in the last row only."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, ::2] = 1
    mask[-1] = 1
    return mask


def speckle(density: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(SHAPE) < density).astype(np.uint8)


MASKS = np.stack([
    np.zeros(SHAPE, np.uint8),
    np.ones(SHAPE, np.uint8),
    np.indices(SHAPE).sum(axis=0).astype(np.uint8) % 2,  # joined at corners alone
    np.eye(*SHAPE, dtype=np.uint8),
    spiral(), snake(False), snake(True), comb(),
    *(speckle(density, seed) for seed, density in enumerate((0.1, 0.3, 0.41, 0.5, 0.6, 0.8))),
])  # fmt: skip


def roots_of(mask: np.ndarray, connectivity: int) -> np.ndarray:
    """The first px of every px's component by OpenCV; every other px is its own."""
    _, regions = cv2.connectedComponents(mask, connectivity=connectivity)
    regions, roots = regions.ravel(), np.arange(mask.size)
    for label in range(1, regions.max() + 1):
        where = np.flatnonzero(regions == label)
        roots[where] = where[0]
    return roots


@pytest.mark.parametrize("connectivity", [4, 8])
def test_propagation_finds_the_components(connectivity: int) -> None:
    masks = torch.from_numpy(MASKS.reshape(len(MASKS), -1) > 0)
    found = propagate(masks, Grid.of(SHAPE, CPU), connectivity)
    assert bool(found.settled)
    for mask, roots in zip(MASKS, found.roots.numpy(), strict=True):
        assert np.array_equal(roots, roots_of(mask, connectivity))


def test_unsettled_components_are_told() -> None:
    masks = torch.from_numpy(MASKS.reshape(len(MASKS), -1) > 0)
    assert not bool(propagate(masks, Grid.of(SHAPE, CPU), 8, rounds=2).settled)
    few = propagate(masks[:2], Grid.of(SHAPE, CPU), 8, rounds=1)
    assert not bool(few.settled)  # even a full map needs a round to see that nothing changes


@pytest.mark.parametrize("density", [0.35, 0.41, 0.5, 0.59])
def test_a_large_map_settles_in_the_usual_rounds(density: float) -> None:
    shape = (168, 224)
    mask = np.random.default_rng(1).random(shape) < density
    found = Finder.on(CPU)(torch.from_numpy(mask.reshape(1, -1)), Grid.of(shape, CPU))
    assert bool(found.settled)
    count, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    assert int(found.firsts(Grid.of(shape, CPU)).sum()) == count - 1


INTERPRETED = """
import sys
import numpy as np
import torch
from fra_live.stages.device.components_triton import unite
masks = torch.from_numpy(np.load(sys.argv[1]))
roots = [unite(masks.flatten(1), masks.shape[2], neighbours).numpy() for neighbours in (4, 8)]
np.save(sys.argv[2], np.stack(roots))
"""


def test_the_triton_kernels_find_the_components(tmp_path: Path, root: Path) -> None:
    """Run by Triton's interpreter on CPU tensors; it has to be chosen before Triton is imported."""
    pytest.importorskip("triton")
    given, found = tmp_path / "masks.npy", tmp_path / "roots.npy"
    np.save(given, MASKS > 0)
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED, str(given), str(found)],
        env=os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        cwd=root, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for connectivity, planes in zip((4, 8), np.load(found), strict=True):
        for mask, roots in zip(MASKS, planes, strict=True):
            assert np.array_equal(roots, roots_of(mask, connectivity))


@pytest.mark.gpu
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("by_triton", [True, False])
def test_on_a_gpu(by_triton: bool, connectivity: int) -> None:
    shape = (168, 224)
    rng = np.random.default_rng(2)
    masks = np.stack([rng.random(shape) < density for density in np.linspace(0.1, 0.9, 17)])
    device = torch.device("cuda")
    find = Finder.on(device) if by_triton else Finder()
    if find.triton != by_triton:
        pytest.skip("Triton does not run here")
    on_device = torch.from_numpy(masks.reshape(len(masks), -1)).to(device)
    found: Components = find(on_device, Grid.of(shape, device), connectivity)
    assert bool(found.settled)
    for mask, roots in zip(masks, found.roots.cpu().numpy(), strict=True):
        assert np.array_equal(roots, roots_of(mask.astype(np.uint8), connectivity))
