"""All tables in one go: what is trained already is measured, what is missing is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fra_live.annotations import find_annotation_files, read_annotations
from fra_live.evaluation.tables import ALL, ablate, table_2, table_3
from fra_live.evaluation.tables_evidence import kept_evidence, seen_evidence
from fra_live.evaluation.tables_form import Table
from fra_live.evaluation.tables_sizes import Sizes, compare_sizes
from fra_live.samples import Sample

if TYPE_CHECKING:
    from fra_live.recognizer import Recognizer
    from fra_live.training.evidence import Evidence

# Makes a progress bar: description → a context that gives a callback of (done, total).
Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
NETWORKS = "networks"  # folder of the networks that only the tables need
POOLING = "pooling.npz"  # overlaps by the learned pooling layer


@dataclass(frozen=True)
class TableInputs:
    """What the tables are made from.

    Attributes:
        training: folder of the model's training, for Tables 2 and 3.
        test: the test images; without any, heads are measured held out alone.
        training_data: annotation files or folders, for Table 1 and for trainings.
        pretrained: ImageNet weights of MobileNetV1, for Table 1 and for trainings.
        out: folder that is written to.
        train: train what the tables of sections 3.1, 3.2 and 4.1 need.
    """

    training: Path
    test: Sequence[Sample]
    training_data: Sequence[Path]
    pretrained: Path | None
    out: Path
    train: bool = False


@dataclass(frozen=True)
class Made:
    """The tables that could be made.

    Attributes:
        tables: Tables 1 to 3, in this order.
        sizes: Figure 2's; None without outlined test images.
        others: further comparisons by key; see `tables_training` and `tables_pooling`.
    """

    tables: tuple[Table, ...]
    sizes: Sizes | None
    others: dict[str, Any]


def make_tables(
    recognizer: Recognizer, inputs: TableInputs, say: Callable[[str], None], bar: Bar
) -> Made:
    """Make every table that the inputs allow, and say which are left out and why.

    Raises:
        DataError: an input cannot be used; the message names it.
        MissingExtraError: the extra 'train' is not installed.
    """
    labels = recognizer.labels
    training, known = kept_evidence(inputs.training, labels, recognizer.parameters)
    samples: list[Sample] = []
    if inputs.training_data:
        for path in find_annotation_files(inputs.training_data):
            samples += read_annotations(path, labels).samples
    if inputs.train:
        _train(recognizer, inputs, samples, training, say)
    acted = [s for s in inputs.test if s.action in labels.actions]
    test = []
    if inputs.test:
        with bar("Test images") as advance:
            test = seen_evidence(recognizer, acted, advance)
    with bar("Tables 2 and 3") as advance:
        found = ablate(
            training, test, labels, recognizer.ranker, recognizer.parameters.top,
            known=known, progress=advance,
        )  # fmt: skip
    tables = [table_2(found, labels), table_3(found, labels)]
    sizes = None
    if test:
        methods = {
            "image alone (global)": found["global"]["test"],
            "all but object": found["all but object"]["test"],
            "all": found[ALL]["test"],
        }
        sizes = compare_sizes(acted, labels, methods)
    if not inputs.test:
        say("Table 1, Figure 2 and the test lines are left out: they need --data SET.json.")
    elif inputs.pretrained is None:
        say("Table 1 is left out: it needs ImageNet weights of MobileNetV1, --pretrained FILE.")
    elif not samples:
        say("Table 1 is left out: it needs the training photos, --training-data PATH.")
    else:
        tables.insert(0, _oracle(inputs, samples, acted, recognizer, bar))
    others = _others(inputs, acted, say, bar)
    pooling = inputs.out / POOLING
    if inputs.train or pooling.is_file():
        from fra_live.evaluation.tables_pooling import compare_pooling, kept_or_learned

        with bar("Learned pooling") as advance:
            learned = kept_or_learned(
                pooling, inputs.training, training, samples, labels, recognizer.parameters, advance
            )
        others["pooling"] = compare_pooling(training, learned, labels, recognizer.parameters.top)
    return Made(tuple(tables), sizes, others)


def _oracle(
    inputs: TableInputs,
    samples: Sequence[Sample],
    test: Sequence[Sample],
    recognizer: Recognizer,
    bar: Bar,
) -> Table:
    from fra_live.evaluation.oracle import table_1
    from fra_live.evaluation.probe import backbone

    assert inputs.pretrained is not None
    inputs.out.mkdir(parents=True, exist_ok=True)
    features = backbone(inputs.pretrained)
    with bar("Table 1") as advance:
        return table_1(
            samples, test, recognizer.labels, features, inputs.out / "oracle_features.npz", advance
        )


def _train(
    recognizer: Recognizer,
    inputs: TableInputs,
    samples: Sequence[Sample],
    training: Sequence[Evidence],
    say: Callable[[str], None],
) -> None:
    from fra_live.errors import DataError
    from fra_live.evaluation.tables_pooling import listed
    from fra_live.evaluation.tables_training import train_variants

    if not samples:
        raise DataError("Training for the tables needs the training photos: --training-data PATH.")
    listed(training, samples)  # which would else be found out after the trainings
    folder = inputs.out / NETWORKS
    train_variants(samples, recognizer.labels, folder, pretrained=inputs.pretrained, say=say)


def _others(
    inputs: TableInputs, test: Sequence[Sample], say: Callable[[str], None], bar: Bar
) -> dict[str, Any]:
    from fra_live.evaluation.tables_training import compare_variants

    others: dict[str, Any] = {}
    folder = inputs.out / NETWORKS
    if not any(folder.glob("*.pt")):
        say("Sections 3.1 and 4.1 are left out: --train-tables trains the networks they compare.")
    elif test:
        with bar("Sections 3.1 and 4.1") as advance:
            variants = compare_variants(folder, test, advance)
        if variants is not None:
            others["networks"] = variants
    return others
