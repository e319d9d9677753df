"""The paper's tables: blocks that tell the actions by hand, and the command on the drawn world."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("sklearn")
pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from fra_live import cli
from fra_live.annotations import read_training_sets
from fra_live.errors import DataError
from fra_live.evaluation import tables_paper
from fra_live.evaluation.oracle import ROWS
from fra_live.evaluation.tables import ablate, rows_of_blocks, table_2, table_3
from fra_live.evaluation.tables_evidence import kept_evidence, seen_evidence
from fra_live.evaluation.tables_form import Measured, Row, Table, Trend, lead
from fra_live.evaluation.tables_output import as_csv, print_tables
from fra_live.recognizer import Recognizer
from fra_live.samples import Sample
from fra_live.stages.features import BLOCKS, block_slices
from fra_live.training.evidence import Evidence, collect
from tests.tiny import LABELS, PARAMETERS, colour_segmenter

# ---- the paper's figures ----


@pytest.mark.parametrize("name", ["table1", "table2", "table3"])
def test_the_papers_means_are_those_of_its_actions(name: str) -> None:
    for row, figures in tables_paper.TABLES[name].items():
        # Printed to two or three digits; a slip of a digit anywhere moves the mean further.
        assert abs(np.mean(figures[1:]) - figures[0]) < 0.011, row


def test_the_papers_figures_stand_beside_its_own_actions_only() -> None:
    order = ("phoning", "smoking", "drinking", "blowing_bubbles", "brushing_teeth")
    found = tables_paper.printed("table2", "all", order)
    assert found is not None
    assert list(found.items())[:3] == [("mean", 0.865), ("phoning", 0.868), ("smoking", 0.910)]
    assert tables_paper.printed("table2", "all", LABELS.action_names) is None
    assert tables_paper.printed("table2", "no such row", order) is None


def test_every_block_is_left_out_once_and_alone_once() -> None:
    rows = rows_of_blocks()
    for block in BLOCKS:
        assert rows[block] == (block,)
        assert set(rows[f"all but {block}"]) == set(BLOCKS) - {block}
    assert set(tables_paper.TABLE_2) | set(tables_paper.TABLE_3) <= rows.keys()
    assert tables_paper.TABLE_1.keys() == ROWS.keys()


# ---- trends and forms ----


def measured(right: int, count: int = 40) -> Measured:
    """Scores that name `right` of `count` images of two actions, and mislead on the others."""
    kinds = np.arange(count) % 2
    sign = np.where(np.arange(count) < right, 1.0, -1.0)
    scores = np.stack([np.where(kinds == 0, sign, -sign), np.where(kinds == 1, sign, -sign)], 1)
    return Measured(scores, kinds)


def test_trends_know_their_noise() -> None:
    clear = lead("a beats b", "test", measured(40), measured(20))
    assert clear.difference > 0.2 and clear.verdict == "holds"
    against = lead("a beats b", "test", measured(20), measured(40))
    assert against.verdict == "does not hold"
    same = lead("a beats b", "test", measured(38), measured(39))
    assert same.verdict == "does not hold, within the noise"
    assert lead("", "", measured(30), measured(20)) == lead("", "", measured(30), measured(20))


def test_images_that_count_once_are_measured_as_they_are() -> None:
    rng = np.random.default_rng(0)
    found = Measured(rng.integers(0, 5, (30, 3)).astype(float), rng.integers(0, 3, 30))  # with ties
    twice = Measured(np.repeat(found.scores, 2, axis=0), np.repeat(found.kinds, 2))
    weights = np.stack([np.ones(30), np.full(30, 2)])
    expected = [np.mean(found.ap()), np.mean(twice.ap())]
    np.testing.assert_allclose(found.resampled(weights), expected)


def test_an_action_without_images_has_no_figure() -> None:
    found = Measured(np.zeros((3, 2)), np.zeros(3, int)).figures(("a", "b"))
    assert found == {"mean": 1.0, "a": 1.0, "b": None}


def test_a_table_on_a_terminal_and_as_csv() -> None:
    actions = tables_paper.ACTIONS
    figures = {"mean": 0.5, **dict.fromkeys(actions, 0.5), "smoking": None}
    trend = Trend("a beats b", "test", 0.1, (-0.1, 0.3))
    table = Table("table3", "Table 3", actions, (Row("face", {"test": figures}),), (trend,))
    rows = list(csv.reader(StringIO(as_csv(table))))
    assert rows[0] == ["row", "source", "mean_ap", *actions]
    assert rows[1][:4] == ["face", "paper", "0.6990", "0.6580"]
    assert rows[2][:5] == ["face", "test", "0.5000", "0.5000", ""]
    console = Console(file=StringIO(), width=120)
    print_tables(console, [table])
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert ".699" in shown and "✓ a beats b: holds, within the noise (test: +0.100" in shown
    json.dumps(table.to_dict(), allow_nan=False)


# ---- Tables 2 and 3 ----


@pytest.fixture(scope="module")
def evidence(tiny_set: Path) -> Sequence[Evidence]:
    segmenter = colour_segmenter()
    return collect(read_training_sets([tiny_set]).samples, lambda _: segmenter, LABELS)


def only_in(block: str, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The same images, told apart by nothing but one block."""
    place = block_slices(LABELS)[block]
    changed = []
    for item in evidence:
        alone, features = np.zeros_like(item.alone), np.zeros_like(item.features)
        alone[:, place.start + item.action] = features[:, place.start + item.action] = 1.0
        changed.append(
            replace(
                item, alone=alone, features=features, context=np.zeros_like(item.context),
                ranking=np.zeros_like(item.ranking),
                channels=np.full_like(item.channels, LABELS.object_channels[0]),
            )
        )  # fmt: skip
    return changed


def test_the_block_that_tells_the_actions_is_found(
    evidence: Sequence[Evidence], colours: Recognizer
) -> None:
    told = only_in("global", evidence)
    steps: list[tuple[int, int]] = []
    found = ablate(
        told, told, LABELS, colours.ranker, PARAMETERS.top,
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    assert steps[-1] == (len(found), len(found))
    for place in ("held out", "test"):
        assert np.mean(found["global"][place].ap()) == 1.0
        assert np.mean(found["all but global"][place].ap()) < 0.9
        assert np.mean(found["face"][place].ap()) < 0.9
        assert len(found["face"][place].kinds) == 16  # images of no action are not measured
    second, third = table_2(found, LABELS), table_3(found, LABELS)
    assert [row.name for row in third.rows][:5] == list(tables_paper.TABLE_3)
    verdicts = {t.claim.split(" (")[0]: t.verdict for t in third.trends if t.measured_on == "test"}
    assert verdicts["object features are the best single ones"] == "does not hold"
    assert len(second.trends) == 6
    assert all(math.isfinite(t.difference) for t in (*second.trends, *third.trends))


def test_without_a_test_set_heads_are_held_out(
    evidence: Sequence[Evidence], colours: Recognizer
) -> None:
    found = ablate(evidence, [], LABELS, colours.ranker, PARAMETERS.top)
    assert all(set(row) == {"held out"} for row in found.values())
    assert np.mean(found["object"]["held out"].ap()) > 0.9  # colours are right by construction
    with pytest.raises(DataError, match="fewer than two images of 'phoning'"):
        ablate([e for e in evidence if e.action != 1], [], LABELS, colours.ranker, 3)


def test_evidence_is_read_as_it_was_kept(tiny_model: Path) -> None:
    both = kept_evidence(tiny_model / "training", LABELS, PARAMETERS)
    for found, name in zip(both, ("evidence.npz", "evidence_known.npz"), strict=True):
        with np.load(tiny_model / "training" / name) as archive:
            assert [len(e.channels) for e in found] == archive["counts"].tolist()
            assert np.array_equal(np.concatenate([e.features for e in found]), archive["features"])
            assert [e.action for e in found] == archive["action"].tolist()


def test_evidence_of_another_model_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"evidence\.npz does not exist.*--training"):
        kept_evidence(tmp_path, LABELS, PARAMETERS)
    (tmp_path / "evidence.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(DataError, match=r"evidence\.npz holds no evidence"):
        kept_evidence(tmp_path, LABELS, PARAMETERS)
    fewer = replace(LABELS, names=LABELS.names[:4], actions={"drinking": "drink"})
    with pytest.raises(DataError, match="other labels"):
        kept_evidence(tiny_model / "training", fewer, PARAMETERS)


def test_a_test_set_without_actions_is_refused(colours: Recognizer) -> None:
    nobody = Sample(Path("a.png"), 10, 10, "none", frozenset(), ())
    with pytest.raises(DataError, match="shows none of the model's actions"):
        seen_evidence(colours, [nobody])


# ---- the command ----


def test_the_command_makes_what_it_can_and_says_what_is_missing(
    tiny_model: Path, tiny_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(tiny_model), "--precision", "f32", "--threads", "1"]
    out, target = tmp_path / "out", tmp_path / "figures.json"
    arguments = ["evaluate", "--tables", str(out), "--data", str(tiny_set), *model]
    assert cli.main([*arguments, "--json", str(target)]) == 0
    shown = capsys.readouterr()
    assert "Table 2: all features but one" in shown.out and "Table 3" in shown.out
    assert "Table 1 is left out" in shown.err and "--pretrained" in shown.err
    assert "--train-tables" in shown.err
    figures = json.loads(target.read_text())
    kept = json.loads((out / "tables.json").read_text())
    assert figures["tables"] == kept and figures["n"] == 24
    # The same networks and heads as the model that ships give the same figure.
    assert kept["table2"]["rows"]["all"]["test"]["mean"] == pytest.approx(figures["mean_ap"])
    assert {p.name for p in out.iterdir()} == {
        "tables.json", "table2.csv", "table3.csv", "figure2.png",
    }  # fmt: skip


def test_tables_without_data_are_held_out(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--tables", str(tmp_path / "out"), "--json", "-", "--model", str(tiny_model)]
    assert cli.main(["evaluate", *arguments, "--threads", "1"]) == 0
    shown = capsys.readouterr()
    rows = json.loads(shown.out)["tables"]["table3"]["rows"]
    assert set(rows["face"]) == {"held out"}
    assert "they need --data" in shown.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "x", "--training", "y"], "--training goes with --tables"),
        (["--data", "x", "--train-tables"], "--train-tables goes with --tables"),
        (["--clip", "a.mp4", "b.mp4", "--truth", "a.json"], "2 clips, but 1 files"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["evaluate", *arguments])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_training_for_the_tables_needs_photos(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(tiny_model), "--threads", "1"]
    arguments = ["evaluate", "--tables", str(tmp_path / "out"), "--train-tables", *model]
    assert cli.main(arguments) == 1
    assert "--training-data" in capsys.readouterr().err


def test_photos_that_are_missing_are_told_before_hours_of_training(
    tiny_model: Path, tiny_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = json.loads(tiny_set.read_text())
    whole["images"] = whole["images"][1:]
    kept = {image["id"] for image in whole["images"]}
    whole["annotations"] = [a for a in whole["annotations"] if a["image_id"] in kept]
    part = tiny_set.with_name("part.json")
    part.write_text(json.dumps(whole))
    arguments = ["--train-tables", "--training-data", str(part), "--model", str(tiny_model)]
    try:
        out = tmp_path / "out"
        assert cli.main(["evaluate", "--tables", str(out), *arguments, "--threads", "1"]) == 1
    finally:
        part.unlink()
    assert "which --training-data does not list" in capsys.readouterr().err
    assert not (out / "networks").exists()


def test_true_times_may_lie_elsewhere(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from fra_live.video.sinks import VideoSink

    clip, truth = tmp_path / "clip.mp4", tmp_path / "elsewhere.json"
    with VideoSink(clip, (96, 128), 8) as sink:
        for index in range(4):
            sink.write(np.full((96, 128, 3), 60, np.uint8), index / 8)
    truth.write_text("[]")
    model = ["--model", str(tiny_model), "--threads", "1", "--json", "-"]
    assert cli.main(["evaluate", "--clip", str(clip), "--truth", str(truth), *model]) == 0
    assert json.loads(capsys.readouterr().out)["clips"][0]["n"] == 0
