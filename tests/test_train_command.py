"""`fra-live train`: what it refuses, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from fra_live import cli
from tests.tiny import draw_set


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["all", "--epochs", "0"], "--epochs takes 1 or more"),
        (["all", "--sets", "more.json"], "--sets and --test go together"),
        (["all", "--test", "test.json"], "--sets and --test go together"),
        (["ranker", "--sets", "a.json", "--test", "b.json"], "--sets goes with 'all'"),
        (["all", "--recipe", "large"], "invalid choice: 'large'"),
    ],
)
def test_bad_usage(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["train", *options, "--data", "x.json", "--out", "y"])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "source", "said"),
    [
        ("quick", "gone.npz", "gone.npz is no file of weights, and no model: There is no model"),
        ("quick", "torchvision", "torchvision gives weights of VGG-16, and this recipe trains"),
    ],
)
def test_nothing_to_start_from(
    recipe: str, source: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("torch", "sklearn", "onnx", "onnxscript"):
        pytest.importorskip(module)
    data, out = draw_set(tmp_path / "set", 3), tmp_path / "out"
    arguments = ["train", "networks", "--data", str(data), "--out", str(out)]
    assert cli.main([*arguments, "--recipe", recipe, "--pretrained", source]) == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "fra-live" in line)
    assert said in line
    assert not out.exists()
