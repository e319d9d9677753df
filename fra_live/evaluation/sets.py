"""What further training sets bring: models trained without them, with each, and with all.

The sets may be partial (COCO annotates drinks, but no faces, hands or cigarettes): the loss takes
what a set did not look for as unknown. Every model is trained by the same recipe and seed and
measured on the same images; what is done already is found again when the command is repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from fra_live.annotations import find_annotation_files, read_annotations, read_training_sets
from fra_live.errors import DataError, SinkError
from fra_live.evaluation.evaluate import judge_all, summarise
from fra_live.evaluation.printing import figure, percent
from fra_live.evaluation.tables_form import Measured, lead
from fra_live.recognizer import load
from fra_live.runtime.bundle import sha256
from fra_live.training.pipeline import Bar, Training
from fra_live.training.recipes import Recipe

ALONE, ALL = "alone", "all"
Shown = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class Variant:
    """One of the models that are compared.

    Attributes:
        name: "alone", the name of a further set, or "all"; its folder too.
        data: the annotation files that it is trained on.
    """

    name: str
    data: tuple[Path, ...]


def variants(data: Sequence[Path], sets: Sequence[Path]) -> list[Variant]:
    """The models to train: without further sets, with each, and with all where there are two.

    Raises:
        DataError: a path does not exist, or a further set is in `data` or given twice.
    """
    base = tuple(find_annotation_files(data))
    found = [Variant(ALONE, base)]
    for path in sets:
        files = tuple(find_annotation_files([path]))
        earlier = [file for variant in found for file in variant.data]
        if {f.resolve() for f in files} & {f.resolve() for f in earlier}:
            raise DataError(f"{path} is given twice; name it once, in --data or in --sets.")
        name, number = path.stem, 2
        while name in (ALONE, ALL, *(v.name for v in found)):
            name, number = f"{path.stem}-{number}", number + 1
        found.append(Variant(name, (*base, *files)))
    if len(sets) > 1:
        further = [file for variant in found[1:] for file in variant.data[len(base) :]]
        found.append(Variant(ALL, (*base, *further)))
    return found


def compare_sets(
    data: Sequence[Path],
    sets: Sequence[Path],
    test: Path,
    folder: Path,
    recipe: Recipe,
    *,
    pretrained: str | Path | None = None,
    seed: int = 0,
    say: Callable[[str], None],
    training_bar: Bar | None = None,
    bar: Shown,
) -> dict[str, Any]:
    """Train and measure every variant that `folder` does not hold yet.

    Args:
        data: what all are trained on: annotation files or folders.
        sets: further ones, each a variant.
        test: annotated images, for measuring alone.
        folder: gets a model for each variant, and sets.json with the figures.
        recipe: of all of them.
        pretrained: what the networks start from.
        seed: of all of them.
        say: told what is trained next.
        training_bar: shows how far features are.
        bar: shows how far measuring is.

    Returns:
        "test", "n", and "models": name → its files and images, `summarise`'s figures, and, but
        for the first, "gain" of mean AP over the first with 95 % "interval" over resampled images.

    Raises:
        DataError: a set cannot be used, or a folder holds a training by another recipe.
        SinkError: the figures cannot be written.
    """
    chosen = variants(data, sets)
    for variant in chosen:  # all of them before the first training: sets are refused in time
        read_training_sets(variant.data)
    models: dict[str, dict[str, Any]] = {}
    first: Measured | None = None
    for number, variant in enumerate(chosen, 1):
        own = folder / variant.name
        if not _trained(own, variant, recipe):
            say(f"training {number} of {len(chosen)}, {variant.name}, into {own}.")
            training = Training(
                variant.data, own, recipe, pretrained=pretrained, seed=seed, bar=training_bar
            )
            training.networks()
            training.ranker()
            training.classifier()
            training.release()
            _note(own, variant)
        with bar(f"Measuring {variant.name}") as advance:
            figures, measured = _measure(own, test, advance)
        entry = {"files": [str(path) for path in variant.data], **figures}
        if first is None:
            first = measured
        else:
            trend = lead(variant.name, test.name, measured, first, seed)
            entry |= {"gain": trend.difference, "interval": list(trend.interval or ())}
        models[variant.name] = entry
    compared = {"test": str(test), "models": models}
    _write(folder / "sets.json", compared)
    return compared


def _names(variant: Variant) -> list[str]:
    return [str(path.resolve()) for path in variant.data]


def _note(folder: Path, variant: Variant) -> None:
    """Keep which files a model was trained on; its manifest names none."""
    _write(folder / "training" / "sets.json", {"files": _names(variant)})


def _trained(folder: Path, variant: Variant, recipe: Recipe) -> bool:
    """Whether a variant's training is complete.

    Raises:
        DataError: it is, but by another recipe or on other files.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        files = json.loads((folder / "training" / "sets.json").read_text(encoding="utf-8"))["files"]
        same = manifest["recipe"] == json.loads(json.dumps(asdict(recipe)))
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} holds no training of ours: {error}; remove it.") from error
    if not same or files != _names(variant):
        raise DataError(
            f"{folder} was trained by another recipe or on other sets; remove it, or give another "
            "folder."
        )
    return True


def _measure(
    folder: Path, test: Path, progress: Callable[[int, int], None]
) -> tuple[dict[str, Any], Measured]:
    """Figures of one model and the scores behind them, kept in its folder."""
    kept = folder / "training" / "measured.json"
    of = [sha256(folder / "manifest.json"), sha256(test)]
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if known.get("of") != of:
        recognizer = load(folder)
        judgements = judge_all(recognizer, read_annotations(test, recognizer.labels), progress)
        acted = [j for j in judgements if j.sample.action in recognizer.labels.actions]
        if not acted:
            raise DataError(f"{test} shows none of the actions, so nothing can be compared on it.")
        names = recognizer.labels.action_names
        figures = summarise(judgements, recognizer.labels, recognizer.threshold)
        known = {
            "of": of,
            "figures": {"images": recognizer.bundle.manifest["trained_on"]["images"], **figures},
            "scores": [[j.scores[name] for name in names] for j in acted],
            "kinds": [names.index(str(j.sample.action)) for j in acted],
        }
        _write(kept, known)
    measured = Measured(np.array(known["scores"], np.float32), np.array(known["kinds"], np.intp))
    return known["figures"], measured


def _write(path: Path, values: Mapping[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SinkError(f"{path} cannot be written: {error.strerror}.") from error


def print_sets(console: Console, compared: Mapping[str, Any]) -> None:
    """A row for each model: its images, mean AP and what that gained, places, alarms, recall."""
    title = f"Measured on {Path(compared['test']).name}"
    shown = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    columns = ("images", "mean AP", "gain", "95 %", "object IoU", "top 1", "false alarms", "recall")
    for name in ("trained on", *columns):
        shown.add_column(name, justify="right" if name in columns else "left")
    for name, row in compared["models"].items():
        gain = interval = ""
        if "gain" in row:
            gain = f"{row['gain']:+.3f}"
            interval = f"{row['interval'][0]:+.3f} to {row['interval'][1]:+.3f}"
        shown.add_row(
            "--data alone" if name == ALONE else f"and {name}", str(row["images"]),
            figure(row["mean_ap"]), gain, interval, figure(row["mean_iou"]),
            percent(row["mean_localisation"]["top1_iou50"]),
            percent(row["none"]["false_alarm_rate"]),
            percent(row["none"]["recall_at_that_threshold"]),
        )  # fmt: skip
    console.print(shown)
