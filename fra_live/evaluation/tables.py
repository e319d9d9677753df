"""Tables 2 and 3: all of the features but one, and each by itself.

Heads are trained on the out-of-fold evidence that a training kept, as those of the model that
ships, but with blocks of F_i left out. They are measured on images of that evidence that they did
not see ("held out"), and on a test set as the finished model sees it ("test").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fra_live.errors import DataError
from fra_live.evaluation.tables_form import Measured, Row, Table, Trend, lead
from fra_live.labels import LabelSet
from fra_live.stages.features import BLOCKS

if TYPE_CHECKING:
    from fra_live.stages.classify import Classifier
    from fra_live.stages.rank import Ranker
    from fra_live.training.evidence import Evidence

ALL = "all"
TABLE_3_ORDER = ("coarse", "global", "fine", "face", "object")
Progress = Callable[[int, int], None]
Ablation = Mapping[str, Mapping[str, Measured]]  # row → set → what it gave

_NOTE = (
    "Appearance (global, face) is told by the action heads of the segmentation networks, not by "
    "fc6 of a third network; photos of no action are negatives in training and are not measured; "
    "scores are calibrated, row by row, as those of the model that ships."
)
CALIBRATION_PARTS = 5


def rows_of_blocks() -> dict[str, tuple[str, ...]]:
    """Rows of both tables → the blocks of F_i that they keep."""
    rows = {f"all but {block}": tuple(b for b in BLOCKS if b != block) for block in BLOCKS}
    rows["all but global and face"] = ("coarse", "fine", "object")
    return {ALL: BLOCKS} | rows | {block: (block,) for block in TABLE_3_ORDER}


def ablate(
    training: Sequence[Evidence],
    test: Sequence[Evidence],
    labels: LabelSet,
    ranker: Ranker,
    top: int,
    *,
    known: Sequence[Evidence] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> Ablation:
    """Train and measure the heads of every row.

    Args:
        training: evidence taken out of fold.
        test: evidence of other images, by the finished networks; may be empty.
        labels: the label set.
        ranker: the finished model's, for `test`.
        top: q, candidates that are kept.
        known: further evidence to learn from, of the same images by the networks that ship; the
            heads that meet `test` learn from it too, as those of the model do.
        seed: of the held-out parts.
        progress: called with the number of rows done and their total.

    Returns:
        row → "held out" and, where there is a test set, "test" → scores of images of actions.

    Raises:
        DataError: too few images of an action to hold any out.
    """
    from fra_live.training.classifier import (
        bag_scores,
        calibrate,
        fit_scores,
        held_out_scores,
        keep_blocks,
    )
    from fra_live.training.heads import make_bags
    from fra_live.training.ranker import held_out_overlaps

    actions = len(labels.actions)
    kinds = np.array([e.action for e in training])
    for index, name in enumerate(labels.action_names):
        if (kinds == index).sum() < 2:
            raise DataError(
                f"The training has fewer than two images of '{name}': none to hold out."
            )
    groups = [
        make_bags(group, held_out_overlaps(group, labels, seed=seed), labels, top)
        for group in (training, known if len(test) else ())
        if len(group)
    ]
    both = np.array([bag.action for group in groups for bag in group])
    test = [e for e in test if e.action < actions]
    overlaps = [e.predicted(ranker) for e in test]
    others = make_bags(test, overlaps, labels, top)
    acted, shown = kinds < actions, np.array([e.action for e in test], np.intp)
    rows = rows_of_blocks()
    found: dict[str, dict[str, Measured]] = {}
    for done, (name, blocks) in enumerate(rows.items(), start=1):
        kept = [keep_blocks(group, labels, blocks) for group in groups]
        scores = [held_out_scores(group, actions, seed=seed) for group in kept]
        classifier = fit_scores([bag for group in kept for bag in group], actions)
        ranked = held_out_calibration(classifier, scores[0], kinds, seed)
        found[name] = {"held out": Measured(ranked[acted], kinds[acted])}
        if others:
            final = calibrate(classifier, np.concatenate(scores), both)
            seen = bag_scores(final, keep_blocks(others, labels, blocks))
            found[name]["test"] = Measured(_ranking(final, seen), shown)
        if progress is not None:
            progress(done, len(rows))
    return found


def _ranking(classifier: Classifier, scores: np.ndarray) -> np.ndarray:
    return np.array([classifier.calibrated_scores(row) for row in scores])


def held_out_calibration(
    classifier: Classifier, scores: np.ndarray, kinds: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Scores calibrated by fits that never saw the image, since each fit has 36 numbers or so.

    Args:
        classifier: its weights do not matter here.
        scores: (N, A) held-out S(I).
        kinds: (N,) index of the action, A for "none".

    Returns:
        (N, A) float32.
    """
    from fra_live.training.classifier import calibrate

    rng = np.random.default_rng(seed)
    part = np.zeros(len(kinds), np.intp)
    for kind in np.unique(kinds):  # each part has its share of each action
        members = rng.permutation(np.flatnonzero(kinds == kind))
        part[members] = np.arange(len(members)) % CALIBRATION_PARTS
    out = np.zeros_like(scores)
    for number in range(CALIBRATION_PARTS):
        mine = part == number
        if mine.any():
            fitted = calibrate(classifier, scores[~mine], kinds[~mine])
            out[mine] = _ranking(fitted, scores[mine])
    return out


def table_2(found: Ablation, labels: LabelSet) -> Table:
    """All but one, from what `ablate` gave."""
    names = [*(f"all but {block}" for block in BLOCKS), "all but global and face", ALL]
    trends: list[Trend] = []
    for place in found[ALL]:
        ranked = sorted(BLOCKS, key=lambda b: np.nanmean(found[f"all but {b}"][place].ap()))
        rival = next(b for b in ranked if b != "fine")
        claim = f"dropping the fine features hurts most (next: {rival})"
        without = found["all but fine"][place]
        trends.append(lead(claim, place, found[f"all but {rival}"][place], without))
        best = ranked[-1]
        trends.append(
            lead(f"all features together are best (next: all but {best})", place,
                 found[ALL][place], found[f"all but {best}"][place])
        )  # fmt: skip
        trends.append(
            lead("object features add to the others", place,
                 found[ALL][place], found["all but object"][place])
        )  # fmt: skip
    return _table("table2", "Table 2: all features but one", names, found, labels, trends)


def table_3(found: Ablation, labels: LabelSet) -> Table:
    """Each feature by itself, from what `ablate` gave."""
    trends: list[Trend] = []
    for place in found[ALL]:
        alone = {b: found[b][place] for b in BLOCKS}
        rival = max((b for b in BLOCKS if b != "object"), key=lambda b: np.nanmean(alone[b].ap()))
        claim = f"object features are the best single ones (next: {rival})"
        trends.append(lead(claim, place, alone["object"], alone[rival]))
        trends.append(lead("fine features beat coarse ones", place, alone["fine"], alone["coarse"]))
        trends.append(
            lead("the face tells more than the image", place, alone["face"], alone["global"])
        )
    names = [*TABLE_3_ORDER, ALL]
    return _table("table3", "Table 3: each feature by itself", names, found, labels, trends)


def _table(
    key: str,
    title: str,
    names: Sequence[str],
    found: Ablation,
    labels: LabelSet,
    trends: Sequence[Trend],
) -> Table:
    actions = labels.action_names
    rows = [
        Row(name, {place: m.figures(actions) for place, m in found[name].items()}) for name in names
    ]
    return Table(key, title, actions, tuple(rows), tuple(trends), _NOTE)
