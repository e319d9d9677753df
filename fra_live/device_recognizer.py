"""The method on the device: the frame goes up once, and only the small result comes down.

`DeviceRecognizer` is a `Recognizer` whose stages run on torch tensors between engines that take
tensors; see `fra_live.stages.device`. On a CPU it is slower than a `Recognizer` and is there to be
compared with it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fra_live.device_segmenter import DeviceSegmenter, as_segmentation
from fra_live.people import nearest_best
from fra_live.recognizer import Recognizer
from fra_live.results import BodyPart, Candidate, Explanation, FrameResult, Person
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.engine import EngineChoice
from fra_live.segmenter import StageClock
from fra_live.stages.candidates import Proposal
from fra_live.stages.preprocess import check_frame
from fra_live.stages.regions import outline

if TYPE_CHECKING:
    from fra_live.stages.device.download import Whole
    from fra_live.stages.device.packing import Found


class DeviceRecognizer(Recognizer):
    """A model ready to run on a device; as `Recognizer`, of which it is one.

    Where the NumPy stages and these may differ (ties, more regions than slots), the docstrings in
    `fra_live.stages.device` say so; scores agree to about a thousandth. Of frames with two or more
    faces the maps come down, since sharing them out among people is left to `fra_live.people`.
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
            whole = None
            if explain or several:
                wanted = None if explain else partial(self._wanted, faces)
                whole = self.device_segment.whole(outcome, runner, wanted)
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

    def _wanted(self, faces: list[BodyPart], boxes: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
        """Which candidates are somebody's best."""
        places = np.array([face.box_xyxy for face in faces], np.float32)
        return np.concatenate(nearest_best(boxes, overlaps, places, self._choose))

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
