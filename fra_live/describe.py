"""What the heads read of a segmented frame: the ranking of all candidates, the classifier of some.

The recognizer and the trainings of the heads read the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fra_live.labels import LabelSet
from fra_live.results import BodyPart
from fra_live.segmenter import Segmentation
from fra_live.stages.assign import nearest_faces, nearest_windows
from fra_live.stages.candidates import Proposal
from fra_live.stages.features import feature_matrix
from fra_live.stages.rank import ranking_features


def describe(
    labels: LabelSet,
    found: Segmentation,
    kept: Sequence[Proposal],
    overlaps: np.ndarray,
    faces: Sequence[BodyPart],
) -> tuple[np.ndarray, np.ndarray]:
    """F_i(I) of the kept candidates, each with the face nearest to it.

    Args:
        labels: the label set.
        found: the frame.
        kept: N of its candidates.
        overlaps: (N,) their predicted overlap.
        faces: of the people.

    Returns:
        (max(N, 1), D) float32 features and (max(N, 1),) int indices into `faces` (0 where there
        is none).
    """
    boxes = np.array([r.box for r in kept], np.float32).reshape(-1, 4)
    own, persons = _own_faces(boxes, faces)
    places = own if faces else (boxes if kept else np.zeros((1, 4), np.float32))
    logits = found.window_logits[nearest_windows(places, found.windows)]
    rows = feature_matrix(labels, found.evidence, kept, overlaps, logits, own, found.fine)
    return rows, persons


def describe_for_ranking(
    labels: LabelSet, found: Segmentation, faces: Sequence[BodyPart], frame: tuple[int, int]
) -> np.ndarray:
    """What the ranking reads of all M candidates.

    Args:
        labels: the label set.
        found: the frame.
        faces: of the people.
        frame: (H, W) px.

    Returns:
        (M, D) float32.
    """
    boxes = found.boxes
    own, _ = _own_faces(boxes, faces)
    near = nearest_windows(boxes, found.windows)
    return ranking_features(
        labels, found.short_context, found.proposals, own[: len(boxes)], found.evidence,
        found.window_logits, near, (frame, found.fine_map.shape),
    )  # fmt: skip


def _own_faces(boxes: np.ndarray, faces: Sequence[BodyPart]) -> tuple[np.ndarray, np.ndarray]:
    """(max(N, 1), 4) the face nearest to each box, NaN without any, and its index."""
    face_boxes = np.array([f.box_xyxy for f in faces], np.float32).reshape(-1, 4)
    persons = nearest_faces(boxes, face_boxes)
    if not faces:
        return np.full((len(persons), 4), np.nan, np.float32), persons
    return face_boxes[persons], persons
