"""Candidates, their context and the body parts against the NumPy stages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fra_live.stages.candidates import (  # noqa: E402
    CandidateParameters,
    Proposal,
    propose,
)
from fra_live.stages.candidates import unite as unite_reference  # noqa: E402
from fra_live.stages.context import (  # noqa: E402
    ContextParameters,
    IntegralMap,
    context_features,
)
from fra_live.stages.device.candidates import Proposer, unite  # noqa: E402
from fra_live.stages.device.context import Context  # noqa: E402
from fra_live.stages.device.method import region_masks  # noqa: E402
from fra_live.stages.device.packing import region_of  # noqa: E402
from fra_live.stages.device.parts import PartFinder  # noqa: E402
from fra_live.stages.regions import body_parts  # noqa: E402
from tests.stages.device.scenes import CPU, smooth_maps  # noqa: E402
from tests.stages.maps import LABELS, Rectangles, rectangles  # noqa: E402

FRAME = (240, 330)
FINE, COARSE = (48, 64), (24, 32)
PARAMETERS = CandidateParameters()


def both(parameters: CandidateParameters) -> tuple[CandidateParameters, CandidateParameters]:
    """For the fine map and for the coarse one."""
    return parameters, replace(parameters, levels=0)


def on_device(
    fine: np.ndarray, coarse: np.ndarray, parameters: CandidateParameters
) -> list[Proposal]:
    """R over both maps by the device's stages."""
    shapes = [(m.shape[1], m.shape[2]) for m in (fine, coarse)]
    proposers = [
        Proposer(LABELS, how, FRAME, shape, number, CPU)
        for number, (shape, how) in enumerate(zip(shapes, both(parameters), strict=True))
    ]
    maps = torch.from_numpy(fine), torch.from_numpy(coarse)
    found = proposers[0].label(maps[0]), proposers[1].label(maps[1])
    regions, settled = unite(
        proposers[0].propose(maps[0], found[0]),
        proposers[1].propose(maps[1], found[1]),
        parameters,
    )
    assert bool(settled)
    assert len(regions.valid) <= parameters.max_candidates
    proposals = []
    masks = region_masks(regions, found).numpy()
    for i in np.flatnonzero(regions.valid.numpy()):
        shape = shapes[int(regions.map[i])]
        plane = masks[i, : shape[0] * shape[1]].reshape(shape)
        region = region_of(
            regions.cells[i].numpy(), plane, 1, int(regions.channel[i]), FRAME,
            float(regions.probability[i]),
        )  # fmt: skip
        assert region.box == pytest.approx(regions.boxes[i].tolist())
        assert region.mask.sum() == plane.sum()  # nothing of it lies outside its box
        proposals.append(region)
    return proposals


def key(proposal: Proposal) -> tuple[object, ...]:
    return (proposal.map_shape, proposal.channel, proposal.cells, proposal.mask.tobytes())


def same_candidates(
    fine: np.ndarray, coarse: np.ndarray, parameters: CandidateParameters
) -> list[Proposal]:
    found = on_device(fine, coarse, parameters)
    groups = [
        propose(m, LABELS, FRAME, how)
        for m, how in zip((fine, coarse), both(parameters), strict=True)
    ]
    expected = unite_reference(groups, parameters)
    assert [key(p) for p in found] == [key(p) for p in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.probability == pytest.approx(theirs.probability, abs=1e-6)
        assert ours.box == pytest.approx(theirs.box, rel=1e-12)
    return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "parameters",
    [
        PARAMETERS,
        replace(PARAMETERS, maxima=1, min_area=0.004, same_iou=0.5, levels=0),  # the paper's
        replace(PARAMETERS, maxima=6, min_distance=0.02, max_candidates=5, min_peak=0.3),
    ],
)
def test_candidates_of_blobs(seed: int, parameters: CandidateParameters) -> None:
    sure = (1.0, 4.0)[seed % 2]
    found = same_candidates(
        smooth_maps(FINE, seed, sure), smooth_maps(COARSE, seed + 100, sure), parameters
    )
    assert len(found) >= 2


@pytest.mark.parametrize(
    ("things", "count"),
    [
        ({}, 0),
        ({"drink": [(2, 3, 9, 8, 0.8)]}, 2),  # once in each map, at different places
        ({"drink": [(2, 3, 9, 8, 0.02)]}, 0),  # too weak a channel
        ({"drink": [(0, 0, 24, 32, 0.4)], "phone": [(3, 12, 9, 20, 0.55)]}, None),
        ({"drink": [(2, 2, 4, 14, 0.8), (2, 12, 14, 14, 0.7)]}, None),  # an L
    ],
)
def test_candidates_of_rectangles(things: Rectangles, count: int | None) -> None:
    found = same_candidates(rectangles(FINE, things), rectangles(COARSE, things), PARAMETERS)
    assert count is None or len(found) == count


def test_doubles_of_both_maps_are_united() -> None:
    coarse = rectangles(COARSE, {"drink": [(2, 3, 9, 8, 0.9)]})
    fine = coarse.repeat(2, axis=1).repeat(2, axis=2)
    assert [p.map_shape for p in same_candidates(fine, coarse, PARAMETERS)] == [FINE]


@pytest.mark.parametrize("grid", [5, 2])
def test_context(grid: int) -> None:
    maps, parameters = smooth_maps(FINE, 3), ContextParameters(grid=grid)
    rng = np.random.default_rng(0)
    low = rng.uniform(-5, 50, (20, 2))
    boxes = np.hstack([low, low + rng.uniform(0, 30, (20, 2))]).astype(np.float32)
    boxes[0], boxes[1] = (0, 0, FINE[1], FINE[0]), (7, 7, 8, 8)
    context = Context(FINE, parameters, CPU)(torch.from_numpy(maps), torch.from_numpy(boxes))
    expected = context_features(IntegralMap(maps), boxes, parameters)
    assert context.dtype == torch.float32
    np.testing.assert_allclose(context.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("seed", range(4))
def test_body_parts(seed: int) -> None:
    maps = smooth_maps(FINE, seed)
    found = Proposer(LABELS, PARAMETERS, FRAME, FINE, 0, CPU).label(torch.from_numpy(maps))
    parts = PartFinder(LABELS, FRAME, FINE, CPU)(found)
    expected = body_parts(maps, LABELS, FRAME)
    count = int(parts.valid.sum())
    assert count == len(expected)
    assert parts.valid.tolist() == [i < count for i in range(len(parts.valid))]
    ours = sorted(
        (LABELS.body_parts[int(n)], *map(float, box), float(mean))
        for n, box, mean in zip(
            parts.number[:count], parts.boxes[:count], parts.probability[:count], strict=True
        )
    )
    theirs = sorted((p.label, *p.box_xyxy, p.probability) for p in expected)
    for a, b in zip(ours, theirs, strict=True):
        assert a[0] == b[0]
        assert a[1:] == pytest.approx(b[1:], rel=1e-5)
    winner = maps.argmax(axis=0).ravel()
    part_map = parts.map.numpy()
    for slot in range(count):
        channel = LABELS.index(LABELS.body_parts[int(parts.number[slot])])
        assert (winner[part_map == slot + 1] == channel).all()
        assert bool(parts.faces[slot]) == (channel == LABELS.index("face"))
    areas = [(part_map == slot + 1).sum() for slot in range(count)]
    assert areas == sorted(areas, reverse=True)
