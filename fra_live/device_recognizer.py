"""The method on the device: the frame goes up once, and only the small result comes down.

`DeviceRecognizer` is a `Recognizer` whose stages run on torch tensors between engines that take
tensors; see `fra_live.stages.device`. On a CPU it is slower than a `Recognizer` and is there to be
compared with it.
"""

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
from fra_live.recognizer import Recognizer
from fra_live.results import BodyPart, Candidate, Explanation, FrameResult, Person
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.engine import EngineChoice, TensorEngine
from fra_live.segmenter import Segmentation, Segmenter, StageClock
from fra_live.stages.candidates import Proposal
from fra_live.stages.classify import Classifier
from fra_live.stages.maps import ProbabilityMap
from fra_live.stages.preprocess import check_frame
from fra_live.stages.rank import Ranker
from fra_live.stages.regions import outline

if TYPE_CHECKING:
    from fra_live.stages.device.download import Whole
    from fra_live.stages.device.method import Fuse
    from fra_live.stages.device.packing import Found
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

    def whole(self, outcome: Outcome, runner: Runner) -> Whole:
        """All of the latest frame on the host."""
        from fra_live.stages.device.download import download

        with self._failures(runner.method.frame):
            return download(outcome.frame, runner.method)

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


class DeviceRecognizer(Recognizer):
    """A model ready to run on a device; as `Recognizer`, of which it is one.

    Where the NumPy stages and these may differ (ties, more regions than slots), the docstrings in
    `fra_live.stages.device` say so; scores agree to about a thousandth. Frames with two or more
    faces come down whole, since sharing them out among people is left to `fra_live.people`.
    """

    def __init__(self, bundle: Bundle, engine: EngineChoice, *, fuse: bool = False) -> None:
        """Prepare the stages for a bundle.

        Args:
            bundle: the model on disk.
            engine: engines that have `run_tensor`, both on one device.
            fuse: let `torch.compile` make fewer kernels of the stages. It takes up to a minute at
                the first frame of each size, the first time on a machine, and a C++ compiler.

        Raises:
            BundleError: the heads do not fit.
            EngineError: the engines take no tensors.
            MissingExtraError: torch is not installed.
        """
        super().__init__(bundle, engine)
        self.device_segment = DeviceSegmenter(
            engine, bundle, self.parameters, self.ranker, self.classifier, fuse
        )
        self.segment = self.device_segment

    def warm_up(self, frame: tuple[int, int] = (480, 640)) -> None:
        """Compile and run everything for frames of (H, W) px, CUDA graphs included."""
        blank = np.full((*frame, 3), 127, np.uint8)
        for _ in range(4):
            self(blank)

    def __call__(
        self, image: np.ndarray, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """Recognize the actions in one frame; see `Recognizer.__call__`."""
        check_frame(image)
        clock = StageClock()
        outcome, runner = self.device_segment.run(image)
        clock.stages_ms.update(outcome.stages_ms)
        frame = (image.shape[0], image.shape[1])
        with clock("results"):
            found, names = outcome.found, self.labels.action_names
            calibrated = self.classifier.calibrated_scores(found.total)
            faces, hands, persons = self._bodies(found)
            candidates = [
                self._shown(c.region, c.overlap, persons.get(c.person)) for c in found.candidates
            ]
            several = len(faces) > 1
            whole = self.device_segment.whole(outcome, runner) if explain or several else None
            overlaps = whole.overlaps if whole else np.zeros(0, np.float32)
            segmentation = as_segmentation(whole) if whole else None
            people = self._people_alone(faces, found)
            if several and segmentation is not None:
                people, shown = self._people(segmentation, overlaps, faces, frame, found.total)
                taken = {c.index for c in found.candidates}
                for index, number in shown:
                    if index not in taken:
                        region = segmentation.proposals[index]
                        candidates.append(self._shown(region, float(overlaps[index]), number))
            explanation = self._explained(whole) if explain and whole else None
        return FrameResult(
            frame=frame,
            actions=self._named(self.classifier.probabilities(found.total)),
            scores=dict(zip(names, map(float, calibrated), strict=True)),
            threshold=self.threshold,
            candidates=tuple(candidates),
            people=people,
            hands=hands,
            stages_ms=clock.stages_ms,
            timestamp_s=timestamp_s,
            explanation=explanation,
        )

    def _people_alone(self, faces: list[BodyPart], found: Found) -> tuple[Person, ...]:
        """What the frame shows, the one person does."""
        actions = self._named(self.classifier.probabilities(found.total))
        return tuple(Person(face, actions) for face in faces)

    def _bodies(self, found: Found) -> tuple[list[BodyPart], tuple[BodyPart, ...], dict[int, int]]:
        """Faces, other body parts, and slot → index among the faces."""
        faces: list[BodyPart] = []
        hands: list[BodyPart] = []
        persons: dict[int, int] = {}
        for part in found.parts:
            label, region = self.labels.names[part.region.channel], part.region
            body = BodyPart(label, region.box, outline(region), region.probability)
            if label == "face":
                persons[part.slot] = len(faces)
                faces.append(body)
            else:
                hands.append(body)
        return faces, tuple(hands), persons

    def _shown(self, region: Proposal, overlap: float, person: int | None) -> Candidate:
        label = self.labels.names[region.channel]
        return Candidate(label, region.box, outline(region), overlap, region.probability, person)

    def _explained(self, whole: Whole) -> Explanation:
        order = np.argsort(-whole.overlaps, kind="stable")
        every = (self._shown(whole.proposals[i], float(whole.overlaps[i]), None) for i in order)
        boxes = tuple(w.box_xyxy for w in whole.windows)
        return Explanation(whole.coarse, boxes, whole.fine, tuple(every))


def as_segmentation(whole: Whole) -> Segmentation:
    """The form that the NumPy method has it in."""
    length = whole.context.shape[1] // 2
    return Segmentation(
        ProbabilityMap(whole.coarse), ProbabilityMap(whole.fine), whole.global_logits,
        whole.windows, whole.window_logits, whole.proposals, whole.context[:, :length],
        lambda: whole.context[:, length:],
    )  # fmt: skip
