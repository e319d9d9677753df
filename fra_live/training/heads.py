"""From trained networks to ranker and classifier, through evidence kept in the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fra_live.annotations import AnnotationSet, Sample
from fra_live.errors import DataError
from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.runtime.openvino import compile_network
from fra_live.segmenter import Segmenter
from fra_live.stages.classify import Classifier
from fra_live.stages.rank import Ranker, best_distinct
from fra_live.training.classifier import (
    Bag,
    calibrate,
    fit_scores,
    held_out_scores,
    operating_threshold,
)
from fra_live.training.evidence import Evidence, collect
from fra_live.training.export import export_onnx
from fra_live.training.networks import load_network
from fra_live.training.ranker import fit_ranker, held_out_overlaps
from fra_live.training.recipes import Recipe
from fra_live.training.run import folds_of

# Arrays of evidence.npz with a row a candidate.
PER_CANDIDATE = ("channels", "boxes", "context", "ranking", "overlap", "named", "features")
_ARRAYS = (*PER_CANDIDATE, "alone")


def exported(folder: Path, name: str) -> Path:
    """`folder`/`name`.onnx, made from `name`.pt when it is not there or older.

    Raises:
        DataError: the network was not trained yet.
    """
    source, target = folder / f"{name}.pt", folder / f"{name}.onnx"
    if not source.exists():
        raise DataError(f"{source} is missing; run 'fra-live train networks' into it first.")
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        export_onnx(load_network(source)[0], target)
    return target


def segmenter(folder: Path, suffix: str, labels: LabelSet, parameters: Parameters) -> Segmenter:
    """Steps 1 to 5 with the networks of one part of a training, in float32."""
    engines = [
        compile_network(exported(folder, f"{name}{suffix}"), "f32") for name in ("coarse", "fine")
    ]
    return Segmenter(engines[0], engines[1], labels, parameters)


def gather(
    data: AnnotationSet,
    recipe: Recipe,
    folder: Path,
    parameters: Parameters,
    progress: Callable[[int], None] | None = None,
) -> list[Evidence]:
    """Evidence of all images of known action, kept in `folder`.

    With folds it is taken out of fold. With none it comes from the networks trained on all
    images (the paper's way), which know these images.
    """
    samples = data.samples
    path = folder / ("evidence.npz" if recipe.folds else "evidence_known.npz")
    networks = [f"{n}_fold{k}" for n in ("coarse", "fine") for k in range(recipe.folds)]
    trained = [folder / f"{n}.pt" for n in (networks or ["coarse", "fine"])]
    newest = max((p.stat().st_mtime for p in trained if p.exists()), default=0.0)
    if path.exists() and path.stat().st_mtime > newest:
        kept = _read(path, samples, data.labels)
        if kept is not None:
            return kept
    assigned = folds_of(samples, recipe.folds) if recipe.folds else None
    parts = (
        [segmenter(folder, f"_fold{k}", data.labels, parameters) for k in range(recipe.folds)]
        if recipe.folds
        else [segmenter(folder, "", data.labels, parameters)]
    )

    def segmenter_of(position: int) -> Segmenter:
        return parts[0] if assigned is None else parts[int(assigned[position])]

    evidence = collect(samples, segmenter_of, data.labels, progress)
    _write(path, evidence)
    return evidence


def _write(path: Path, evidence: Sequence[Evidence]) -> None:
    arrays = {name: np.concatenate([getattr(e, name) for e in evidence]) for name in _ARRAYS}
    temporary = path.with_name(f".{path.name}")  # NumPy insists on the ending
    np.savez_compressed(
        temporary,
        allow_pickle=False,
        files=np.array([e.sample.path.name for e in evidence]),
        action=np.array([e.action for e in evidence]),
        scored=np.array([e.scored for e in evidence]),
        counts=np.array([len(e.channels) for e in evidence]),
        **arrays,
    )
    temporary.replace(path)


def _read(path: Path, samples: Sequence[Sample], labels: LabelSet) -> list[Evidence] | None:
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    known = [s for s in samples if s.action is not None]
    if any(name not in arrays for name in _ARRAYS):
        return None  # kept by an earlier version
    if [s.path.name for s in known] != arrays["files"].tolist():
        return None
    ends = np.cumsum(arrays["counts"])
    evidence = []
    for i, sample in enumerate(known):
        rows = slice(int(ends[i] - arrays["counts"][i]), int(ends[i]))
        evidence.append(
            Evidence(
                sample=sample,
                action=int(arrays["action"][i]),
                **{name: arrays[name][rows] for name in PER_CANDIDATE},
                alone=arrays["alone"][i : i + 1],
                scored=bool(arrays["scored"][i]),
            )
        )
    return evidence


def make_bags(
    evidence: Sequence[Evidence], overlaps: Sequence[np.ndarray], labels: LabelSet, top: int
) -> list[Bag]:
    """The q best candidates of each image, and which of them shows the true object best."""
    bags = []
    for item, overlap in zip(evidence, overlaps, strict=True):
        rows = item.chosen(overlap, labels, top)
        best = best_distinct(overlap, item.boxes, top)
        first = int((item.overlap + item.named)[best].argmax()) if len(best) else 0
        bags.append(Bag(rows, item.action, first))
    return bags


def train_ranker(
    evidence: Sequence[Evidence],
    labels: LabelSet,
    seed: int = 0,
    known: Sequence[Evidence] = (),
) -> Ranker:
    """The regression of section 3.2 on all images; arguments as of `train_classifier`."""
    return fit_ranker([*evidence, *known], labels, seed)


def train_classifier(
    evidence: Sequence[Evidence],
    labels: LabelSet,
    top: int,
    seed: int = 0,
    known: Sequence[Evidence] = (),
) -> tuple[Classifier, float, dict[str, float]]:
    """The classifiers of section 3.3, calibrated on held-out scores.

    Args:
        evidence: of all images, out of fold: unseen images, but networks weaker than those that
            ship.
        labels: the label set.
        top: q, candidates kept of each image.
        known: of the same images by the networks that ship: as strong as at run time, but too
            sure. Learning from both measured better than from either.

    Returns:
        The classifier, its operating threshold, and held-out figures for the log.
    """
    actions = len(labels.actions)
    groups = [
        make_bags(group, held_out_overlaps(group, labels, seed=seed), labels, top)
        for group in (evidence, known)
        if len(group)
    ]
    # Held out within each group, or an image would be judged by what its twin taught.
    scores = np.concatenate([held_out_scores(bags, actions, seed=seed) for bags in groups])
    bags = [bag for group in groups for bag in group]
    kinds = np.array([b.action for b in bags])
    classifier = calibrate(fit_scores(bags, actions), scores, kinds)
    probabilities = classifier.probabilities(scores)
    threshold = operating_threshold(probabilities, kinds)
    unseen = np.arange(len(bags)) < len(evidence)
    raised = probabilities[:, :actions].max(axis=1) >= threshold
    right = probabilities[:, :actions].argmax(axis=1) == kinds
    none = kinds == actions
    alarms, hits = raised[unseen & none], (raised & right)[unseen & ~none]
    figures = {
        "false_alarm_rate": float(alarms.mean()) if len(alarms) else 0.0,
        "recall": float(hits.mean()),
    }
    return classifier, threshold, figures
