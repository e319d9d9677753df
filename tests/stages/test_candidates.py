"""Candidate regions on maps of a few rectangles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fra_live.stages.candidates import (
    CandidateParameters,
    Proposal,
    box_iou,
    propose,
    unite,
)
from tests.stages.maps import LABELS, Rectangles, rectangles

DRINK, PHONE = LABELS.index("drink"), LABELS.index("phone")
PARAMETERS = replace(CandidateParameters(), levels=0)  # the paper's regions


def found(things: Rectangles, parameters: CandidateParameters = PARAMETERS) -> list[Proposal]:
    """Proposals of a 20 x 20 map over a frame of 40 x 60 px."""
    return propose(rectangles((20, 20), things), LABELS, (40, 60), parameters)


def test_prediction_and_otsu_regions() -> None:
    proposals = found({"drink": [(2, 3, 6, 5, 0.8), (10, 10, 14, 16, 0.7)]})
    # R_pred has both rectangles, and so has R_m: each holds a maximum over Otsu's threshold
    cells = sorted(p.cells for p in proposals)
    assert cells == [(2, 3, 6, 5)] * 2 + [(10, 10, 14, 16)] * 2
    first = next(p for p in proposals if p.cells == (2, 3, 6, 5))
    assert first.channel == DRINK
    assert first.box == (6.0, 6.0, 18.0, 10.0)  # 3 px of the frame across, 2 down
    assert first.mask.shape == (2, 4)
    assert first.mask.all()
    assert first.map_shape == (20, 20)
    assert first.probability == pytest.approx(0.8)
    assert len(unite([proposals], PARAMETERS)) == 2


def test_levels_cut_a_hill_at_several_heights() -> None:
    # a step of .4 round one of .8: Otsu's threshold lies between nought and .4
    hill: Rectangles = {"drink": [(2, 2, 12, 12, 0.4), (4, 4, 8, 8, 0.8)]}
    plain, tall = (4, 4, 8, 8), (2, 2, 12, 12)
    assert {p.cells for p in found(hill, replace(PARAMETERS, levels=0))} == {plain, tall}
    only = [p.cells for p in found(hill, replace(PARAMETERS, levels=4))]
    assert only[:2] == [p.cells for p in found(hill)]
    assert only[2:] == [tall, tall, plain, plain]  # over .16, .32, .48 and .64
    kept = unite([found(hill, replace(PARAMETERS, levels=4))], PARAMETERS)
    assert [p.cells for p in kept] == [plain, tall]


def test_levels_are_shares_of_the_channels_maximum() -> None:
    things: Rectangles = {"drink": [(2, 3, 6, 5, 0.4), (10, 10, 14, 16, 0.1)]}
    # the weaker hill is a quarter of the stronger: over the level of .2, under that of .4
    cells = [p.cells for p in found(things, replace(PARAMETERS, levels=4))]
    assert cells.count((10, 10, 14, 16)) == 1
    assert cells.count((2, 3, 6, 5)) == 5  # Otsu's and all four levels


def test_every_object_has_regions_of_its_own() -> None:
    proposals = found({"drink": [(2, 3, 6, 5, 0.8)], "phone": [(10, 10, 14, 16, 0.9)]})
    assert {(p.channel, p.cells) for p in proposals} == {
        (DRINK, (2, 3, 6, 5)),
        (PHONE, (10, 10, 14, 16)),
    }


def test_body_parts_are_no_candidates() -> None:
    assert found({"face": [(2, 3, 12, 15, 0.9)], "hand": [(14, 3, 18, 9, 0.9)]}) == []


def test_the_mask_follows_the_region() -> None:
    # an L: the mask leaves its inner corner out, the mean is over the mask alone
    proposals = found({"drink": [(2, 2, 3, 8, 0.8), (2, 7, 8, 8, 0.8)]})
    assert proposals[0].cells == (2, 2, 8, 8)
    assert proposals[0].mask.sum() == 6 + 6 - 1
    assert proposals[0].probability == pytest.approx(0.8)


def test_an_otsu_region_without_a_maximum_is_dropped() -> None:
    things: Rectangles = {"drink": [(2, 3, 6, 5, 0.4), (10, 10, 14, 16, 0.3)]}
    # background wins everywhere, so R_pred is empty; l = 1 leaves the stronger region
    assert [p.cells for p in found(things, replace(PARAMETERS, maxima=1))] == [(2, 3, 6, 5)]
    assert len(found(things, replace(PARAMETERS, maxima=2))) == 2


@pytest.mark.parametrize("value", [0.05, 0.4, 0.9])
def test_a_region_that_is_the_whole_map_is_dropped(value: float) -> None:
    assert found({"drink": [(0, 0, 20, 20, value)]}) == []


@pytest.mark.parametrize(("peak", "count"), [(0.02, 0), (0.04, 1)])
def test_channels_of_noise_give_nothing(peak: float, count: int) -> None:
    assert len(found({"drink": [(2, 3, 6, 5, peak)]})) == count


@pytest.mark.parametrize(("area", "count"), [(3, 0), (4, 2)])
def test_least_area(area: int, count: int) -> None:
    # of 400 px, .01 is 4 px; both R_pred and R_m hold to it
    proposals = found({"drink": [(2, 3, 2 + area, 4, 0.8)]}, replace(PARAMETERS, min_area=0.01))
    assert len(proposals) == count


def proposal(
    box: tuple[float, float, float, float], probability: float, channel: int = DRINK
) -> Proposal:
    return Proposal(channel, box, (0, 0, 1, 1), np.ones((1, 1), bool), (4, 4), probability)


FINE = proposal((0, 0, 10, 10), 0.5)


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (proposal((0, 0, 10, 9), 0.9), 1),  # IoU .9: the fine map's is kept, though less probable
        (proposal((0, 0, 10, 8), 0.9), 2),  # IoU .8
        (proposal((0, 0, 10, 10), 0.9, PHONE), 2),  # another label
        (proposal((20, 20, 30, 30), 0.9), 2),  # elsewhere
    ],
)
def test_near_duplicates_are_united(other: Proposal, count: int) -> None:
    kept = unite([[FINE], [other]], PARAMETERS)
    assert len(kept) == count
    assert FINE in kept
    assert [p.probability for p in kept] == sorted((p.probability for p in kept), reverse=True)


def test_within_a_map_the_more_probable_duplicate_stays() -> None:
    better = proposal((0, 0, 10, 9.5), 0.6)
    assert unite([[FINE, better]], PARAMETERS) == [better]


def test_the_most_probable_are_kept() -> None:
    many = [proposal((20.0 * i, 0, 20.0 * i + 10, 10), 0.01 * i) for i in range(40)]
    kept = unite([many], replace(PARAMETERS, max_candidates=30))
    assert [round(100 * p.probability) for p in kept] == list(range(39, 9, -1))


def test_nothing_to_unite() -> None:
    assert unite([[], []], PARAMETERS) == []


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),  # the same
        ((0, 0, 2, 2), (2, 0, 4, 2), 0.0),  # they touch
        ((0, 0, 2, 2), (1, 0, 3, 2), 2 / 6),  # half of each
        ((0, 0, 4, 4), (1, 1, 3, 3), 4 / 16),  # one inside the other
        ((1, 1, 1, 1), (1, 1, 1, 1), 0.0),  # no area at all
    ],
)
def test_box_iou(a: tuple[int, ...], b: tuple[int, ...], iou: float) -> None:
    result = box_iou(np.array([a], np.float32), np.array([b, b], np.float32))
    assert result.shape == (1, 2)
    assert result[0] == pytest.approx([iou, iou])


def test_a_map_of_background_has_no_candidates() -> None:
    assert found({}) == []
