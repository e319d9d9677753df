"""The choice of the q candidates on the device, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from fra_live.stages.candidates import CandidateParameters
from fra_live.stages.rank import best_distinct

torch = pytest.importorskip("torch", reason="needs torch")

from fra_live.stages.device.ranking import best_distinct as on_device  # noqa: E402


@pytest.mark.parametrize("consensus", [0.0, 10.0])
@pytest.mark.parametrize("distinct_iou", [0.3, 1.0])
def test_the_same_candidates_are_kept(consensus: float, distinct_iou: float) -> None:
    rng = np.random.default_rng(int(consensus))
    how = CandidateParameters(consensus=consensus, distinct_iou=distinct_iou)
    for count in (1, 2, 7, 40):
        corners = np.sort(rng.uniform(0, 50, (count, 2, 2)), axis=1).astype(np.float32)
        boxes = corners.reshape(count, 4)
        boxes[count // 2] = boxes[0]  # of two labels
        overlaps = rng.random(count).astype(np.float32)
        empty = rng.integers(0, 4)  # slots behind, which hold no candidate
        slots = torch.cat([torch.from_numpy(overlaps), torch.full((empty,), -1.0)])
        places = torch.cat([torch.from_numpy(boxes), torch.zeros(empty, 4)])
        order, valid = on_device(slots, places, 3, how)
        assert order[valid].tolist() == best_distinct(overlaps, boxes, 3, how).tolist()
