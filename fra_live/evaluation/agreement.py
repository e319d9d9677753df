"""How far engines are from the float32 reference, on the same inputs of both networks.

The reference is torch in float32. Its windows are cut once, so that an engine is measured by what
it computes and not by what a slightly different window shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.runtime.engine import EngineChoice
from fra_live.stages.preprocess import coarse_shape, resize
from fra_live.stages.refine import crop_windows
from fra_live.stages.windows import select_windows

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Case:
    """Input of one network and what the reference makes of it.

    Attributes:
        network: "coarse" or "fine".
        images: (N, H, W, 3) uint8 BGR.
        probabilities: (N, |L|, h, w) float32.
        logits: (N, A + 1) float32.
    """

    network: str
    images: np.ndarray
    probabilities: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class Agreement:
    """The distance of one network from the reference, over all cases.

    Attributes:
        network: "coarse" or "fine".
        largest, mean: absolute error of the probabilities.
        logits: largest absolute error of the action logits.
        same_label: share of px with the same most probable label.
    """

    network: str
    largest: float
    mean: float
    logits: float
    same_label: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def gather_cases(
    reference: EngineChoice,
    labels: LabelSet,
    parameters: Parameters,
    frames: Sequence[np.ndarray],
    progress: Progress | None = None,
) -> list[Case]:
    """Run the reference over frames.

    Args:
        reference: the engines to compare with.
        labels, parameters: of the bundle.
        frames: (H, W, 3) uint8 BGR each.
        progress: called with the number of frames done and their total.

    Raises:
        EngineError: the reference failed.
    """
    cases = []
    for done, frame in enumerate(frames, start=1):
        size = (frame.shape[0], frame.shape[1])
        small = resize(frame, coarse_shape(size, parameters.coarse_size))[None]
        whole, logits = reference.coarse(small)
        cases.append(Case("coarse", small, whole.copy(), logits.copy()))
        windows = select_windows(cases[-1].probabilities[0], labels, size, parameters.windows)
        crops = crop_windows(frame, windows, parameters.fine_size)
        inside, logits = reference.fine(crops)
        cases.append(Case("fine", crops, inside.copy(), logits.copy()))
        if progress is not None:
            progress(done, len(frames))
    return cases


def compare(engines: EngineChoice, cases: Iterable[Case]) -> list[Agreement]:
    """Run an engine over the cases of both networks.

    Raises:
        EngineError: it failed, or its results have another shape.
    """
    cases = list(cases)
    return [
        _compare_network(name, engine, [c for c in cases if c.network == name])
        for name, engine in (("coarse", engines.coarse), ("fine", engines.fine))
    ]


def _compare_network(name: str, engine: Any, cases: Sequence[Case]) -> Agreement:
    largest = logits = total = same = 0.0
    values = pixels = 0
    for case in cases:
        probabilities, action_logits = engine(case.images)
        error = np.abs(probabilities - case.probabilities)
        # A value that is no number is as wrong as can be, and would be lost in a maximum.
        error = np.where(np.isfinite(error), error, 1.0)
        largest, total = max(largest, float(error.max())), total + float(error.sum())
        values += error.size
        away = np.abs(action_logits - case.logits)
        logits = max(logits, float(np.where(np.isfinite(away), away, np.inf).max()))
        agreed = probabilities.argmax(axis=1) == case.probabilities.argmax(axis=1)
        same, pixels = same + float(agreed.sum()), pixels + agreed.size
    return Agreement(name, largest, total / max(values, 1), logits, same / max(pixels, 1))
