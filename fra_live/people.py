"""Several people in one frame: each judged by what is near them, not by what the others hold.

The paper has one person an image: q candidates and the maxima of the whole frame. With two people
the q best candidates may all lie on one of them, and a phone at the left ear would speak for the
person on the right as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fra_live.results import BodyPart
from fra_live.segmenter import Segmentation
from fra_live.stages.assign import nearest_faces, nearest_faces_of_grid, nearest_windows
from fra_live.stages.candidates import Proposal
from fra_live.stages.maps import ProbabilityMap

# (segmentation, candidates, their overlaps, faces) → scores S_i, (max(N, 1), A)
Score = Callable[[Segmentation, list[Proposal], np.ndarray, list[BodyPart]], np.ndarray]
# (M,) overlaps and (M, 4) boxes of candidates → indices of the q best, best first
Choose = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Share:
    """What of a frame belongs to one of several people.

    Attributes:
        candidates: indices of the q best candidates nearest to the face, best first.
        scores: (A,) S of the person, the maximum over those candidates.
    """

    candidates: tuple[int, ...]
    scores: np.ndarray


def share_out(
    found: Segmentation,
    overlaps: np.ndarray,
    faces: Sequence[BodyPart],
    frame: tuple[int, int],
    choose: Choose,
    score: Score,
) -> list[Share]:
    """Judge each of two or more people.

    Args:
        found: steps 1 to 5 of the frame.
        overlaps: (M,) predicted overlap of every candidate.
        faces: of the people.
        frame: (H, W) px.
        choose: step 6, which of a person's candidates are kept.
        score: step 7.

    Returns:
        A share a face, in their order.
    """
    face_boxes = np.array([face.box_xyxy for face in faces], np.float32)
    best = nearest_best(found.boxes, overlaps, face_boxes, choose)
    logits = found.window_logits[nearest_windows(face_boxes, found.windows)]
    # Half the maps' resolution is enough to say whose a cell is.
    cells = _owners(found.fine_map.shape, face_boxes, frame)
    shares = []
    for number, face in enumerate(faces):
        mine = best[number]
        near = replace(
            found,
            coarse_map=_kept(found.coarse, cells == number),
            fine_map=_kept(found.fine, cells == number),
            # Of the whole frame Net_coarse says what anybody does; of the window it is Net_fine.
            global_logits=logits[number],
        )
        own = [found.proposals[i] for i in mine]
        scores = score(near, own, overlaps[mine], [face]).max(axis=0)
        shares.append(Share(tuple(mine.tolist()), scores))
    return shares


def nearest_best(
    boxes: np.ndarray, overlaps: np.ndarray, faces: np.ndarray, choose: Choose
) -> list[np.ndarray]:
    """Indices of the q best of the candidates nearest to each face, best first.

    Args:
        boxes: (M, 4) of the candidates, frame px.
        overlaps: (M,) their predicted overlap.
        faces: (P, 4) boxes of the faces, frame px.
        choose: which of a person's candidates are kept.
    """
    owners = nearest_faces(boxes, faces)[: len(boxes)]
    own = [np.flatnonzero(owners == number) for number in range(len(faces))]
    return [mine[choose(overlaps[mine], boxes[mine])] for mine in own]


def bounded(person: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """A person's probabilities, no higher than what the whole frame says of each action alone.

    The part of a frame that is a person's is no image like those the classifiers learned from:
    without this bound nearly all false events of the test clips were those of second faces, and
    none of the true ones needs it higher. The bound is loose: the probability against "none" alone,
    since two people may do two things, and its square root, since the one may outshine the other.

    Args:
        person: (A + 1,) probabilities, "none" last.
        frame: (A + 1,) of the frame.

    Returns:
        (A + 1,) probabilities.
    """
    alone = np.sqrt(frame[:-1] / np.maximum(frame[:-1] + frame[-1], 1e-9))
    actions = np.minimum(person[:-1], alone)
    return np.append(actions, max(0.0, 1 - float(actions.sum())))


def _owners(shape: tuple[int, ...], face_boxes: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """(h, w) index of the face nearest to each cell of a map that spans the frame."""
    height, width = shape[0] // 2 + 1, shape[1] // 2 + 1
    x = (np.arange(width, dtype=np.float32) + 0.5) * frame[1] / width
    y = (np.arange(height, dtype=np.float32) + 0.5) * frame[0] / height
    return nearest_faces_of_grid(x, y, face_boxes)


def _kept(probabilities: np.ndarray, cells: np.ndarray) -> ProbabilityMap:
    """The maps where `cells` are true, 0 elsewhere."""
    size = (probabilities.shape[2], probabilities.shape[1])
    mask = cv2.resize(cells.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    return ProbabilityMap(probabilities * mask)
