"""Training of the ranking: support vector regression to the overlap (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.svm import SVR

from fra_live.errors import DataError
from fra_live.stages.rank import Ranker
from fra_live.training.evidence import Evidence

MAX_ROWS = 8000  # SVR takes time with the square of the rows
C = 1.0
EPSILON = 0.08  # of overlap; the tube within which errors cost nothing


def fit_ranker(evidence: Sequence[Evidence], seed: int = 0, max_rows: int = MAX_ROWS) -> Ranker:
    """Fit the regression on all candidates whose true overlap is known.

    Candidates with true overlap are all kept; of the others a random part, within `max_rows`.

    Raises:
        DataError: there is no such candidate.
    """
    scored = [e for e in evidence if e.scored and len(e.channels)]
    if not scored:
        raise DataError(
            "The networks found no candidate region in any image whose objects are outlined; "
            "train them for longer or on more images."
        )
    x = np.concatenate([e.context for e in scored])
    y = np.concatenate([e.overlap for e in scored])
    rng = np.random.default_rng(seed)
    good = np.flatnonzero(y > 0.1)
    bad = rng.permutation(np.flatnonzero(y <= 0.1))
    rows = np.concatenate([good, bad[: max(len(good), max_rows - len(good))]])
    if len(rows) > max_rows:
        rows = rng.choice(rows, max_rows, replace=False)
    x, y = x[rows], y[rows]
    mean, scale = x.mean(axis=0), x.std(axis=0) + 0.02
    gamma = 1.0 / x.shape[1]
    model = SVR(kernel="rbf", C=C, epsilon=EPSILON, gamma=gamma, cache_size=500)
    model.fit((x - mean) / scale, y)
    return Ranker(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        vectors=model.support_vectors_.astype(np.float32),
        coefficients=model.dual_coef_[0].astype(np.float32),
        intercept=float(model.intercept_[0]),
        gamma=gamma,
    )


def held_out_overlaps(
    evidence: Sequence[Evidence], parts: int = 4, seed: int = 0
) -> list[np.ndarray]:
    """Predicted overlaps of every image's candidates by rankers that never saw the image.

    Returns:
        For each image (M,) float32.
    """
    assigned = np.random.default_rng(seed).permutation(len(evidence)) % parts
    predicted: list[np.ndarray] = [np.zeros(0, np.float32)] * len(evidence)
    for part in range(parts):
        inside = [e for e, a in zip(evidence, assigned, strict=True) if a != part]
        ranker = fit_ranker(inside, seed, max_rows=MAX_ROWS // 2)
        for i in np.flatnonzero(assigned == part).tolist():
            if len(evidence[i].channels):
                predicted[i] = ranker(evidence[i].context)
    return predicted
