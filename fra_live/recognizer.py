"""The method: one frame in, one FrameResult out; the only file that knows the stages' order.

It knows nothing of video, windows on a screen or time, and nothing of what runs the networks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from fra_live.errors import BundleError, EngineError
from fra_live.labels import NO_ACTION, LabelSet
from fra_live.results import BodyPart, Candidate, Explanation, FrameResult, Person
from fra_live.runtime.bundle import Bundle, load_bundle
from fra_live.runtime.engine import EngineChoice, open_engines
from fra_live.stages.assign import nearest_faces, nearest_windows
from fra_live.stages.candidates import CandidateParameters, Proposal, propose, unite
from fra_live.stages.classify import Classifier
from fra_live.stages.context import ContextParameters, IntegralMap, context_features
from fra_live.stages.features import ImageEvidence, feature_matrix
from fra_live.stages.preprocess import coarse_shape, resize
from fra_live.stages.rank import Ranker
from fra_live.stages.refine import crop_windows, paste_windows
from fra_live.stages.regions import body_parts, outline
from fra_live.stages.windows import Window, WindowParameters, select_windows

P = TypeVar("P")


@dataclass(frozen=True)
class Parameters:
    """All parameters of the method, as the manifest holds them.

    Attributes:
        coarse_size: square root of the area in px at which Net_coarse sees a frame.
        fine_size: side in px at which Net_fine sees a window.
        map_size: square root of the number of cells of P_fine.
        top: q of section 3.3, candidates that are kept.
    """

    windows: WindowParameters = WindowParameters()
    candidates: CandidateParameters = CandidateParameters()
    context: ContextParameters = ContextParameters()
    coarse_size: int = 288
    fine_size: int = 192
    map_size: int = 192
    top: int = 3

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Parameters:
        """Read the manifest's `parameters`.

        Raises:
            BundleError: a parameter is unknown.
        """
        parts: dict[str, Any] = {
            "windows": WindowParameters,
            "candidates": CandidateParameters,
            "context": ContextParameters,
        }
        known = {f.name for f in fields(cls)}
        for name in data.keys() - known:
            raise BundleError(f"The manifest has the unknown parameter '{name}'.")
        try:
            return cls(**{k: parts[k](**v) if k in parts else v for k, v in data.items()})
        except TypeError as error:
            raise BundleError(f"The manifest's parameters are wrong: {error}.") from error


class StageClock:
    """Milliseconds of each stage of one frame."""

    def __init__(self) -> None:
        self.stages_ms: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        spent = 1000 * (time.perf_counter() - start)
        self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + spent


@dataclass(frozen=True)
class Segmentation:
    """Steps 1 to 4 of one frame: both maps and the candidate regions.

    Attributes:
        coarse: (|L|, h, w) float32, P_coarse.
        fine: (|L|, h', w') float32, P_fine over the frame.
        global_logits: (A + 1,) of Net_coarse.
        windows: Net_fine's windows, and `window_logits` (N, A + 1), its action logits there.
        window_maxima: (N, |L|) maxima of Net_fine's probabilities in each window.
        proposals: R of both maps.
        context: (M, 2·25·|L|) float32, one row a proposal.
    """

    coarse: np.ndarray
    fine: np.ndarray
    global_logits: np.ndarray
    windows: list[Window]
    window_logits: np.ndarray
    proposals: list[Proposal]
    context: np.ndarray


class Segmenter:
    """Steps 1 to 5, everything before the heads; trainings of the heads use it as it is."""

    def __init__(self, coarse: Any, fine: Any, labels: LabelSet, parameters: Parameters) -> None:
        self.coarse, self.fine = coarse, fine
        self.labels, self.parameters = labels, parameters

    def __call__(self, image: np.ndarray, clock: StageClock | None = None) -> Segmentation:
        """Segment one frame.

        Args:
            image: (H, W, 3) uint8 BGR.
            clock: collects the stages' times.
        """
        clock = clock or StageClock()
        p, labels = self.parameters, self.labels
        frame = (image.shape[0], image.shape[1])
        with clock("preprocess"):
            small = resize(image, coarse_shape(frame, p.coarse_size))
        with clock("coarse"):
            probabilities, logits = self.coarse(small[None])
            coarse, global_logits = probabilities[0], logits[0]
        with clock("windows"):
            windows = select_windows(coarse, labels, frame, p.windows)
            crops = crop_windows(image, windows, p.fine_size)
        with clock("fine"):
            inside, window_logits = self.fine(crops)
        with clock("refine"):
            shape = coarse_shape(frame, p.map_size, multiple=8)
            fine = paste_windows(coarse, inside, windows, frame, shape)
        with clock("candidates"):
            groups = [propose(m, labels, frame, p.candidates) for m in (fine, coarse)]
            proposals = unite(groups, p.candidates)
        with clock("context"):
            scale = np.array([shape[1] / frame[1], shape[0] / frame[0]] * 2, np.float32)
            boxes = np.array([r.box for r in proposals], np.float32).reshape(-1, 4) * scale
            context = context_features(IntegralMap(fine), boxes, p.context)
        return Segmentation(coarse.copy(), fine, global_logits.copy(), windows,
                            window_logits.copy(), proposals, context)  # fmt: skip


class Recognizer:
    """A model ready to run; made by `load`. One thread at a time may call it.

    Attributes:
        labels: channels and actions.
        bundle: the model on disk.
        engine: the engines, their precision and why.
        threshold: the operating threshold; may be set.
        parameters: of the stages.
    """

    def __init__(self, bundle: Bundle, engine: EngineChoice) -> None:
        self.bundle, self.engine, self.labels = bundle, engine, bundle.labels
        self.threshold = bundle.threshold
        self.parameters = Parameters.from_dict(bundle.parameters)
        self.segment = Segmenter(engine.coarse, engine.fine, bundle.labels, self.parameters)
        path = bundle.part("heads")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = dict(archive)
            self.ranker = Ranker.from_arrays(arrays)
            self.classifier = Classifier.from_arrays(arrays)
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"{path} does not hold the heads: {error!r}.") from error

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
            EngineError: the backend failed.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"A frame is (H, W, 3) uint8, not {image.shape} {image.dtype}.")
        clock = StageClock()
        found = self.segment(image, clock)
        labels, p = self.labels, self.parameters
        with clock("rank"):
            overlaps = self.ranker(found.context) if found.proposals else np.zeros(0, np.float32)
            order = np.argsort(-overlaps, kind="stable")
            best = order[: p.top]
        with clock("classify"):
            parts = body_parts(found.fine, labels, (image.shape[0], image.shape[1]))
            faces = [part for part in parts if part.label == "face"]
            kept = [found.proposals[i] for i in best]
            features, persons = describe(labels, found, kept, overlaps[best], faces)
            scores = self.classifier.candidate_scores(features)
            total = scores.max(axis=0)
            people = self._people(found, kept, overlaps[best], persons, scores, faces)
        with clock("results"):
            candidates = tuple(
                self._candidate(found, i, overlaps, persons[k] if faces else None)
                for k, i in enumerate(best)
            )
            explanation = None
            if explain:
                every = tuple(self._candidate(found, i, overlaps, None) for i in order)
                boxes = tuple(w.box_xyxy for w in found.windows)
                explanation = Explanation(found.coarse, boxes, found.fine, every)
        return FrameResult(
            frame=(image.shape[0], image.shape[1]),
            actions=self._named(self.classifier.probabilities(total)),
            scores=dict(zip(labels.action_names, map(float, total), strict=True)),
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
        kept: list[Proposal],
        overlaps: np.ndarray,
        persons: np.ndarray,
        scores: np.ndarray,
        faces: list[BodyPart],
    ) -> tuple[Person, ...]:
        """Each face with the scores of the candidates nearest to it, or of none."""
        people = []
        for number, face in enumerate(faces):
            own = scores[persons == number] if kept else scores[:0]
            if len(own) == 0:
                if len(faces) == 1:
                    own = scores
                else:
                    alone, _ = describe(self.labels, found, [], overlaps[:0], [face])
                    own = self.classifier.candidate_scores(alone)
            probabilities = self.classifier.probabilities(own.max(axis=0))
            people.append(Person(face, self._named(probabilities)))
        return tuple(people)


def describe(
    labels: LabelSet,
    found: Segmentation,
    kept: list[Proposal],
    overlaps: np.ndarray,
    faces: list[BodyPart],
) -> tuple[np.ndarray, np.ndarray]:
    """F_i(I) of the kept candidates, each with the face nearest to it.

    Returns:
        (max(N, 1), D) float32 features and (max(N, 1),) int indices into `faces` (0 where there
        is none).
    """
    boxes = np.array([r.box for r in kept], np.float32).reshape(-1, 4)
    face_boxes = np.array([f.box_xyxy for f in faces], np.float32).reshape(-1, 4)
    persons = nearest_faces(boxes, face_boxes)
    if len(faces):
        own = face_boxes[persons]
    else:
        own = np.full((len(persons), 4), np.nan, np.float32)
    places = own if len(faces) else (boxes if len(kept) else np.zeros((1, 4), np.float32))
    logits = found.window_logits[nearest_windows(places, found.windows)]
    evidence = ImageEvidence(
        found.global_logits, found.coarse.max(axis=(1, 2)), found.fine.max(axis=(1, 2))
    )
    return feature_matrix(labels, evidence, kept, overlaps, logits, own, found.fine), persons


def load(
    model: str | Path = "mobile", engine: str = "auto", precision: str = "auto", threads: int = 0
) -> Recognizer:
    """Load a model and make it ready for this machine.

    Args:
        model: a bundle's name (`engines/<name>`) or folder.
        engine: "auto" or a backend's name.
        precision: "auto", "f32", "bf16" …
        threads: CPU threads for the networks; 0 leaves it to the backend.

    Raises:
        BundleError: the model is missing, altered or of another format.
        EngineError: no backend can run it here.
    """
    bundle = load_bundle(model)
    return Recognizer(bundle, open_engines(bundle, engine, precision, threads))
