"""Steps 1 to 5, and all that follows, on a device: a runner for each size of frame."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from fra_live.errors import EngineError, MissingExtraError
from fra_live.parameters import Parameters
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.engine import EngineChoice, TensorEngine
from fra_live.segmenter import Segmentation, Segmenter, StageClock
from fra_live.stages.classify import Classifier
from fra_live.stages.maps import ProbabilityMap
from fra_live.stages.rank import Ranker

if TYPE_CHECKING:
    from fra_live.stages.device.download import Wanted, Whole
    from fra_live.stages.device.method import Fuse
    from fra_live.stages.device.running import Outcome, Runner

logger = logging.getLogger(__name__)

_MOST_RUNNERS = 8  # each holds memory on the device; a folder of photos has many sizes
_MANY_ROUNDS = 64  # for the rare frame with regions too winding for the usual number


class DeviceSegmenter(Segmenter):
    """Steps 1 to 5 on a device, and all that follows; a runner for each size of frame.

    Attributes:
        parameters: of the stages; may be set, as `Segmenter`'s may.
        fuse: what makes one kernel of many; None where it is not wanted or failed.
    """

    def __init__(
        self, engine: EngineChoice, bundle: Bundle, parameters: Parameters, ranker: Ranker,
        classifier: Classifier, fuse: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(engine.coarse, engine.fine, bundle.labels, parameters, engine.backend)
        for network in (engine.coarse, engine.fine):
            if not hasattr(network, "run_tensor"):
                raise EngineError(
                    f"The engine {engine.backend} takes no tensors: for the frame loop on the "
                    "device use --engine torch or tensorrt."
                )
        try:
            import torch
        except (ImportError, OSError) as error:
            raise MissingExtraError("The frame loop on a GPU", "gpu") from error
        self._networks = cast(TensorEngine, engine.coarse), cast(TensorEngine, engine.fine)
        self._heads = ranker, classifier
        self.device = torch.device(getattr(engine.coarse, "device", None) or "cpu")
        self._runners: OrderedDict[tuple[object, ...], Runner] = OrderedDict()
        self.fuse: Fuse | None = None
        if fuse:
            self.fuse = partial(torch.compile, fullgraph=True, dynamic=False)

    def close(self) -> None:
        """Give back the runners' memory on the device, CUDA graphs included."""
        self._runners.clear()

    def run(self, image: np.ndarray) -> tuple[Outcome, Runner]:
        """Run one frame through all stages.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            what came down, and who ran it.

        Raises:
            EngineError: the device failed, for example for lack of memory.
        """
        frame = (image.shape[0], image.shape[1])
        with self._failures(frame):
            runner, outcome = self._first_try(image, frame)
            if not outcome.found.settled:
                runner = self._runner(frame, _MANY_ROUNDS)
                outcome = runner(image)
                if not outcome.found.settled:
                    logger.warning("A region winds too much; it may come out in pieces")
        return outcome, runner

    def _first_try(self, image: np.ndarray, frame: tuple[int, int]) -> tuple[Runner, Outcome]:
        runner = self._runner(frame)
        if self.fuse is None or runner.runs:
            return runner, runner(image)
        try:
            return runner, runner(image)
        except Exception as error:  # compilers may raise anything; without them it works as well
            if isinstance(error, EngineError):
                raise
            logger.warning("Stages are not fused: %s", type(error).__name__)
            logger.debug("torch.compile failed", exc_info=True)
            self.fuse = None
            self._runners.clear()
            runner = self._runner(frame)
            return runner, runner(image)

    def __call__(self, image: np.ndarray, clock: StageClock | None = None) -> Segmentation:
        """Segment one frame and copy all of it to the host; see `Segmenter.__call__`."""
        outcome, runner = self.run(image)
        if clock is not None:
            for name, spent in outcome.stages_ms.items():
                clock.stages_ms[name] = clock.stages_ms.get(name, 0.0) + spent
        return as_segmentation(self.whole(outcome, runner))

    def whole(self, outcome: Outcome, runner: Runner, wanted: Wanted | None = None) -> Whole:
        """The latest frame on the host: all of it, or what `download` brings where `wanted`."""
        from fra_live.stages.device.download import download

        with self._failures(runner.method.frame):
            return download(outcome.frame, runner.method, wanted)

    def _runner(self, frame: tuple[int, int], rounds: int | None = None) -> Runner:
        from fra_live.stages.device.components import ROUNDS
        from fra_live.stages.device.method import Method
        from fra_live.stages.device.running import Runner

        rounds = rounds or ROUNDS
        key = (frame, rounds, self.parameters)
        runner = self._runners.get(key)
        if runner is None:
            while len(self._runners) >= _MOST_RUNNERS:
                self._runners.popitem(last=False)
            coarse, fine = self._networks
            method = Method(coarse.run_tensor, fine.run_tensor, self.labels, self.parameters,
                            *self._heads, frame, self.device, rounds, self.fuse)  # fmt: skip
            runner = self._runners[key] = Runner(method, self.device)
        self._runners.move_to_end(key)
        return runner

    @contextmanager
    def _failures(self, frame: tuple[int, int]) -> Iterator[None]:
        """Tell a failure of the device in one sentence."""
        import torch

        try:
            yield
        except torch.OutOfMemoryError as error:
            self._runners.clear()
            raise EngineError(
                f"The GPU has too little free memory for frames of {frame[1]} x {frame[0]} px: "
                "close other programs or use --engine openvino."
            ) from error
        except RuntimeError as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise EngineError(
                f"The device failed on a frame of {frame[1]} x {frame[0]} px: {said[:300]}."
            ) from error


def as_segmentation(whole: Whole) -> Segmentation:
    """The form that the NumPy method has it in."""
    length = whole.context.shape[1] // 2
    return Segmentation(
        ProbabilityMap(whole.coarse), ProbabilityMap(whole.fine), whole.global_logits,
        whole.windows, whole.window_logits, whole.proposals, whole.context[:, :length],
        lambda: whole.context[:, length:],
    )  # fmt: skip
