"""Step 7, first half: the feature vector F_i(I) of each candidate (section 3.3).

F_i = [F_global, F^coarse, F^fine, F_face, F_obj,i], in named blocks, so that the paper's
ablations switch blocks off by name. Departures, each for speed and measured against accuracy:
appearance is told by the action heads of Net_coarse (whole image) and Net_fine (face window)
rather than by fc6 of a third network, and a candidate's appearance by Net_fine's evidence
averaged over its mask and over its box. Probabilities enter as log-odds, in which a linear
classifier can tell .99 from .6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.candidates import Proposal

_EPSILON = 1e-3  # probabilities are clipped to [epsilon, 1 - epsilon] before the log-odds
BLOCKS = ("global", "coarse", "fine", "face", "object")
_PER_LABEL = 7  # numbers about a candidate, in the slot of its label


def log_odds(p: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of clipped probabilities, any shape."""
    clipped = np.minimum(np.maximum(p, _EPSILON), 1 - _EPSILON)
    return np.asarray(np.log(clipped) - np.log(1 - clipped), np.float32)


FLOOR = float(log_odds(np.zeros(1))[0])  # the log-odds of nought


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float32)


@dataclass(frozen=True)
class ImageEvidence:
    """What the networks said about one image, as far as the classifier needs it.

    Attributes:
        global_logits: (A + 1,) of Net_coarse.
        coarse_maxima: (|L|,) maxima of P_coarse, the paper's F^coarse.
        fine_maxima: (|L|,) maxima of P_fine, the paper's F^fine.
    """

    global_logits: np.ndarray
    coarse_maxima: np.ndarray
    fine_maxima: np.ndarray


def block_sizes(labels: LabelSet) -> dict[str, int]:
    """Length of each block of F_i, in its order."""
    n, actions = len(labels.names), len(labels.actions) + 1
    objects = len(labels.objects)
    return {
        "global": actions,
        "coarse": n,
        "fine": n,
        "face": actions,
        "object": _PER_LABEL * objects + 2 * n,
    }


def block_slices(labels: LabelSet) -> dict[str, slice]:
    """Where each block lies in F_i."""
    slices, start = {}, 0
    for name, size in block_sizes(labels).items():
        slices[name] = slice(start, start + size)
        start += size
    return slices


def overlap_columns(labels: LabelSet, channels: np.ndarray) -> np.ndarray:
    """Column of F_i that holds the predicted overlap of candidates of these channels."""
    slots = np.array([labels.object_channels.index(int(c)) for c in channels], np.intp)
    start: int = block_slices(labels)["object"].start
    return start + _PER_LABEL * slots + 2


def region_evidence(proposal: Proposal, fine: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Masked and box means of every channel of P_fine over a candidate.

    Args:
        proposal: the candidate; its mask may come from a map of another size.
        fine: (|L|, h, w) float32, P_fine over the frame.

    Returns:
        (|L|,) mean over the mask, (|L|,) mean over the box, and the highest probability of the
        candidate's own channel inside the box.
    """
    height, width = fine.shape[1:]
    sx, sy = width / proposal.map_shape[1], height / proposal.map_shape[0]
    x0, y0, x1, y1 = proposal.cells
    left, top = int(x0 * sx), int(y0 * sy)
    right, bottom = max(left + 1, round(x1 * sx)), max(top + 1, round(y1 * sy))
    patch = np.ascontiguousarray(fine[:, top:bottom, left:right])
    mask = proposal.mask
    if proposal.map_shape != (height, width):
        rows = np.minimum(((np.arange(patch.shape[1]) + 0.5) / sy).astype(int), y1 - y0 - 1)
        columns = np.minimum(((np.arange(patch.shape[2]) + 0.5) / sx).astype(int), x1 - x0 - 1)
        mask = mask[np.ix_(rows, columns)]
    flat = patch.reshape(len(fine), -1)
    weights = np.ones((flat.shape[1], 2), np.float32)
    area = np.count_nonzero(mask)
    if area:
        weights[:, 0] = mask.ravel()
    sums = flat @ weights
    masked, whole = sums[:, 0] / (area or mask.size), sums[:, 1] / mask.size
    return masked, whole, float(flat[proposal.channel].max())


def feature_matrix(
    labels: LabelSet,
    evidence: ImageEvidence,
    proposals: Sequence[Proposal],
    overlaps: np.ndarray,
    face_logits: np.ndarray,
    faces: np.ndarray,
    fine: np.ndarray,
) -> np.ndarray:
    """F_i(I) of every candidate; one row without object evidence where there is no candidate.

    Args:
        labels: the label set.
        evidence: of the image.
        proposals: the N candidates kept (q of them).
        overlaps: (N,) their predicted overlap.
        face_logits: (max(N, 1), A + 1) action logits of the window of each candidate's face.
        faces: (max(N, 1), 4) box of each candidate's face in frame px; NaN without one.
        fine: (|L|, h, w) float32, P_fine.

    Returns:
        (max(N, 1), D) float32.
    """
    slices = block_slices(labels)
    rows = max(1, len(proposals))
    out = np.zeros((rows, sum(block_sizes(labels).values())), np.float32)
    out[:, slices["global"]] = log_softmax(evidence.global_logits)
    out[:, slices["coarse"]] = log_odds(evidence.coarse_maxima)
    out[:, slices["fine"]] = log_odds(evidence.fine_maxima)
    out[:, slices["face"]] = log_softmax(face_logits)
    start = slices["object"].start
    if not proposals:
        return out
    evidences = [np.hstack(region_evidence(proposal, fine)) for proposal in proposals]
    seen = log_odds(np.stack(evidences)) - FLOOR
    out[:, start + _PER_LABEL * len(labels.objects) :] = seen[:, :-1]
    near = places(np.array([p.box for p in proposals], np.float32), faces)
    for i, proposal in enumerate(proposals):
        at = start + _PER_LABEL * labels.object_channels.index(proposal.channel)
        out[i, at : at + 3] = seen[i, proposal.channel], seen[i, -1], overlaps[i]
        out[i, at + 3 : at + 7] = near[i]
    return out


def places(boxes: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Where things lie from their faces: left and right are alike, far away is far away.

    Args:
        boxes: (N, 4) float32, x0, y0, x1, y1 in px.
        faces: (N, 4) float32, the box of each thing's face; NaN without one.

    Returns:
        (N, 4) float32: distance across, down and in all, and logarithm of the size, in sides of
        the face and within ±3; nought without a face.
    """
    ends = boxes[:, 2:] + boxes[:, :2] - faces[:, 2:] - faces[:, :2]
    side = np.maximum((faces[:, 2:] - faces[:, :2]).max(axis=1), 1.0)
    across, down = np.abs(ends[:, 0]) / 2 / side, ends[:, 1] / 2 / side
    longer = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0)
    columns = across, down, np.hypot(across, down), np.log(longer / side)
    near = np.minimum(np.maximum(np.stack(columns, axis=1), -3.0), 3.0)
    near[np.isnan(near)] = 0
    return np.asarray(near, np.float32)
