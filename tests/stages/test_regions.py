"""Outlines and body parts in px of the frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fra_live.stages.candidates import Proposal
from fra_live.stages.regions import body_parts, outline
from tests.stages.maps import LABELS, rectangles


def filled(polygons: tuple[np.ndarray, ...], shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool of the px whose centre lies within the polygons."""
    canvas = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.round((polygon - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return canvas.astype(bool)


def test_outline_lies_on_the_frame() -> None:
    mask = np.ones((5, 10), bool)
    # cells 4..14 x 6..11 of a 20 x 40 map over a frame of twice (across) and four times (down)
    proposal = Proposal(3, (8.0, 24.0, 28.0, 44.0), (4, 6, 14, 11), mask, (20, 40), 0.9)
    polygons = outline(proposal)
    assert len(polygons) == 1
    assert polygons[0].dtype == np.float32
    drawn = filled(polygons, (80, 80))
    truth = np.zeros((80, 80), bool)
    truth[24:44, 8:28] = True
    assert (drawn & truth).sum() / (drawn | truth).sum() > 0.9


def test_separate_pieces_have_separate_outlines_and_holes_none() -> None:
    mask = np.zeros((9, 20), bool)
    mask[:, :8] = True
    mask[3:6, 3:5] = False  # a hole
    mask[:, 12:] = True
    polygons = outline(Proposal(3, (0, 0, 20, 9), (0, 0, 20, 9), mask, (20, 20), 0.9))
    assert len(polygons) == 2
    assert all(p.ndim == 2 and p.shape[1] == 2 and len(p) > 2 for p in polygons)


def test_a_single_pixel_has_an_outline() -> None:
    polygons = outline(Proposal(3, (4, 4, 6, 6), (2, 2, 3, 3), np.ones((1, 1), bool), (8, 8), 0.9))
    assert len(polygons) == 1
    assert polygons[0].min() >= 4 - 1
    assert polygons[0].max() <= 6 + 1


def test_body_parts_largest_first() -> None:
    maps = rectangles(
        (20, 40),
        {
            "hand": [(1, 1, 3, 3, 0.8)],
            "face": [(10, 5, 20, 15, 0.9), (30, 2, 34, 6, 0.6)],
            "drink": [(36, 16, 39, 19, 0.9)],
        },
    )
    parts = body_parts(maps, LABELS, (40, 80))
    assert [p.label for p in parts] == ["face", "face", "hand"]
    assert parts[0].box_xyxy == (20.0, 10.0, 40.0, 30.0)
    assert parts[0].probability == pytest.approx(0.9)
    assert parts[1].box_xyxy == (60.0, 4.0, 68.0, 12.0)
    assert len(parts[0].outline) == 1


def test_body_parts_where_an_object_wins_are_not_counted() -> None:
    maps = rectangles((20, 20), {"face": [(5, 5, 15, 15, 0.4)], "drink": [(5, 5, 15, 15, 0.5)]})
    assert body_parts(maps, LABELS, (20, 20)) == []


def test_specks_are_noise() -> None:
    maps = rectangles((100, 100), {"face": [(10, 10, 11, 13, 0.9), (50, 50, 52, 52, 0.9)]})
    assert [p.box_xyxy for p in body_parts(maps, LABELS, (100, 100))] == [(50, 50, 52, 52)]
