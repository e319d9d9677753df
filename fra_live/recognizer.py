"""The method: one frame in, one FrameResult out; knows the order of the stages, and that alone.

It knows nothing of video, windows on a screen or time, and nothing of what runs the networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from fra_live.describe import describe, describe_for_ranking
from fra_live.errors import BundleError
from fra_live.following import FollowingSegmenter
from fra_live.heads import load_heads
from fra_live.labels import NO_ACTION
from fra_live.parameters import Parameters
from fra_live.people import bounded, share_out
from fra_live.results import BodyPart, Candidate, Explanation, FrameResult, Person
from fra_live.runtime.bundle import Bundle, load_bundle
from fra_live.runtime.cpu import cores
from fra_live.runtime.engine import EngineChoice, open_engines
from fra_live.segmenter import Segmentation, Segmenter, StageClock
from fra_live.stages.candidates import Proposal
from fra_live.stages.preprocess import check_frame
from fra_live.stages.rank import best_distinct
from fra_live.stages.regions import body_parts, outline

__all__ = ["Recognizer", "describe", "describe_for_ranking", "load"]


class Recognizer:
    """A model ready to run; made by `load`. One thread at a time may call it.

    Used in a `with` block, or told to `close`, it ends its threads and gives back what it holds on
    a GPU beside the networks; it may still be used, and takes them again.

    Attributes:
        labels: channels and actions.
        bundle: the model on disk.
        engine: the engines, their precision and why.
        threshold: the operating threshold; may be set.
        parameters: of the stages.
    """

    def __init__(self, bundle: Bundle, engine: EngineChoice, *, follow: bool = False) -> None:
        """Make the stages ready.

        Args:
            bundle: the model on disk.
            engine: its networks.
            follow: the frames will be those of one film in their order: see `fra_live.following`.

        Raises:
            BundleError: the heads or parameters do not fit.
        """
        self.bundle, self.engine, self.labels = bundle, engine, bundle.labels
        self.threshold = bundle.threshold
        try:
            self.parameters = Parameters.from_dict(bundle.parameters)
        except BundleError as error:
            raise BundleError(f"{bundle.folder / 'manifest.json'}: {error}") from error
        kind = FollowingSegmenter if follow else Segmenter
        self.segment = kind(
            engine.coarse, engine.fine, bundle.labels, self.parameters, engine.backend
        )
        heads = load_heads(bundle, self.parameters)
        self.ranker, self.classifier = heads.ranker, heads.classifier
        self._context_alone = heads.context_alone

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End threads and give back memory beside the networks; may be called more than once."""
        self.segment.close()

    def _overlaps(
        self, found: Segmentation, faces: list[BodyPart], frame: tuple[int, int]
    ) -> np.ndarray:
        """Predicted overlap of every candidate; (M,) float32."""
        if not found.proposals:
            return np.zeros(0, np.float32)
        if self._context_alone:
            return self.ranker(found.context)
        return self.ranker(describe_for_ranking(self.labels, found, faces, frame))

    def warm_up(self, frame: tuple[int, int] = (480, 640)) -> None:
        """Compile and run everything once for frames of (H, W) px."""
        p = self.parameters
        blank = np.full((*frame, 3), 127, np.uint8)
        self(blank)
        for count in range(1, p.windows.max_windows + 1):
            self.engine.fine(np.full((count, p.fine_size, p.fine_size, 3), 127, np.uint8))

    def __call__(
        self, image: np.ndarray, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        """Recognize the actions in one frame.

        Args:
            image: (H, W, 3) uint8 BGR, as OpenCV gives it; any size from 1x1.
            timestamp_s: the frame's time in its source, s.
            explain: keep the maps, windows and all candidates in the result.

        Raises:
            ValueError: the image has another shape or type.
            EngineError: the backend failed; the sentence names it. The recognizer tries again at
                the next frame: whether to load another engine is left to the caller.
        """
        check_frame(image)
        clock = StageClock()
        found = self.segment(image, clock)
        labels, p = self.labels, self.parameters
        with clock("rank"):
            frame = (image.shape[0], image.shape[1])
            parts = body_parts(found.fine_map, labels, frame)
            faces = [part for part in parts if part.label == "face"]
            overlaps = self._overlaps(found, faces, frame)
            best = best_distinct(overlaps, found.boxes, p.top, p.candidates)
        with clock("classify"):
            kept = [found.proposals[i] for i in best]
            features, persons = describe(labels, found, kept, overlaps[best], faces)
            scores = self.classifier.candidate_scores(features)
            total = scores.max(axis=0)
            calibrated = self.classifier.calibrated_scores(total)
            people, shown = self._people(found, overlaps, faces, frame, total)
        with clock("results"):
            owners = [(i, int(persons[k]) if faces else None) for k, i in enumerate(best.tolist())]
            owners += [pair for pair in shown if pair[0] not in best]
            candidates = tuple(self._candidate(found, i, overlaps, n) for i, n in owners)
            explanation = None
            if explain:
                order = np.argsort(-overlaps, kind="stable")
                every = tuple(self._candidate(found, i, overlaps, None) for i in order)
                windows = tuple(w.box_xyxy for w in found.windows)
                explanation = Explanation(found.coarse, windows, found.fine, every)
        return FrameResult(
            frame=(image.shape[0], image.shape[1]),
            actions=self._named(self.classifier.probabilities(total)),
            scores=dict(zip(labels.action_names, map(float, calibrated), strict=True)),
            threshold=self.threshold,
            candidates=candidates,
            people=people,
            hands=tuple(part for part in parts if part.label != "face"),
            stages_ms=clock.stages_ms,
            timestamp_s=timestamp_s,
            explanation=explanation,
        )

    def _named(self, probabilities: np.ndarray) -> dict[str, float]:
        names = (*self.labels.action_names, NO_ACTION)
        return dict(zip(names, map(float, probabilities), strict=True))

    def _candidate(
        self, found: Segmentation, index: int, overlaps: np.ndarray, person: int | None
    ) -> Candidate:
        proposal = found.proposals[index]
        return Candidate(
            label=self.labels.names[proposal.channel],
            box_xyxy=proposal.box,
            outline=outline(proposal),
            score=float(overlaps[index]),
            probability=proposal.probability,
            person=person,
        )

    def _people(
        self,
        found: Segmentation,
        overlaps: np.ndarray,
        faces: list[BodyPart],
        frame: tuple[int, int],
        total: np.ndarray,
    ) -> tuple[tuple[Person, ...], list[tuple[int, int]]]:
        """The people, and of each who acts the candidate that shows it: its index, the person's."""
        said = self.classifier.probabilities(total)
        if len(faces) < 2:  # the paper's case: what the frame shows, the one person does
            return tuple(Person(face, self._named(said)) for face in faces), []
        shares = share_out(found, overlaps, faces, frame, self._choose, self._scores)
        people, shown = [], []
        for number, (face, share) in enumerate(zip(faces, shares, strict=True)):
            own_said = self.classifier.probabilities(share.scores)
            actions = self._named(bounded(own_said, said))
            people.append(Person(face, actions))
            name = max(self.labels.actions, key=lambda action: actions[action])
            thing = self.labels.index(self.labels.actions[name])
            own = [i for i in share.candidates if found.proposals[i].channel == thing]
            if actions[name] >= self.threshold:
                shown += [(i, number) for i in own[:1]]
        return tuple(people), shown

    def _choose(self, overlaps: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Indices of the q candidates that are kept, best first."""
        return best_distinct(overlaps, boxes, self.parameters.top, self.parameters.candidates)

    def _scores(
        self,
        found: Segmentation,
        kept: list[Proposal],
        overlaps: np.ndarray,
        faces: list[BodyPart],
    ) -> np.ndarray:
        features, _ = describe(self.labels, found, kept, overlaps, faces)
        return self.classifier.candidate_scores(features)


def load(
    model: str | Path = "mobile",
    engine: str = "auto",
    precision: str = "auto",
    threads: int = 0,
    *,
    follow: bool = False,
) -> Recognizer:
    """Load a model and make it ready for this machine.

    Args:
        model: a bundle's name (`engines/<name>`) or folder.
        engine: "auto" or a backend's name.
        precision: "auto", "f32", "bf16" …
        threads: CPU threads for the networks; 0 leaves it to the backend.
        follow: the frames will be those of one film in their order, of which each then takes less
            time on a CPU: see `fra_live.following`.

    Raises:
        BundleError: the model is missing, altered or of another format.
        EngineError: no backend can run it here.
    """
    bundle = load_bundle(model)
    follow = follow and (threads or cores()) > 1
    each = (threads or cores()) // 2 if follow else threads
    choice = open_engines(bundle, engine, precision, each)
    if getattr(choice.coarse, "device", None) is not None:  # on a GPU all steps stay there
        from fra_live.device_recognizer import DeviceRecognizer

        return DeviceRecognizer(bundle, choice)
    return Recognizer(bundle, choice, follow=follow and choice.backend == "openvino")
