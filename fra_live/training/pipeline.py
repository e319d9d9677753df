"""`fra-live train`: the parts of a training in their order, each resumable, ending in a bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from fra_live.annotations import AnnotationSet, find_annotation_files, read_training_sets
from fra_live.errors import DataError
from fra_live.parameters import Parameters
from fra_live.stages.classify import Classifier
from fra_live.stages.rank import Ranker
from fra_live.stages.windows import WindowParameters
from fra_live.training.evidence import Evidence
from fra_live.training.heads import gather, train_classifier, train_ranker
from fra_live.training.recipes import Recipe
from fra_live.training.release import write_bundle
from fra_live.training.run import train_networks
from fra_live.training.start import IMAGES, starting_weights

PARTS = ("networks", "ranker", "classifier", "all")

# Makes a progress bar: (description, total) → a context that gives advance(count).
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


class Training:
    """One training in one folder.

    The folder becomes the bundle; what is needed to resume lies in its subfolder `training`.

    Attributes:
        data: all training sets as one.
        folder: of the bundle.
        run: `folder`/training.
        pretrained: weights that the networks start from, see `starting_weights`; None: random.
    """

    def __init__(
        self,
        data: Sequence[Path],
        folder: Path,
        recipe: Recipe,
        *,
        pretrained: str | Path | None = None,
        seed: int = 0,
        bar: Bar | None = None,
    ) -> None:
        self.data: AnnotationSet = read_training_sets(find_annotation_files(data))
        self.folder, self.run, self.recipe = folder, folder / "training", recipe
        self.pretrained, self.seed, self._bar = pretrained, seed, bar
        self.parameters = replace(
            Parameters(),
            coarse_size=recipe.coarse.runs_at,
            fine_size=recipe.fine.runs_at,
            windows=replace(WindowParameters(), max_windows=recipe.max_windows),
        )
        self._evidence: list[Evidence] | None = None
        self._known: list[Evidence] | None = None

    def networks(self, only: Sequence[str] | None = None) -> None:
        """Train Net_coarse and Net_fine, on everything and out of fold.

        Args:
            only: parts, of "all", "fold0" …; None trains them all.

        Raises:
            DataError: the data cannot be trained on, or the weights to start from are not there.
        """
        start = None
        if self.pretrained is not None:
            start = starting_weights(self.pretrained, self.recipe, self.run, self._some_images)
        train_networks(
            self.data, self.recipe, self.run, pretrained=start, seed=self.seed, only=only
        )

    def _some_images(self) -> Iterator[np.ndarray]:
        step = max(1, len(self.data.samples) // IMAGES)
        for sample in self.data.samples[::step][:IMAGES]:
            image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
            if image is None:
                raise DataError(f"{sample.path} cannot be decoded as an image.")
            yield image

    def evidence(self) -> list[Evidence]:
        """Features of all images for the heads, taken out of fold."""
        if self._evidence is None:
            self._evidence = self._gather(self.recipe)
        return self._evidence

    def known(self) -> list[Evidence]:
        """Features of the same images by the networks that ship; none without folds."""
        if self._known is None:
            self._known = self._gather(replace(self.recipe, folds=0)) if self.recipe.folds else []
        return self._known

    def _gather(self, recipe: Recipe) -> list[Evidence]:
        if self._bar is None:
            return gather(self.data, recipe, self.run, self.parameters)
        with self._bar("Features", len(self.data.samples)) as advance:
            return gather(self.data, recipe, self.run, self.parameters, advance)

    def ranker(self) -> Ranker:
        """Train the ranking and keep it in `run`/ranker.npz."""
        ranker = train_ranker(self.evidence(), self.data.labels, self.seed, self.known())
        np.savez_compressed(self.run / "ranker.npz", allow_pickle=False, **ranker.to_arrays())
        return ranker

    def classifier(self) -> tuple[Classifier, float, dict[str, float]]:
        """Train and calibrate the classifiers; kept in `run`/classifier.{npz,json}."""
        top = self.parameters.top
        classifier, threshold, figures = train_classifier(
            self.evidence(), self.data.labels, top, self.seed, self.known()
        )
        arrays = classifier.to_arrays()
        np.savez_compressed(self.run / "classifier.npz", allow_pickle=False, **arrays)
        kept = {"threshold": threshold, "held_out": figures}
        (self.run / "classifier.json").write_text(json.dumps(kept, indent=2), encoding="utf-8")
        return classifier, threshold, figures

    def release(self) -> Path:
        """Put the bundle together from what `run` holds.

        Raises:
            DataError: a part was not trained yet.
        """
        try:
            with np.load(self.run / "ranker.npz", allow_pickle=False) as archive:
                ranker = Ranker.from_arrays(dict(archive))
            with np.load(self.run / "classifier.npz", allow_pickle=False) as archive:
                classifier = Classifier.from_arrays(dict(archive))
            kept = json.loads((self.run / "classifier.json").read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataError(f"{error.filename} is missing; train ranker and classifier.") from error
        write_bundle(
            self.run, self.folder, self.folder.name, self.data, self.recipe, self.parameters,
            ranker, classifier, kept["threshold"], kept["held_out"],
        )  # fmt: skip
        return self.folder
