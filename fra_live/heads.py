"""The two heads of a bundle: the ranking of the candidates and the classifiers of the actions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fra_live.errors import BundleError
from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.runtime.bundle import Bundle
from fra_live.stages.classify import Classifier
from fra_live.stages.features import block_sizes
from fra_live.stages.rank import Ranker, ranking_blocks


@dataclass(frozen=True)
class Heads:
    """Both heads, and what the ranking reads.

    Attributes:
        ranker: step 6.
        classifier: step 7.
        context_alone: whether the ranking is an older bundle's, which reads the paper's features.
    """

    ranker: Ranker
    classifier: Classifier
    context_alone: bool


def load_heads(bundle: Bundle, parameters: Parameters) -> Heads:
    """Read the heads of a bundle.

    Raises:
        BundleError: the file does not hold them, or they do not fit the labels and parameters.
    """
    path = bundle.part("heads")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        ranker, classifier = Ranker.from_arrays(arrays), Classifier.from_arrays(arrays)
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{path} does not hold the heads: {error!r}.") from error
    grid = parameters.context.grid
    context = 2 * grid**2 * len(bundle.labels.names)
    alone = ranker.mean.size == context
    read = context if alone else sum(ranking_blocks(bundle.labels, grid).values())
    if not _fit(ranker, classifier, bundle.labels, read):
        raise BundleError(
            f"{path} does not fit the labels and parameters of its manifest; undo changes to "
            "the manifest or train the model anew."
        )
    return Heads(ranker, classifier, alone)


def _fit(ranker: Ranker, classifier: Classifier, labels: LabelSet, read: int) -> bool:
    features, actions = sum(block_sizes(labels).values()), len(labels.actions)
    return (
        ranker.mean.shape == ranker.scale.shape == ranker.vectors.shape[1:] == (read,)
        and ranker.coefficients.shape == ranker.vectors.shape[:1]
        and classifier.mean.shape == classifier.scale.shape == (features,)
        and classifier.weights.shape == (actions, features)
        and classifier.biases.shape == (actions,)
        and classifier.calibration.shape == (actions + 1, actions)
        and classifier.offsets.shape == (actions + 1,)
    )
