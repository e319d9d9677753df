"""Evidence, ranking and classifiers on the drawn world, whose networks are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("torch")

from fra_live.annotations import AnnotationSet, read_training_sets
from fra_live.errors import DataError
from fra_live.stages.features import overlap_columns
from fra_live.stages.rank import ranking_blocks
from fra_live.training.evidence import Evidence, collect, evidence_of, whole_objects
from fra_live.training.heads import make_bags, train_classifier, train_ranker
from fra_live.training.ranker import PAPER, fit_ranker, held_out_overlaps
from tests.tiny import LABELS, PARAMETERS, colour_segmenter, draw_set


@pytest.fixture(scope="module")
def data(tiny_set: Path) -> AnnotationSet:
    return read_training_sets([tiny_set])


@pytest.fixture(scope="module")
def evidence(data: AnnotationSet) -> Sequence[Evidence]:
    segmenter = colour_segmenter()
    return collect(data.samples, lambda _: segmenter, LABELS)


def test_evidence_of_one_image(data: AnnotationSet) -> None:
    sample = next(s for s in data.samples if s.action == "drinking")
    found = evidence_of(sample, colour_segmenter(), LABELS)
    count = len(found.channels)
    assert count > 0
    assert found.action == 0
    assert found.scored
    assert found.context.shape == (count, 2 * 25 * 5)
    assert found.features.shape == (count, 40)
    assert found.alone.shape == (1, 40)
    assert found.boxes.shape == (count, 4)
    assert found.ranking.shape == (count, sum(ranking_blocks(LABELS, 5).values()))
    assert found.overlap.shape == found.named.shape == (count,)
    right = found.channels == LABELS.index("drink")
    assert np.array_equal(found.named, np.where(right, found.overlap, 0))
    best = int(found.overlap.argmax())
    assert found.overlap[best] > 0.5
    assert found.channels[best] == LABELS.index("drink")


@pytest.mark.parametrize(
    ("action", "regions", "scored"),
    [
        ("drinking", True, True),
        ("drinking", False, False),  # its object is hidden: no overlap is known
        ("none", False, True),  # photos of no action are negatives
        (None, True, True),
    ],
)
def test_where_the_truth_is_known(
    data: AnnotationSet, action: str | None, regions: bool, scored: bool
) -> None:
    sample = next(s for s in data.samples if s.action == "drinking")
    changed = replace(sample, action=action, regions=sample.regions if regions else ())
    found = evidence_of(changed, colour_segmenter(), LABELS)
    assert found.scored is scored
    assert found.action == {"drinking": 0, "none": 2, None: -1}[action]
    assert bool(found.overlap.max() > 0.5) is regions


def test_images_of_unknown_action_are_left_out(data: AnnotationSet) -> None:
    samples = [replace(data.samples[0], action=None), *data.samples[1:3]]
    asked: list[int] = []
    advanced: list[int] = []
    segmenter = colour_segmenter()

    def segmenter_of(position: int) -> object:
        asked.append(position)
        return segmenter

    found = collect(samples, segmenter_of, LABELS, advanced.append)  # type: ignore[arg-type]
    assert [e.sample for e in found] == list(samples[1:])
    assert asked == [1, 2]  # by the position among all images: that decides the fold
    assert sum(advanced) == 3


def test_an_image_that_cannot_be_decoded(data: AnnotationSet, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("no image")
    with pytest.raises(DataError, match=r"x\.png cannot be decoded as an image"):
        evidence_of(replace(data.samples[0], path=tmp_path / "x.png"), colour_segmenter(), LABELS)


def test_the_chosen_candidates_carry_their_predicted_overlap(
    evidence: Sequence[Evidence],
) -> None:
    item = max(evidence, key=lambda e: len(e.channels))
    overlaps = np.linspace(0.1, 0.9, len(item.channels)).astype(np.float32)
    rows = item.chosen(overlaps, LABELS, top=2)
    assert rows.shape == (2, 40)
    for row, i in zip(rows, (-1, -2), strict=True):  # the highest first
        column = overlap_columns(LABELS, item.channels[[i]])[0]
        assert row[column] == overlaps[i]
        expected = item.features[i].copy()
        expected[column] = overlaps[i]
        assert np.array_equal(row, expected)
    assert np.all(item.features[:, overlap_columns(LABELS, item.channels)].diagonal() == 0)


def without_candidates(item: Evidence) -> Evidence:
    return replace(item, channels=item.channels[:0], context=item.context[:0],
                   overlap=item.overlap[:0], features=item.features[:0])  # fmt: skip


def test_an_image_without_candidates_is_itself(evidence: Sequence[Evidence]) -> None:
    bare = without_candidates(evidence[0])
    assert bare.chosen(np.zeros(0, np.float32), LABELS, 3) is bare.alone
    bags = make_bags([bare], [np.zeros(0, np.float32)], LABELS, 3)
    assert bags[0].rows.shape == (1, 40)
    assert bags[0].first == 0


def test_the_bag_knows_which_candidate_shows_the_object(evidence: Sequence[Evidence]) -> None:
    item = max((e for e in evidence if e.action == 0), key=lambda e: len(e.channels))
    overlaps = -item.overlap  # a ranking that has it all wrong
    bag = make_bags([item], [overlaps], LABELS, top=len(overlaps))[0]
    order = np.argsort(item.overlap, kind="stable")
    assert bag.first == int(item.overlap[order].argmax())


def test_the_ranking_finds_the_object(evidence: Sequence[Evidence]) -> None:
    ranker = train_ranker(evidence, LABELS)
    shown = [e for e in evidence if e.action < 2]
    right = [e.overlap[e.predicted(ranker).argmax()] > 0.5 for e in shown]
    assert np.mean(right) == 1.0
    held_out = held_out_overlaps(evidence, LABELS)
    assert [len(o) for o in held_out] == [len(e.channels) for e in evidence]
    unseen = [
        e.overlap[o.argmax()] > 0.5 for e, o in zip(evidence, held_out, strict=True) if e.action < 2
    ]
    assert np.mean(unseen) > 0.8


def test_the_papers_ranking_reads_context_alone(evidence: Sequence[Evidence]) -> None:
    ranker = fit_ranker(evidence, LABELS, lesson=PAPER)
    assert ranker.mean.shape == (2 * 25 * 5,)
    shown = [e for e in evidence if e.action < 2]
    for item in shown:  # such a ranker, of an older bundle, is given what it knows
        assert np.array_equal(item.predicted(ranker), ranker(item.context))
    assert np.mean([e.overlap[e.predicted(ranker).argmax()] > 0.5 for e in shown]) == 1.0


def test_the_right_label_is_ranked_before_a_wrong_one(evidence: Sequence[Evidence]) -> None:
    ranker = train_ranker(evidence, LABELS)
    for item in (e for e in evidence if e.action < 2):
        thing = LABELS.index(LABELS.actions[LABELS.action_names[item.action]])
        assert item.channels[item.predicted(ranker).argmax()] == thing


@pytest.mark.parametrize(
    ("boxes", "whole"),
    [
        ([], []),
        ([(0, 0, 4, 4)], [(0, 0, 4, 4)]),
        ([(0, 0, 4, 4), (5, 1, 9, 3)], [(0, 0, 9, 4)]),  # a ring and its handle, 1 px apart
        ([(0, 0, 4, 4), (8, 1, 9, 3)], [(0, 0, 4, 4), (8, 1, 9, 3)]),  # two objects
        # the third joins the first two, which do not touch
        ([(0, 0, 4, 4), (20, 0, 24, 4), (5, 0, 19, 2)], [(0, 0, 24, 4)]),
        # together the first two reach the third, as neither did
        ([(0, 0, 2, 9), (1, 8, 9, 10), (7, 0, 9, 2)], [(0, 0, 9, 10)]),
    ],
)
def test_objects_in_pieces_are_whole(
    boxes: list[tuple[int, ...]], whole: list[tuple[int, ...]]
) -> None:
    found = whole_objects(np.array(boxes, np.float32).reshape(-1, 4))
    assert sorted(map(tuple, found.tolist())) == sorted(whole)


def test_rows_are_limited_but_true_candidates_kept(evidence: Sequence[Evidence]) -> None:
    few = fit_ranker(evidence, LABELS, max_rows=10)
    assert few.vectors.shape[0] <= max(10, sum(int((e.overlap > 0.1).sum()) for e in evidence))
    again = fit_ranker(evidence, LABELS, max_rows=10)
    assert np.array_equal(few.vectors, again.vectors)


def test_nothing_to_rank(evidence: Sequence[Evidence]) -> None:
    with pytest.raises(DataError, match="found no candidate region in any image"):
        fit_ranker([without_candidates(e) for e in evidence], LABELS)


def test_the_classifier_names_the_actions(evidence: Sequence[Evidence]) -> None:
    classifier, threshold, figures = train_classifier(evidence, LABELS, PARAMETERS.top)
    assert 0.05 <= threshold <= 0.99
    assert figures["recall"] > 0.8
    assert figures["false_alarm_rate"] <= 0.2
    assert classifier.weights.shape == (2, 40)


def test_new_images_are_recognised(tmp_path: Path, evidence: Sequence[Evidence]) -> None:
    ranker = train_ranker(evidence, LABELS)
    classifier, _, _ = train_classifier(evidence, LABELS, PARAMETERS.top)
    others = read_training_sets([draw_set(tmp_path / "others", count=9, seed=7)])
    segmenter = colour_segmenter()
    for item in collect(others.samples, lambda _: segmenter, LABELS):
        overlaps = item.predicted(ranker)
        scores = classifier.candidate_scores(item.chosen(overlaps, LABELS, PARAMETERS.top))
        assert classifier.probabilities(scores.max(axis=0)).argmax() == item.action
