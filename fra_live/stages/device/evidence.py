"""What the networks said about one frame, in the terms of the heads."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fra_live.stages.features import _EPSILON

FLOOR = math.log(_EPSILON) - math.log1p(-_EPSILON)  # log-odds of nought


def log_odds(p: Tensor) -> Tensor:
    """log(p / (1 - p)) of clipped probabilities, any shape; see `stages.features.log_odds`."""
    clipped = p.clamp(_EPSILON, 1 - _EPSILON)
    return clipped.log() - torch.log1p(-clipped)


@dataclass(frozen=True)
class Evidence:
    """What the networks said about one frame.

    Attributes:
        global_logits: (A + 1,) float32 of Net_coarse.
        window_logits: (m, A + 1) float32 of Net_fine.
        coarse: (|L|, h, w) float32, P_coarse.
        fine: (|L|, h', w') float32, P_fine.
    """

    global_logits: Tensor
    window_logits: Tensor
    coarse: Tensor
    fine: Tensor


@dataclass(frozen=True)
class Said:
    """The evidence of the image as a whole, as logarithms.

    Attributes:
        whole: (A + 1,) float32, log-probabilities of the actions by Net_coarse.
        windows: (m, A + 1) float32, the same of each window by Net_fine.
        coarse: (|L|,) float32, log-odds of the maxima of P_coarse.
        fine: (|L|,) float32, log-odds of the maxima of P_fine.
    """

    whole: Tensor
    windows: Tensor
    coarse: Tensor
    fine: Tensor

    @classmethod
    def of(cls, evidence: Evidence) -> Said:
        """Read the evidence."""
        return cls(
            torch.log_softmax(evidence.global_logits, dim=0),
            torch.log_softmax(evidence.window_logits, dim=1),
            log_odds(evidence.coarse.amax(dim=(1, 2))),
            log_odds(evidence.fine.amax(dim=(1, 2))),
        )
