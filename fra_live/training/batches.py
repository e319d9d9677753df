"""Augmented batches of training images, the same for the same seed and epoch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from fra_live.labels import LabelSet
from fra_live.stages.windows import Window, WindowParameters
from fra_live.training.augment import cut
from fra_live.training.images import TrainingImage
from fra_live.training.recipes import NetworkRecipe, Stage
from fra_live.training.views import action_in_view, coarse_view, fine_views, jitter

_AHEAD = 3  # batches made while the network is at work
# (N, S, S, 3) uint8 RGB, (N, S, S) uint8 labels, (N, |L|) bool of labels that were not annotated,
# (N,) float32 weights, (N,) int64 actions
Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def class_weights(images: Sequence[TrainingImage], labels: LabelSet) -> np.ndarray:
    """(|L|,) loss weights: rare labels weigh more, (background / share)^0.3 within 1 to 6."""
    counts = np.zeros(256)
    for image in images:
        counts += np.bincount(image.label_map.ravel(), minlength=256) / image.label_map.size
    share = np.maximum(counts[: len(labels.names)], 1e-9)
    return np.asarray(np.clip((share[0] / share) ** 0.3, 1.0, 6.0))


class BatchMaker:
    """Augmented batches of one stage, the same for the same seed and epoch."""

    def __init__(
        self,
        stage: Stage,
        images: Sequence[TrainingImage],
        labels: LabelSet,
        recipe: NetworkRecipe,
        windows: WindowParameters,
        predicted: Sequence[list[Window]],
        seed: int,
    ) -> None:
        self.stage, self.images, self.labels = stage, images, labels
        self.recipe, self.windows, self.predicted, self.seed = recipe, windows, predicted, seed

    def __len__(self) -> int:
        return max(1, round(sum(i.rate for i in self.images)) // self.recipe.batch)

    def _example(self, index: int, rng: np.random.Generator) -> tuple[Any, ...]:
        image = self.images[index]
        if self.stage == "coarse":
            view = coarse_view(image, rng)
            action = image.action
            if 0 <= action < len(self.labels.actions):  # the zoom may have lost the object
                action = action_in_view(image, view, self.labels)
        else:
            offered = fine_views(image, self.labels, self.windows, self.predicted[index])
            weights = np.array([weight for _, weight in offered])
            view = offered[int(rng.choice(len(offered), p=weights / weights.sum()))][0]
            view = jitter(view, rng)
            action = action_in_view(image, view, self.labels)
        pixels, labels = cut(image.image, image.label_map, view, self.recipe.size, rng)
        return pixels[:, :, ::-1], labels, image.unannotated, image.weight, action

    def _batch(self, indices: np.ndarray, seed: Sequence[int]) -> Batch:
        rng = np.random.default_rng(seed)
        parts = zip(*(self._example(int(i), rng) for i in indices), strict=True)
        pixels, maps, unannotated, weight, action = (np.stack(part) for part in parts)
        return pixels, maps, unannotated, weight.astype(np.float32), action.astype(np.int64)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Batches of one epoch, made on a thread of their own; images come by their rates."""
        rates = np.array([i.rate for i in self.images])
        size = min(self.recipe.batch, len(self.images))
        order = np.random.default_rng([self.seed, number]).choice(
            len(self.images), len(self) * size, replace=False, p=rates / rates.sum()
        )
        chunks = [order[i * size : (i + 1) * size] for i in range(len(self))]
        with ThreadPoolExecutor(1) as pool:
            pending: deque[Future[Batch]] = deque()
            for i, chunk in enumerate(chunks):
                pending.append(pool.submit(self._batch, chunk, [self.seed, number, i]))
                if len(pending) > _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
