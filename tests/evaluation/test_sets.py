"""What further sets bring: every variant is trained and measured, once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from rich.console import Console

from fra_live.errors import DataError
from fra_live.evaluation.sets import compare_sets, print_sets, variants
from fra_live.runtime.bundle import load_bundle
from fra_live.training import pipeline
from tests.tiny import LABELS, draw_set, tiny_recipe

RECIPE = replace(tiny_recipe(), folds=0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A set, a further one that annotates phones alone, and one to measure on."""
    folder = tmp_path_factory.mktemp("sets")
    base, further, test = (draw_set(folder / n, c, s) for n, c, s in
                           (("base", 15, 0), ("phones", 4, 1), ("test", 6, 2)))  # fmt: skip
    data = json.loads(further.read_text())
    phone = LABELS.index("phone")
    data["annotations"] = [a for a in data["annotations"] if a["category_id"] == phone]
    data["categories"] = [c for c in data["categories"] if c["id"] == phone]
    for image in data["images"]:
        image |= {"action": None, "action_object": None, "labels_annotated": ["phone"]}
    further = further.rename(further.with_name("phones.json"))
    further.write_text(json.dumps(data))
    return base, further, test


@contextmanager
def silent(_: str) -> Iterator[Any]:
    yield lambda done, total: None


def compared(files: tuple[Path, Path, Path], folder: Path, **changes: Any) -> dict[str, Any]:
    said: list[str] = []
    options: dict[str, Any] = {"recipe": RECIPE, "say": said.append, "bar": silent} | changes
    found = compare_sets([files[0]], [files[1]], files[2], folder, **options)
    return found | {"said": said}


@pytest.fixture(scope="module")
def done(files: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "sets"
    found = compared(files, folder)
    assert [text.split(",")[0] for text in found["said"]] == [
        "training 1 of 2", "training 2 of 2",
    ]  # fmt: skip
    return folder


def test_each_variant_is_a_model_of_its_own(done: Path) -> None:
    found = json.loads((done / "sets.json").read_text())["models"]
    assert list(found) == ["alone", "phones"]
    assert [found[name]["images"] for name in found] == [15, 19]
    for name in found:
        assert load_bundle(done / name).labels == LABELS
        assert 0 <= found[name]["mean_ap"] <= 1
        assert found[name]["n"] == 6
    assert "gain" not in found["alone"]
    ahead = found["phones"]["mean_ap"] - found["alone"]["mean_ap"]
    assert found["phones"]["gain"] == pytest.approx(ahead)
    low, high = found["phones"]["interval"]
    assert low <= high


def test_nothing_is_done_twice(
    files: tuple[Path, Path, Path], done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads((done / "sets.json").read_text())

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("something is done again")

    monkeypatch.setattr(pipeline, "train_networks", fail)
    monkeypatch.setattr("fra_live.evaluation.sets.judge_all", fail)
    again = compared(files, done)
    assert again.pop("said") == []
    assert again == before


def test_another_recipe_is_refused(files: tuple[Path, Path, Path], done: Path) -> None:
    with pytest.raises(DataError, match="alone was trained by another recipe or on other sets"):
        compared(files, done, recipe=replace(RECIPE, refit_rate=0.5))


def test_what_is_printed(done: Path) -> None:
    shown = io.StringIO()
    print_sets(Console(file=shown, width=120), json.loads((done / "sets.json").read_text()))
    lines = [line.strip() for line in shown.getvalue().splitlines()]
    assert lines[0] == "Measured on train.json"
    (row,) = (line for line in lines if "and phones" in line)
    assert "19" in row and " to " in row


def test_variants_are_alone_with_each_and_with_all(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.json", "b.json", "c.json", "x/b.json")]
    (tmp_path / "x").mkdir()
    for path in paths:
        path.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    base, first, second, twin = paths
    assert [(v.name, list(v.data)) for v in variants([base], [first])] == [
        ("alone", [base]), ("b", [base, first]),
    ]  # fmt: skip
    assert [(v.name, list(v.data)) for v in variants([base], [first, second, twin])] == [
        ("alone", [base]), ("b", [base, first]), ("c", [base, second]), ("b-2", [base, twin]),
        ("all", [base, first, second, twin]),
    ]  # fmt: skip
    for sets in ([base], [first, first]):
        with pytest.raises(DataError, match="is given twice"):
            variants([base], sets)
