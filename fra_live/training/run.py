"""The order of a training: both networks out of fold, then on all images.

Everything lands in one folder RUN and is skipped when it is there already, so that a training
that was killed goes on where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fra_live.annotations import AnnotationSet, Sample
from fra_live.errors import DataError
from fra_live.labels import LabelSet
from fra_live.networks import SegmentationNetwork
from fra_live.networks.mobilenet_v1 import MobileNetV1
from fra_live.networks.vgg16 import VGG16
from fra_live.stages.windows import WindowParameters
from fra_live.training.images import TrainingImage, load_images
from fra_live.training.networks import build_for, load_network, train_network
from fra_live.training.predict import predicted_windows
from fra_live.training.recipes import NetworkRecipe, Recipe, Stage

LEAST_IMAGES = 2  # of an action: with one, nothing is left to hold out


def folds_of(samples: Sequence[Sample], folds: int) -> np.ndarray:
    """Assign each sample to a fold, evenly within each action, by file name.

    Returns:
        (N,) int: the fold in which the sample is held out; -1 where its action is unknown, since
        such images serve the networks only and are never held out.
    """
    assigned = np.full(len(samples), -1)
    by_action: dict[str, list[int]] = {}
    for i, sample in enumerate(samples):
        if sample.action is not None:
            by_action.setdefault(sample.action, []).append(i)
    for members in by_action.values():
        members.sort(key=lambda i: samples[i].path.name)
        for rank, i in enumerate(members):
            assigned[i] = rank % folds
    return assigned


def new_network(
    recipe: NetworkRecipe, labels: LabelSet, stage: Stage, start: Path | None, seed: int
) -> SegmentationNetwork:
    """Build a network with the weights it starts from.

    Args:
        start: a file of ImageNet weights for the backbone; a folder that holds the first fold's
            networks; or None for random weights.

    Raises:
        DataError: the weights cannot be read.
    """
    torch.manual_seed(seed)
    frozen = recipe.frozen_blocks if start is not None else 0
    network = build_for(recipe, labels, frozen)
    if start is None:
        return network
    if start.is_dir():
        first = load_network(start / f"{stage}_fold0.pt")[0]
        network.load_state_dict(first.state_dict())
        return network
    backbone = network.backbone
    assert isinstance(backbone, MobileNetV1 | VGG16)
    backbone.load_imagenet(start)
    return network


def train_pair(
    images: Sequence[TrainingImage],
    labels: LabelSet,
    recipe: Recipe,
    folder: Path,
    *,
    suffix: str = "",
    start: Path | None = None,
    windows: WindowParameters | None = None,
    seed: int = 0,
) -> None:
    """Train Net_coarse, let it choose windows, and train Net_fine on windows.

    The results are `folder`/coarse{suffix}.pt and fine{suffix}.pt; `start` is `new_network`'s.
    """
    windows = windows or WindowParameters()
    coarse = train_network(
        "coarse", images, labels, recipe.coarse,
        new_network(recipe.coarse, labels, "coarse", start, seed),
        folder, name=f"coarse{suffix}", seed=seed,
    )  # fmt: skip
    if (folder / f"fine{suffix}.pt").exists():
        return
    chosen = predicted_windows(
        coarse, (i.image for i in images), labels, recipe.coarse.size, windows
    )
    train_network(
        "fine", images, labels, recipe.fine,
        new_network(recipe.fine, labels, "fine", start, seed + 1),
        folder, name=f"fine{suffix}", windows=windows, predicted=chosen, seed=seed + 1,
    )  # fmt: skip


def train_networks(
    data: AnnotationSet,
    recipe: Recipe,
    folder: Path,
    *,
    pretrained: Path | None = None,
    seed: int = 0,
    only: Sequence[str] | None = None,
) -> None:
    """Train the networks on all images, and once for each fold without it.

    Args:
        only: parts to train, of "all", "fold0", "fold1" …; None trains all of them. Parts are
            independent, so that several processes can share the work.

    Raises:
        DataError: an image cannot be read, a label that an action needs has no example, or
            there are too few images of an action.
    """
    for name in data.labels.actions.values():
        if not any(s.boxes(name) for s in data.samples):
            raise DataError(f"{data.path}: the label '{name}' has no outlined example.")
    shown = Counter(s.action for s in data.samples if s.action is not None)
    for action in data.labels.actions:
        if shown[action] < LEAST_IMAGES:
            raise DataError(
                f"{data.path}: the action '{action}' has {shown[action]} image(s); "
                f"training takes {LEAST_IMAGES} or more."
            )
    if len(shown) < 2:
        raise DataError(
            f"{data.path}: all images show one action; add images of action 'none' or of another."
        )
    images = load_images(data.samples, data.labels)
    assigned = folds_of(data.samples, recipe.folds) if recipe.folds else np.zeros(0)
    parts = [*(f"fold{k}" for k in range(recipe.folds)), "all"]
    for part in parts:
        if only is not None and part not in only:
            continue
        if part != "all":
            kept = [i for i, f in zip(images, assigned, strict=True) if f != int(part[4:])]
            train_pair(kept, data.labels, recipe, folder, suffix=f"_{part}", start=pretrained,
                       seed=seed)  # fmt: skip
        elif recipe.folds:
            train_pair(images, data.labels, _refit(recipe), folder, start=folder, seed=seed + 10)
        else:
            train_pair(images, data.labels, recipe, folder, start=pretrained, seed=seed)


def _refit(recipe: Recipe) -> Recipe:
    rate = recipe.refit_rate
    coarse, fine = (
        replace(
            r,
            epochs=max(1, round(share * r.epochs)),
            backbone_rate=rate * r.backbone_rate,
            head_rate=rate * r.head_rate,
        )
        for r, share in zip((recipe.coarse, recipe.fine), recipe.refit, strict=True)
    )
    return replace(recipe, coarse=coarse, fine=fine)
