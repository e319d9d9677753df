"""Training of the one-vs-all SVMs and their calibration (section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from fra_live.labels import LabelSet
from fra_live.stages.classify import Classifier
from fra_live.stages.features import block_slices

# λ of section 3.4, where it is .001; C = 1 / (λ · rows). Held out, .1 gave .816 mean AP against
# .774: our features are fewer and surer than fc6's.
REGULARISATION = 1e-1
ROUNDS = 3  # of choosing each positive image's own candidate anew
FALSE_ALARMS = 0.03  # the threshold is set for this share of held-out photos of no action


@dataclass(frozen=True)
class Bag:
    """The candidates of one image.

    Attributes:
        rows: (N, D) float32, F_i of the kept candidates.
        action: index of the action; the number of actions for "none".
        first: index of the candidate that shows the action's object best.
    """

    rows: np.ndarray
    action: int
    first: int


def keep_blocks(bags: Sequence[Bag], labels: LabelSet, blocks: Sequence[str]) -> list[Bag]:
    """The same bags with all blocks of F_i but these set to zero, for the paper's ablations."""
    slices = block_slices(labels)
    mask = np.zeros(bags[0].rows.shape[1], np.float32)
    for block in blocks:
        mask[slices[block]] = 1.0
    return [Bag(b.rows * mask, b.action, b.first) for b in bags]


def fit_scores(
    bags: Sequence[Bag], actions: int, regularisation: float = REGULARISATION
) -> Classifier:
    """One-vs-all linear SVMs on bags; the maximum over a bag is its score.

    A positive image is represented by one candidate: first by the one nearest to the true
    object, then by the one that scores best. Negative images give all their candidates, since
    none of them may score high.

    Returns:
        A classifier whose calibration is still the identity.
    """
    rows = np.concatenate([b.rows for b in bags])
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 1e-4, scale, 1.0)
    owner = np.repeat(np.arange(len(bags)), [len(b.rows) for b in bags])
    starts = np.concatenate([[0], np.cumsum([len(b.rows) for b in bags])[:-1]])
    kinds = np.array([b.action for b in bags])
    x = (rows - mean) / scale
    weights, biases = [], []
    for action in range(actions):
        positive = np.flatnonzero(kinds == action).tolist()
        negatives = np.flatnonzero(kinds[owner] != action)
        chosen = starts[positive] + np.array([bags[i].first for i in positive], np.intp)
        model = None
        for _ in range(ROUNDS):
            picked = np.concatenate([chosen, negatives])
            y = np.concatenate([np.ones(len(chosen)), np.zeros(len(negatives))])
            model = LinearSVC(
                C=1.0 / (regularisation * len(picked)), class_weight="balanced",
                dual="auto", max_iter=20000, random_state=0,
            )  # fmt: skip
            model.fit(x[picked], y)
            score = x @ model.coef_[0]
            chosen = np.array(
                [starts[i] + score[starts[i] : starts[i] + len(bags[i].rows)].argmax()
                 for i in positive], np.intp,
            )  # fmt: skip
        assert model is not None
        weights.append(model.coef_[0])
        biases.append(model.intercept_[0])
    return Classifier(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        weights=np.array(weights, np.float32),
        biases=np.array(biases, np.float32),
        calibration=np.eye(actions + 1, actions, dtype=np.float32),
        offsets=np.zeros(actions + 1, np.float32),
    )


def bag_scores(classifier: Classifier, bags: Sequence[Bag]) -> np.ndarray:
    """S(I), (len(bags), A)."""
    return np.array([classifier.candidate_scores(b.rows).max(axis=0) for b in bags])


def held_out_scores(
    bags: Sequence[Bag],
    actions: int,
    parts: int = 5,
    seed: int = 0,
    regularisation: float = REGULARISATION,
) -> np.ndarray:
    """S(I) of every image by classifiers that never saw it; (len(bags), A)."""
    rng = np.random.default_rng(seed)
    assigned = np.zeros(len(bags), np.intp)
    kinds = np.array([b.action for b in bags])
    for kind in np.unique(kinds):  # each part has its share of each action, rare ones too
        members = rng.permutation(np.flatnonzero(kinds == kind))
        assigned[members] = np.arange(len(members)) % parts
    scores = np.zeros((len(bags), actions), np.float32)
    for part in range(parts):
        inside = [b for b, a in zip(bags, assigned, strict=True) if a != part]
        classifier = fit_scores(inside, actions, regularisation)
        mine = np.flatnonzero(assigned == part).tolist()
        if not mine:  # fewer images than parts
            continue
        scores[mine] = bag_scores(classifier, [bags[i] for i in mine])
    return scores


def calibrate(classifier: Classifier, scores: np.ndarray, kinds: np.ndarray) -> Classifier:
    """Fit the multinomial logistic regression from held-out scores to actions and "none".

    Args:
        scores: (N, A) held-out S(I).
        kinds: (N,) index of the action, A for "none".
    """
    model = LogisticRegression(C=1.0, max_iter=2000)
    model.fit(scores, kinds)
    actions = scores.shape[1]
    matrix = np.zeros((actions + 1, actions), np.float32)
    offsets = np.full(actions + 1, -20.0, np.float32)
    if len(model.classes_) == 2:  # scikit-learn gives one row for two classes: of the second
        low, high = model.classes_
        offsets[low] = 0.0
        matrix[high], offsets[high] = model.coef_[0], model.intercept_[0]
    else:
        for row, kind in enumerate(model.classes_):
            matrix[kind], offsets[kind] = model.coef_[row], model.intercept_[row]
    return Classifier(
        classifier.mean, classifier.scale, classifier.weights, classifier.biases, matrix, offsets
    )


def operating_threshold(
    probabilities: np.ndarray, kinds: np.ndarray, false_alarms: float = FALSE_ALARMS
) -> float:
    """The least threshold that so few photos of no action pass, rounded up to a hundredth.

    Args:
        probabilities: (N, A + 1) held-out.
        kinds: (N,) index of the action, A for "none".
    """
    actions = probabilities.shape[1] - 1
    none = probabilities[kinds == actions, :actions]
    if len(none) == 0:
        return 0.5
    highest = np.sort(none.max(axis=1).astype(np.float64))[::-1]
    allowed = int(false_alarms * len(highest))
    return float(np.clip(np.floor(highest[allowed] * 100 + 1) / 100, 0.05, 0.99))
