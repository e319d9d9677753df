"""Steps 1 to 5 of the method: one frame to both maps, the candidate regions and their context.

The recognizer runs it before the heads; the trainings of the heads run it as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from fra_live.errors import EngineError, FraLiveError
from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.runtime.engine import Engine
from fra_live.stages.candidates import Proposal, propose, unite
from fra_live.stages.context import long_context, short_context
from fra_live.stages.features import ImageEvidence
from fra_live.stages.maps import ProbabilityMap
from fra_live.stages.preprocess import Pyramid, coarse_shape, resize
from fra_live.stages.refine import crop_windows, paste_windows
from fra_live.stages.windows import Window, select_windows


class StageClock:
    """Milliseconds of each stage of one frame."""

    def __init__(self) -> None:
        self.stages_ms: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to `stage`."""
        start = time.perf_counter()
        yield
        spent = 1000 * (time.perf_counter() - start)
        self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + spent


@dataclass(frozen=True)
class Segmentation:
    """Steps 1 to 5 of one frame: both maps and the candidate regions.

    Attributes:
        coarse_map: P_coarse.
        fine_map: P_fine over the frame.
        global_logits: (A + 1,) of Net_coarse.
        windows: Net_fine's windows, and `window_logits` (N, A + 1), its action logits there.
        proposals: R of both maps.
        short_context: (M, 25·|L|) float32, one row a proposal.
        long_context: gives as many rows of the long range, which rankings need not read.
    """

    coarse_map: ProbabilityMap
    fine_map: ProbabilityMap
    global_logits: np.ndarray
    windows: list[Window]
    window_logits: np.ndarray
    proposals: list[Proposal]
    short_context: np.ndarray
    long_context: Callable[[], np.ndarray] = field(repr=False)

    @property
    def coarse(self) -> np.ndarray:
        """(|L|, h, w) float32, P_coarse."""
        return self.coarse_map.planes

    @property
    def fine(self) -> np.ndarray:
        """(|L|, h', w') float32, P_fine over the frame."""
        return self.fine_map.planes

    @cached_property
    def boxes(self) -> np.ndarray:
        """(M, 4) float32, the proposals' boxes in frame px."""
        return np.array([r.box for r in self.proposals], np.float32).reshape(-1, 4)

    @cached_property
    def context(self) -> np.ndarray:
        """(M, 2·25·|L|) float32, both ranges, one row a proposal."""
        return np.concatenate([self.short_context, self.long_context()], axis=1)

    @cached_property
    def evidence(self) -> ImageEvidence:
        """What the networks said about the image as a whole."""
        return ImageEvidence(self.global_logits, self.coarse_map.maxima, self.fine_map.maxima)


@dataclass(frozen=True)
class Look:
    """What both networks gave for a frame; arrays are valid until the next call.

    Attributes:
        coarse: (|L|, h, w) float32, and `global_logits` (A + 1,), of Net_coarse.
        windows: Net_fine's, and of these `inside` (N, |L|, s, s) float32 and `window_logits`
            (N, A + 1).
    """

    coarse: np.ndarray
    global_logits: np.ndarray
    windows: list[Window]
    inside: np.ndarray
    window_logits: np.ndarray


class Segmenter:
    """The networks and the stages between them, in the paper's order."""

    def __init__(
        self,
        coarse: Engine,
        fine: Engine,
        labels: LabelSet,
        parameters: Parameters,
        backend: str = "in use",
    ) -> None:
        """Take both networks.

        Args:
            coarse, fine: the networks.
            labels: names of their channels.
            parameters: of the stages.
            backend: what runs the networks, for messages.
        """
        self.coarse, self.fine = coarse, fine
        self.labels, self.parameters, self._backend = labels, parameters, backend

    def __call__(self, image: np.ndarray, clock: StageClock | None = None) -> Segmentation:
        """Segment one frame.

        Args:
            image: (H, W, 3) uint8 BGR.
            clock: collects the stages' times.

        Raises:
            EngineError: a network failed.
        """
        clock = clock or StageClock()
        p, labels = self.parameters, self.labels
        frame = (image.shape[0], image.shape[1])
        with clock("preprocess"):
            pyramid = Pyramid(image)
            small = resize(pyramid, coarse_shape(frame, p.coarse_size))[None]
        look = self._look(pyramid, small, clock)
        coarse, inside, windows = look.coarse, look.inside, look.windows
        with clock("refine"):
            shape = coarse_shape(frame, p.map_size, multiple=8)
            fine = ProbabilityMap(paste_windows(coarse, inside, windows, frame, shape))
            first = ProbabilityMap(coarse.copy())
        with clock("candidates"):
            plain = replace(p.candidates, levels=0)  # P_coarse's cells are too large for levels
            pairs = (fine, p.candidates), (first, plain)
            groups = [propose(m, labels, frame, how) for m, how in pairs]
            proposals = unite(groups, p.candidates)
        with clock("context"):
            scale = np.array([shape[1] / frame[1], shape[0] / frame[0]] * 2, np.float32)
            boxes = np.array([r.box for r in proposals], np.float32).reshape(-1, 4) * scale
            near = short_context(fine.planes, boxes, p.context)
        return Segmentation(
            first, fine, look.global_logits.copy(), windows, look.window_logits.copy(), proposals,
            near, partial(long_context, fine.planes, boxes, p.context),
        )  # fmt: skip

    def _look(self, pyramid: Pyramid, small: np.ndarray, clock: StageClock) -> Look:
        """Steps 1 to 3 but for the pasting: Net_coarse, then Net_fine in the windows it gives."""
        with clock("coarse"):
            probabilities, logits = self._run(self.coarse, small)
        with clock("windows"):
            windows = self._windows(probabilities[0], pyramid)
            crops = crop_windows(pyramid, windows, self.parameters.fine_size)
        with clock("fine"):
            inside, window_logits = self._run(self.fine, crops)
        return Look(probabilities[0], logits[0], windows, inside, window_logits)

    def close(self) -> None:
        """Give back what is held beside the networks; the next frame takes it again."""

    def _run(self, network: Engine, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run a network; whatever its backend raises becomes an EngineError that names it."""
        try:
            return network(images)
        except FraLiveError:
            raise
        except Exception as error:
            name = "Net_coarse" if network is self.coarse else "Net_fine"
            said = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
            raise EngineError(
                f"The engine {self._backend} failed in {name} at {images.shape}: {said}; load the "
                "model anew or with another engine."
            ) from error

    def _windows(self, coarse: np.ndarray, pyramid: Pyramid) -> list[Window]:
        return select_windows(coarse, self.labels, pyramid.shape, self.parameters.windows)
