"""F_i(I): the size and place of every block, and what stands in it."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.stages.candidates import Proposal
from fra_live.stages.features import (
    BLOCKS,
    ImageEvidence,
    block_sizes,
    block_slices,
    feature_matrix,
    log_odds,
    log_softmax,
    overlap_columns,
    region_evidence,
)
from tests.stages.maps import LABELS, rectangles

DRINK, PHONE = LABELS.index("drink"), LABELS.index("phone")
FLOOR = np.log(1e-3 / (1 - 1e-3))  # log-odds of a probability of nought
NAN = np.full(4, np.nan, np.float32)
EVIDENCE = ImageEvidence(
    global_logits=np.array([2.0, 0.0, 0.0], np.float32),
    coarse_maxima=np.array([0.9, 0.5, 0.1, 0.2, 0.0], np.float32),
    fine_maxima=np.array([0.8, 0.6, 0.1, 0.7, 1.0], np.float32),
)


def region(channel: int, cells: tuple[int, int, int, int]) -> Proposal:
    """A full rectangle of a 10 x 10 map over a frame of 10 x 10 px."""
    x0, y0, x1, y1 = cells
    box = (float(x0), float(y0), float(x1), float(y1))
    return Proposal(channel, box, cells, np.ones((y1 - y0, x1 - x0), bool), (10, 10), 0.5)


def test_sizes_and_places() -> None:
    # 2 actions and none, 5 labels, 2 objects of 7 numbers each and two means of 5 labels
    sizes = {"global": 3, "coarse": 5, "fine": 5, "face": 3, "object": 24}
    assert block_sizes(LABELS) == sizes
    assert tuple(sizes) == BLOCKS
    slices = block_slices(LABELS)
    assert [slices[b].start for b in BLOCKS] == [0, 3, 8, 13, 16]
    assert slices["object"].stop == 40


def test_overlaps_have_a_column_an_object() -> None:
    assert overlap_columns(LABELS, np.array([DRINK, PHONE, DRINK])).tolist() == [18, 25, 18]
    assert overlap_columns(LABELS, np.zeros(0, np.intp)).tolist() == []


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0.5, 0.0), (0.9, np.log(9)), (0.0, FLOOR), (1.0, -FLOOR)],  # clipped at a thousandth
)
def test_log_odds(p: float, expected: float) -> None:
    assert log_odds(np.array([p], np.float32)) == pytest.approx([expected], rel=1e-4)


def test_log_softmax() -> None:
    assert np.exp(log_softmax(np.array([[np.log(3), 0.0], [1000.0, 1000.0]]))) == pytest.approx(
        np.array([[0.75, 0.25], [0.5, 0.5]])
    )


def test_an_image_without_a_candidate_has_one_row_without_an_object() -> None:
    face_logits = np.array([[0.0, np.log(2), 0.0]], np.float32)
    maps = rectangles((10, 10), {})
    rows = feature_matrix(LABELS, EVIDENCE, [], np.zeros(0), face_logits, NAN[None], maps)
    assert rows.shape == (1, 40)
    assert rows.dtype == np.float32
    assert rows[0, 0:3] == pytest.approx(log_softmax(EVIDENCE.global_logits))
    assert rows[0, 3:8] == pytest.approx(log_odds(EVIDENCE.coarse_maxima))
    assert rows[0, 8:13] == pytest.approx(log_odds(EVIDENCE.fine_maxima))
    assert rows[0, 13:16] == pytest.approx(np.log([0.25, 0.5, 0.25]))
    assert np.all(rows[0, 16:] == 0)


def test_candidates_fill_the_slot_of_their_label() -> None:
    maps = rectangles((10, 10), {"drink": [(2, 2, 6, 4, 0.8)], "phone": [(7, 7, 9, 9, 0.6)]})
    face = np.array([2.0, 4.0, 6.0, 8.0], np.float32)
    kept = [region(PHONE, (7, 7, 9, 9)), region(DRINK, (2, 2, 6, 4))]
    rows = feature_matrix(
        LABELS,
        EVIDENCE,
        kept,
        np.array([0.3, 0.4], np.float32),
        np.zeros((2, 3), np.float32),
        np.stack([NAN, face]),
        maps,
    )
    assert rows.shape == (2, 40)
    # the phone: nothing in the drink's slot; log-odds above those of nought, and its overlap
    assert np.all(rows[0, 16:23] == 0)
    assert rows[0, 23:26] == pytest.approx([np.log(1.5) - FLOOR, np.log(1.5) - FLOOR, 0.3])
    assert np.all(rows[0, 26:30] == 0)  # no face, no position
    # the drink is 4 x 2 px with its centre at (4, 3); the face 4 x 4 at (4, 6)
    assert rows[1, 16:19] == pytest.approx([np.log(4) - FLOOR, np.log(4) - FLOOR, 0.4])
    assert rows[1, 19:23] == pytest.approx([0.0, -0.75, 0.75, 0.0], abs=1e-6)
    assert np.all(rows[1, 23:30] == 0)
    # means of all labels over the mask, then over the box
    assert rows[1, 30:35] == pytest.approx(log_odds(maps[:, 2, 2]) - FLOOR, abs=1e-4)
    assert rows[1, 35:40] == pytest.approx(rows[1, 30:35], abs=1e-4)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((30, 10, 40, 20), [2.0, 0.0, 2.0, 0.0]),  # two sides to the right
        ((-10, 10, 0, 20), [2.0, 0.0, 2.0, 0.0]),  # to the left: the same
        ((10, 30, 20, 40), [0.0, 2.0, 2.0, 0.0]),  # below
        ((10, 10, 37.18, 20), [0.859, 0.0, 0.859, 1.0]),  # e times as long as the face
        ((900, 900, 910, 910), [3.0, 3.0, 3.0, 0.0]),  # far away is far away
    ],
)
def test_positions_in_sides_of_the_face(box: tuple[float, ...], expected: list[float]) -> None:
    candidate = Proposal(
        DRINK, (box[0], box[1], box[2], box[3]), (0, 0, 1, 1), np.ones((1, 1), bool), (10, 10), 0.5
    )
    face = np.array([[10, 10, 20, 20]], np.float32)
    rows = feature_matrix(
        LABELS, EVIDENCE, [candidate], np.zeros(1), np.zeros((1, 3)), face, rectangles((10, 10), {})
    )
    assert rows[0, 19:23] == pytest.approx(expected, abs=1e-3)


def test_evidence_of_a_mask() -> None:
    maps = rectangles((10, 10), {"drink": [(2, 2, 4, 4, 0.8), (4, 2, 6, 4, 0.2)]})
    mask = np.array([[True, True, False, False]] * 2)
    proposal = Proposal(DRINK, (2, 2, 6, 4), (2, 2, 6, 4), mask, (10, 10), 0.8)
    masked, boxed, highest = region_evidence(proposal, maps)
    assert masked[DRINK] == pytest.approx(0.8)
    assert boxed[DRINK] == pytest.approx(0.5)
    assert masked.sum() == pytest.approx(1.0)
    assert highest == pytest.approx(0.8)


@pytest.mark.parametrize("size", [5, 20])
def test_evidence_of_a_mask_from_a_map_of_another_size(size: int) -> None:
    maps = rectangles((10, 10), {"drink": [(2, 2, 6, 4, 0.8)]})
    k = size / 10
    cells = (int(2 * k), int(2 * k), int(6 * k), int(4 * k))
    mask = np.ones((cells[3] - cells[1], cells[2] - cells[0]), bool)
    proposal = Proposal(DRINK, (2, 2, 6, 4), cells, mask, (size, size), 0.8)
    masked, boxed, highest = region_evidence(proposal, maps)
    assert (masked[DRINK], boxed[DRINK], highest) == pytest.approx((0.8, 0.8, 0.8))


def test_a_mask_that_falls_between_the_cells_counts_as_its_box() -> None:
    mask = np.zeros((4, 4), bool)
    mask[0, 0] = True  # one px of a map four times as fine, beside the centre of its cell
    proposal = Proposal(DRINK, (2, 2, 3, 3), (8, 8, 12, 12), mask, (40, 40), 0.8)
    masked, boxed, _ = region_evidence(proposal, rectangles((10, 10), {}))
    assert masked == pytest.approx(boxed)
