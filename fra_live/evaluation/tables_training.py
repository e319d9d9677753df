"""Trainings that the paper compares: stride 8 against 32, and objects with and without body parts.

Sections 3.1 and 4.1. Each variant is a Net_coarse of its own, trained from masks alone (without
the action head's loss, which the paper does not have), and measured by its map alone. A training
that was stopped goes on where it was when it is run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fra_live.annotations import Sample
from fra_live.errors import DataError
from fra_live.evaluation.evaluate import LEAST_OVERLAP, read_image
from fra_live.evaluation.metrics import average_precision, best_overlaps, label_counts, mean, ratio
from fra_live.labels import BACKGROUND, LabelSet
from fra_live.parameters import Parameters
from fra_live.stages.candidates import propose
from fra_live.stages.preprocess import coarse_shape, resize
from fra_live.stages.windows import WindowParameters
from fra_live.training.batches import BatchMaker
from fra_live.training.images import TrainingImage, load_images
from fra_live.training.networks import load_network, train_network
from fra_live.training.predict import predict
from fra_live.training.recipes import NetworkRecipe
from fra_live.training.run import new_network

SIZE, EPOCHS = 256, 12
Say = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Variant:
    """One Net_coarse.

    Attributes:
        name: what is printed.
        builder: a key of `fra_live.networks.BUILDERS`.
        body_parts: whether faces and hands are labels too.
    """

    name: str
    builder: str
    body_parts: bool = True

    def labels(self, labels: LabelSet) -> LabelSet:
        """The labels that it is trained on."""
        if self.body_parts:
            return labels
        return LabelSet((BACKGROUND, *labels.objects), (), labels.actions)


VARIANTS: Mapping[str, Variant] = {
    "stride8": Variant("stride 8, objects with faces and hands", "fcn8s_mobilenet_v1"),
    "stride32": Variant("stride 32, objects with faces and hands", "fcn32s_mobilenet_v1"),
    "objects8": Variant("stride 8, objects only", "fcn8s_mobilenet_v1", body_parts=False),
}
# What the paper says of them, without figures: (better, worse, claim).
CLAIMS = (
    ("stride8", "stride32", "stride 8 beats stride 32 (section 3.1)"),
    ("stride8", "objects8", "joint training with faces and hands beats objects only (4.1)"),
)


def recipe_of(variant: Variant, *, size: int = SIZE, epochs: int = EPOCHS) -> NetworkRecipe:
    """The same small recipe for all, so that only what is compared differs."""
    return NetworkRecipe(variant.builder, size, epochs, frozen_blocks=3, action_weight=0.0)


def expected_seconds(
    recipes: Mapping[str, NetworkRecipe], images: Sequence[TrainingImage], labels: LabelSet
) -> float:
    """How long the trainings will take here, from one iteration of each that is timed."""
    import torch

    total = 0.0
    for key, recipe in recipes.items():
        own = VARIANTS[key].labels(labels)
        network = new_network(recipe, own, "coarse", None, 0).train()
        pixels = torch.rand(recipe.batch, 3, recipe.size, recipe.size) * 255
        for turn in range(2):  # the first one allocates
            start = time.perf_counter()
            output = network(pixels)
            (output.logits.square().mean() + output.action_logits.mean()).backward()
            if turn:
                spent = time.perf_counter() - start
        count = len(BatchMaker("coarse", images, own, recipe, WindowParameters(), [], 0))
        total += spent * count * recipe.epochs
    return total


def train_variants(
    samples: Sequence[Sample],
    labels: LabelSet,
    folder: Path,
    *,
    pretrained: Path | None = None,
    recipes: Mapping[str, NetworkRecipe] | None = None,
    seed: int = 0,
    say: Say | None = None,
) -> None:
    """Train every variant that `folder` does not hold yet.

    Args:
        samples: the training images.
        labels: the model's labels.
        folder: for the networks, a file each, and for what is needed to resume.
        pretrained: ImageNet weights; without them the variants learn little from few images.
        recipes: by key; None takes `recipe_of`.
        say: told how long it will take here, and what is trained next.

    Raises:
        DataError: an image or the weights cannot be read.
    """
    recipes = recipes or {key: recipe_of(variant) for key, variant in VARIANTS.items()}
    missing = {k: r for k, r in recipes.items() if not (folder / f"{k}.pt").exists()}
    say = say or (lambda text: None)
    if not missing:
        say(f"the networks of the comparisons are in {folder} already.")
        return
    images: dict[bool, list[TrainingImage]] = {True: load_images(samples, labels)}
    seconds = expected_seconds(missing, images[True], labels)
    say(
        f"{len(missing)} networks will take about {max(1, round(seconds / 60))} minutes here; "
        "when stopped, the same command goes on from the last finished pass."
    )
    for key, recipe in missing.items():
        variant = VARIANTS[key]
        own = variant.labels(labels)
        if variant.body_parts not in images:
            images[variant.body_parts] = load_images(samples, own)
        say(f"training {variant.name}.")
        start = recipe if pretrained is not None else replace(recipe, frozen_blocks=0)
        network = new_network(start, own, "coarse", pretrained, seed)
        train_network(
            "coarse", images[variant.body_parts], own, recipe, network, folder, name=key, seed=seed
        )  # fmt: skip


def measure_variant(
    path: Path, samples: Sequence[Sample], progress: Progress | None = None
) -> dict[str, Any]:
    """What one network's map alone is worth, on images of actions.

    Args:
        path: the network, as `train_network` wrote it.
        samples: test images.
        progress: called with the number of images done and their total.

    Returns:
        mean_ap and ap: of the maximum of the action's object channel (F^coarse with no SVM);
        mean_iou and iou: pixels of the argmax against the outlines; mean_top1 and top1: share of
        images whose most probable candidate region overlaps a true object by IoU .5.

    Raises:
        DataError: the network or an image cannot be read.
    """
    network, labels, recipe = load_network(path)
    acted = [s for s in samples if s.action in labels.actions]
    if not acted:
        raise DataError("The test set shows none of the actions of the comparisons.")
    scores, counts = [], dict.fromkeys(labels.object_channels, (0, 0))
    located: dict[str, list[bool]] = {name: [] for name in labels.actions}
    for done, sample in enumerate(acted, start=1):
        image = read_image(sample.path)
        frame = (image.shape[0], image.shape[1])
        shape = coarse_shape(frame, recipe.size)
        maps, _ = predict(network, resize(image, shape)[None])
        # Enlarged before anything is read off, as Long et al. do: no box fits cells of 32 px.
        enlarged = cv2.resize(np.ascontiguousarray(maps[0].transpose(1, 2, 0)), shape[::-1])
        large = np.ascontiguousarray(enlarged.transpose(2, 0, 1))
        thing = [labels.index(o) for o in labels.actions.values()]
        scores.append(large.max(axis=(1, 2))[thing])
        if set(labels.objects) <= sample.annotated:
            truth = sample.label_map(labels, *shape)
            pairs = label_counts(large.argmax(axis=0), truth, labels.object_channels)
            for c, (both, either) in pairs.items():
                counts[c] = (counts[c][0] + both, counts[c][1] + either)
        boxes = np.array(sample.boxes(labels.actions[str(sample.action)]), np.float64)
        if len(boxes):
            boxes *= frame[1] / sample.width
            regions = propose(large, labels, frame, Parameters().candidates)
            best = max(regions, key=lambda r: r.probability, default=None)
            hit = (
                best is not None and best_overlaps(np.array([best.box]), boxes)[0] >= LEAST_OVERLAP
            )
            located[str(sample.action)].append(bool(hit))
        if progress is not None:
            progress(done, len(acted))
    values = np.array(scores)
    kinds = [labels.action_names.index(str(s.action)) for s in acted]
    ap = {
        name: average_precision(values[:, i].tolist(), [k == i for k in kinds])
        for i, name in enumerate(labels.action_names)
    }
    iou = {labels.names[c]: ratio(*counts[c]) for c in counts}
    top1 = {name: mean(map(float, hits)) for name, hits in located.items()}
    known = {name: None if np.isnan(v) else v for name, v in ap.items()}
    return {
        "mean_ap": mean(known.values()), "ap": known,
        "mean_iou": mean(iou.values()), "iou": iou,
        "mean_top1": mean(top1.values()), "top1": top1,
    }  # fmt: skip


def compare_variants(
    folder: Path, samples: Sequence[Sample], progress: Progress | None = None
) -> dict[str, Any] | None:
    """Measure the variants that are trained, and hold them against what the paper says.

    Returns:
        "rows": key → name and figures; "trends"; None where none is trained.
    """
    rows = {}
    for key, variant in VARIANTS.items():
        if (folder / f"{key}.pt").is_file():
            rows[key] = {"name": variant.name} | measure_variant(
                folder / f"{key}.pt", samples, progress
            )
    trends = [
        {"claim": claim, **{
            measure: None if None in (rows[a][measure], rows[b][measure])
            else rows[a][measure] - rows[b][measure]
            for measure in ("mean_ap", "mean_iou", "mean_top1")
        }}
        for a, b, claim in CLAIMS if a in rows and b in rows
    ]  # fmt: skip
    if not rows:
        return None
    title = "Sections 3.1 and 4.1: one coarse network alone"
    return {"title": title, "rows": rows, "trends": trends}
