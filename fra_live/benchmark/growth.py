"""How the cost of a frame depends on what is in it: windows and candidates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fra_live.recognizer import Recognizer

COUNTS = (1, 10, 25, 50)


def count_contents(recognizer: Recognizer, frames: Sequence[np.ndarray]) -> dict[str, float]:
    """Mean number of windows and of candidates in a frame."""
    found = [recognizer.segment(frame) for frame in frames]
    return {
        "windows": float(np.mean([len(f.windows) for f in found])),
        "candidates": float(np.mean([len(f.proposals) for f in found])),
    }


def candidate_costs(
    recognizer: Recognizer,
    frames: Sequence[np.ndarray],
    seconds: float,
    counts: Sequence[int] = COUNTS,
) -> list[dict[str, Any]]:
    """Time of a frame with 1 to 50 candidates.

    Real frames have too few, so regions are taken that are otherwise left out as doubles or as
    too small, and the most probable 1, 10 … kept: the search for them costs the same each time,
    and what is compared is all that is done for each candidate. The counts take turns on the same
    frame, so that a disturbance meets all of them.

    Args:
        recognizer: warm; its parameters are as before when this returns.
        frames: (H, W, 3) uint8 BGR each.
        seconds: for how long.
        counts: how many candidates to keep.

    Returns:
        For each count the mean number reached and the median milliseconds of a frame.
    """
    segment, before = recognizer.segment, recognizer.segment.parameters
    loose = replace(before.candidates, maxima=20, min_peak=1e-3, min_area=0.0, same_iou=2.0)
    spent: dict[int, list[float]] = {count: [] for count in counts}
    reached: dict[int, list[int]] = {count: [] for count in counts}
    end = time.perf_counter() + seconds
    try:
        number = 0
        while number < 3 or time.perf_counter() < end:
            frame = frames[number % len(frames)]
            for count in counts:
                candidates = replace(loose, max_candidates=count)
                segment.parameters = replace(before, candidates=candidates)
                if number < len(frames):  # also warms what depends on the count
                    reached[count].append(len(recognizer.segment(frame).proposals))
                start = time.perf_counter()
                recognizer(frame)
                spent[count].append(1000 * (time.perf_counter() - start))
            number += 1
    finally:
        segment.parameters = before
    return [
        {
            "candidates": round(float(np.mean(reached[count])), 1),
            "frame_ms": round(float(np.median(spent[count])), 3),
        }
        for count in counts
    ]
