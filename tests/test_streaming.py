"""Any source through a recognizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fra_live
from fra_live.errors import SourceError
from fra_live.recognizer import Recognizer


def test_every_image_of_a_folder(colours: Recognizer, tiny_set: Path) -> None:
    pairs = list(fra_live.stream(tiny_set.parent / "images", colours))
    assert len(pairs) == 24
    # drawn in turn: phoning, none, drinking
    best = [max(r.actions, key=lambda k: r.actions[k]) for _, r in pairs[:3]]
    assert best == ["phoning", "none", "drinking"]
    for image, result in pairs:
        assert image.shape[:2] == result.frame
        assert image.dtype == np.uint8
        assert result.explanation is None


def test_with_explanations(colours: Recognizer, tiny_set: Path) -> None:
    _, result = next(fra_live.stream(tiny_set.parent / "images" / "001.png", colours, explain=True))
    assert result.explanation is not None


def test_a_source_that_is_none(colours: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        next(fra_live.stream(tmp_path / "none.mp4", colours))
