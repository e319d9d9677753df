"""Section 3.2's remark: fixed context features against a pooling layer that is learned.

Both see the same probability maps over the same two boxes of every candidate region and predict
its overlap. The fixed features are means in 5×5 cells, ranked by support vector regression; the
layer learns for each channel how 15×15 finer means become 5×5 numbers, and a small network ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from fra_live.errors import DataError
from fra_live.evaluation.evaluate import LEAST_OVERLAP, read_image
from fra_live.evaluation.metrics import mean
from fra_live.evaluation.tables_form import Measured, Trend, lead
from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.samples import Sample
from fra_live.segmenter import Segmenter
from fra_live.stages.context import IntegralMap, context_features
from fra_live.training.classifier import held_out_scores
from fra_live.training.evidence import Evidence
from fra_live.training.heads import make_bags, segmenter
from fra_live.training.ranker import MAX_ROWS, PAPER, held_out_overlaps
from fra_live.training.run import folds_of

FINER = 3  # cells a side that the layer sees for each cell of the fixed features
EPOCHS, BATCH, RATE, HIDDEN = 40, 128, 1e-3, 64
PARTS = 4  # as `held_out_overlaps`
Progress = Callable[[int, int], None]


class LearnedPooling(nn.Module):
    """Overlap from finer cells: (N, 2·|L|, 3g, 3g) float32 → (N,) in 0..1."""

    def __init__(self, channels: int, grid: int) -> None:
        super().__init__()
        self.pool = nn.Conv2d(channels, channels, FINER, stride=FINER, groups=channels)
        self.rank = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * grid * grid, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)
        )

    def forward(self, cells: Tensor) -> Tensor:
        """See the class."""
        overlaps: Tensor = self.rank(self.pool(cells)).squeeze(1).sigmoid()
        return overlaps


def finer_cells(image: np.ndarray, segment: Segmenter) -> np.ndarray:
    """What the layer sees of one image's candidates: (M, 2·|L|, 3g, 3g) float16."""
    found, p = segment(image), segment.parameters
    shape = found.fine.shape[1:]
    scale = np.array([shape[1] / image.shape[1], shape[0] / image.shape[0]] * 2, np.float32)
    boxes = np.array([r.box for r in found.proposals], np.float32).reshape(-1, 4) * scale
    side = FINER * p.context.grid
    cells = context_features(IntegralMap(found.fine), boxes, replace(p.context, grid=side))
    shaped = cells.reshape(len(boxes), 2, side, side, -1).transpose(0, 1, 4, 2, 3)
    return shaped.reshape(len(boxes), -1, side, side).astype(np.float16)


def fit_pooling(cells: np.ndarray, overlaps: np.ndarray, grid: int, seed: int) -> LearnedPooling:
    """Train the layer; as for the ranker, candidates with overlap are kept before others."""
    rng = np.random.default_rng(seed)
    good = np.flatnonzero(overlaps > 0.1)
    bad = rng.permutation(np.flatnonzero(overlaps <= 0.1))
    rows = np.concatenate([good, bad[: max(len(good), MAX_ROWS // 2 - len(good))]])
    torch.manual_seed(seed)
    model = LearnedPooling(cells.shape[1], grid)
    steps = EPOCHS * max(1, len(rows) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        if step % max(1, len(rows) // BATCH) == 0:
            rng.shuffle(rows)
        start = step % max(1, len(rows) // BATCH) * BATCH
        chosen = rows[start : start + BATCH]
        found = model(torch.from_numpy(cells[chosen].astype(np.float32)))
        loss = (found - torch.from_numpy(overlaps[chosen])).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def learned_overlaps(
    evidence: Sequence[Evidence], cells: Sequence[np.ndarray], grid: int, seed: int = 0
) -> list[np.ndarray]:
    """Overlaps of every image's candidates by layers that never saw the image: (M,) each."""
    assigned = np.random.default_rng(seed).permutation(len(evidence)) % PARTS
    predicted: list[np.ndarray] = [np.zeros(0, np.float32)] * len(evidence)
    for part in range(PARTS):
        inside = [
            i for i, e in enumerate(evidence) if assigned[i] != part and e.scored and len(cells[i])
        ]
        if not inside:
            raise DataError("Too few images have candidate regions to compare poolings on.")
        model = fit_pooling(
            np.concatenate([cells[i] for i in inside]),
            np.concatenate([evidence[i].overlap for i in inside]), grid, seed,
        )  # fmt: skip
        for i in np.flatnonzero(assigned == part).tolist():
            if len(cells[i]):
                with torch.inference_mode():
                    found = model(torch.from_numpy(cells[i].astype(np.float32)))
                predicted[i] = found.numpy()
    return predicted


def listed(evidence: Sequence[Evidence], samples: Sequence[Sample]) -> list[Sample]:
    """The photos that evidence was taken from, in its order.

    Raises:
        DataError: one of them is not among the samples.
    """
    by_name = {s.path.name: s for s in samples}
    missing = [e.sample.path.name for e in evidence if e.sample.path.name not in by_name]
    if missing:
        raise DataError(
            f"The training had {missing[0]}, which --training-data does not list; give all sets "
            "that the model was trained on."
        )
    return [by_name[e.sample.path.name] for e in evidence]


def training_cells(
    training: Path,
    evidence: Sequence[Evidence],
    samples: Sequence[Sample],
    labels: LabelSet,
    parameters: Parameters,
    progress: Progress | None = None,
) -> list[np.ndarray]:
    """`finer_cells` of the training images, by the networks trained without each of them.

    Raises:
        DataError: the photos or networks are not those that the evidence was taken from.
    """
    known = listed(evidence, samples)
    folds = len(list(training.glob("coarse_fold*.pt")))
    assigned = folds_of(known, folds) if folds else np.zeros(len(known), int)
    suffixes = [f"_fold{k}" for k in range(folds)] or [""]
    parts = [segmenter(training, suffix, labels, parameters) for suffix in suffixes]
    cells = []
    for done, (item, sample, part) in enumerate(zip(evidence, known, assigned, strict=True), 1):
        cells.append(finer_cells(read_image(sample.path), parts[int(part)]))
        if len(cells[-1]) != len(item.channels):
            raise DataError(
                f"{training}: the networks find other regions in {sample.path.name} than its "
                "evidence.npz holds; remove that file and train the ranker again."
            )
        if progress is not None:
            progress(done, len(known))
    return cells


def compare_pooling(
    evidence: Sequence[Evidence],
    learned: Sequence[np.ndarray],
    labels: LabelSet,
    top: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Both rankings, held out: where the best candidates lie, and what the actions gain.

    Args:
        evidence: of the training images.
        learned: what `learned_overlaps` gave.

    Returns:
        "rows": "fixed" and "learned" → mean_ap, top1 and top3 (shares of images of actions with
        a candidate over IoU .5 among the first), mean_error of the overlap; "trends".
    """
    fixed = held_out_overlaps(evidence, labels, PARTS, seed, PAPER)
    rankings = {"fixed": fixed, "learned": list(learned)}
    actions = len(labels.actions)
    kinds = np.array([e.action for e in evidence])
    acted = kinds < actions
    rows: dict[str, dict[str, float | None]] = {}
    scores: dict[str, Measured] = {}
    for name, overlaps in rankings.items():
        bags = make_bags(evidence, overlaps, labels, top)
        scores[name] = Measured(held_out_scores(bags, actions, seed=seed)[acted], kinds[acted])
        pairs = [(e.overlap, o) for e, o in zip(evidence, overlaps, strict=True)
                 if e.scored and e.action < actions]  # fmt: skip
        hits = [true[np.argsort(-found, kind="stable")] >= LEAST_OVERLAP for true, found in pairs]
        errors = np.concatenate([np.abs(true - found) for true, found in pairs])
        rows[name] = {
            "mean_ap": scores[name].figures(labels.action_names)["mean"],
            "top1": mean(float(h[:1].any()) for h in hits),
            "top3": mean(float(h[:3].any()) for h in hits),
            "mean_error": float(errors.mean()) if len(errors) else None,
        }
    claim = "fixed context features beat a learned pooling layer"
    trend: Trend = lead(claim, "held out", scores["fixed"], scores["learned"])
    title = "Section 3.2: context features against a learned pooling layer"
    return {"title": title, "rows": rows, "trends": [trend.to_dict()]}


def kept_or_learned(
    keep: Path,
    training: Path,
    evidence: Sequence[Evidence],
    samples: Sequence[Sample],
    labels: LabelSet,
    parameters: Parameters,
    progress: Progress | None = None,
) -> list[np.ndarray]:
    """`learned_overlaps`, kept in the file `keep` for the same candidates."""
    files = [e.sample.path.name for e in evidence]
    counts = [len(e.channels) for e in evidence]
    if keep.is_file():
        try:
            with np.load(keep, allow_pickle=False) as archive:
                if archive["files"].tolist() == files and archive["counts"].tolist() == counts:
                    return list(np.split(archive["overlaps"], np.cumsum(counts)[:-1]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            pass  # made anew
    cells = training_cells(training, evidence, samples, labels, parameters, progress)
    found = learned_overlaps(evidence, cells, parameters.context.grid)
    keep.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        keep, allow_pickle=False, files=files, counts=counts, overlaps=np.concatenate(found)
    )
    return found
