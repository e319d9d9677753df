"""Evidence for the tables: what a training kept, and what a finished model sees in other images."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from fra_live.errors import DataError
from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.samples import Sample
from fra_live.stages.features import block_sizes

if TYPE_CHECKING:
    from fra_live.recognizer import Recognizer
    from fra_live.training.evidence import Evidence

_log = logging.getLogger(__name__)


UNSEEN, KNOWN = "evidence.npz", "evidence_known.npz"  # as `training.heads.gather` names them


def kept_evidence(
    training: Path, labels: LabelSet, parameters: Parameters
) -> tuple[list[Evidence], list[Evidence]]:
    """The evidence that a training kept, by images' names: their files are not opened.

    Args:
        training: folder of the training.
        labels: of the model.
        parameters: of the model.

    Returns:
        Evidence that heads may be measured on (taken out of fold; in a training without folds,
        by networks that know the images), and further evidence for learning, by the networks
        that ship; the latter may be empty.

    Raises:
        DataError: there is none, it is damaged, or it belongs to another model.
    """
    paths = [training / name for name in (UNSEEN, KNOWN) if (training / name).is_file()]
    if not paths:
        raise DataError(
            f"{training / UNSEEN} does not exist; 'fra-live train ranker' makes it, and "
            "--training names the folder in which it lies."
        )
    first, *others = (_read(path, labels, parameters) for path in paths)
    return first, others[0] if others else []


def _read(path: Path, labels: LabelSet, parameters: Parameters) -> list[Evidence]:
    from fra_live.training.evidence import Evidence
    from fra_live.training.heads import PER_CANDIDATE

    training = path.parent
    newer = [
        p.name
        for p in training.glob("*_fold*.pt" if path.name == UNSEEN else "*.pt")
        if p.stat().st_mtime > path.stat().st_mtime
    ]
    if newer:
        _log.warning("%s is older than %s: its networks were trained again.", path, newer[0])
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        _check_labels(path, arrays, labels, parameters)
        ends = np.cumsum(arrays["counts"]).tolist()
        evidence = []
        for i, name in enumerate(arrays["files"].tolist()):
            rows = slice(ends[i] - int(arrays["counts"][i]), ends[i])
            action = int(arrays["action"][i])
            evidence.append(
                Evidence(
                    sample=Sample(Path(name), 1, 1, _name(action, labels), frozenset(), ()),
                    action=action,
                    **{name: arrays[name][rows] for name in PER_CANDIDATE},
                    alone=arrays["alone"][i : i + 1],
                    scored=bool(arrays["scored"][i]),
                )
            )
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
        raise DataError(f"{path} holds no evidence: {error}; remove it and train anew.") from error
    return evidence


def _check_labels(
    path: Path, arrays: dict[str, np.ndarray], labels: LabelSet, parameters: Parameters
) -> None:
    features = sum(block_sizes(labels).values())
    context = 2 * parameters.context.grid**2 * len(labels.names)
    if (
        not len(arrays["files"])
        or arrays["alone"].shape[1:] != (features,)
        or arrays["context"].shape[1:] != (context,)
    ):
        raise DataError(f"{path} belongs to a model with other labels; give its own --training.")


def _name(action: int, labels: LabelSet) -> str:
    return (*labels.action_names, "none")[action]


def seen_evidence(
    recognizer: Recognizer,
    samples: Sequence[Sample],
    progress: Callable[[int, int], None] | None = None,
) -> list[Evidence]:
    """Evidence of images of an action, by the model's own networks.

    Args:
        recognizer: the model.
        samples: images; those of no action or of an unknown one are passed over, since the
            tables' measure does not use them.
        progress: called with the number of images done and their total.

    Raises:
        DataError: an image cannot be decoded, or none shows an action.
    """
    from fra_live.training.evidence import evidence_of

    acted = [s for s in samples if s.action in recognizer.labels.actions]
    if not acted:
        raise DataError("The test set shows none of the model's actions; the tables need them.")
    evidence = []
    for done, sample in enumerate(acted, start=1):
        evidence.append(evidence_of(sample, recognizer.segment, recognizer.labels))
        if progress is not None:
            progress(done, len(acted))
    return evidence
