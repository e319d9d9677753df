"""Training of one network: it resumes, it reproduces, and it stops where it must."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from fra_live.annotations import read_training_sets  # noqa: E402
from fra_live.errors import DataError  # noqa: E402
from fra_live.labels import LabelSet  # noqa: E402
from fra_live.training import networks  # noqa: E402
from fra_live.training.images import TrainingImage, load_images  # noqa: E402
from fra_live.training.networks import load_network, train_network  # noqa: E402
from fra_live.training.recipes import NetworkRecipe  # noqa: E402
from fra_live.training.run import new_network  # noqa: E402
from tests.tiny import LABELS, draw_set  # noqa: E402

RECIPE = NetworkRecipe("decoder_mobilenet_v1", size=64, epochs=2, batch=4)
STEPS = 2  # an epoch: eight images in fours


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingImage]:
    """Eight drawn images."""
    data = draw_set(tmp_path_factory.mktemp("networks") / "set", count=8)
    return load_images(read_training_sets([data]).samples, LABELS)


def train(
    images: list[TrainingImage], folder: Path, seed: int = 0, **options: Any
) -> dict[str, Any]:
    """Weights after training Net_coarse as `RECIPE` says."""
    recipe = options.pop("recipe", RECIPE)
    labels = options.pop("labels", LABELS)
    network = new_network(recipe, labels, "coarse", None, seed)
    return train_network("coarse", images, labels, recipe, network, folder, seed=seed).state_dict()


def equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(torch.equal(a[k], b[k]) for k in a)


class Interrupt:
    """Lets the real losses be computed, and does something at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, what: str) -> None:
        self.real, self.calls, self.at, self.what = networks._losses, 0, at, what
        monkeypatch.setattr(networks, "_losses", self)

    def __call__(self, network: Any, *args: Any) -> Any:
        segmentation, overlap, action = self.real(network, *args)
        self.calls += 1
        if self.calls == self.at:
            if self.what == "kill":
                raise KeyboardInterrupt
            if self.what == "loss":
                return segmentation * float("nan"), overlap, action
            if self.what == "slope":  # a loss that is sound, with a slope that is not
                nought = network.action.bias[0] - network.action.bias[0].detach()
                return segmentation + torch.sqrt(nought), overlap, action
        return segmentation, overlap, action


def test_a_killed_training_goes_on_to_the_same_weights(
    images: list[TrainingImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = train(images, tmp_path / "through")
    assert not (tmp_path / "through" / "coarse.checkpoint").exists()
    with monkeypatch.context() as patched:
        Interrupt(patched, STEPS + 1, "kill")
        with pytest.raises(KeyboardInterrupt):
            train(images, tmp_path / "killed")
    assert (tmp_path / "killed" / "coarse.checkpoint").exists()
    assert not (tmp_path / "killed" / "coarse.pt").exists()
    with monkeypatch.context() as patched:
        counter = Interrupt(patched, -1, "nothing")
        resumed = train(images, tmp_path / "killed")
    assert counter.calls == STEPS  # the second epoch alone
    assert equal(through, resumed)

    # what is finished is taken as it is
    with monkeypatch.context() as patched:
        counter = Interrupt(patched, -1, "nothing")
        assert equal(train(images, tmp_path / "killed"), through)
    assert counter.calls == 0
    # and another seed gives other weights
    assert not equal(train(images, tmp_path / "other", seed=1), through)


@pytest.mark.parametrize("what", ["loss", "slope"])
def test_a_loss_that_is_no_number_stops_the_training_and_keeps_the_checkpoint(
    images: list[TrainingImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    Interrupt(monkeypatch, STEPS + 2, what)
    with pytest.raises(DataError, match=r"loss of Net_coarse is no number .* epoch 2") as caught:
        train(images, tmp_path)
    assert "coarse.checkpoint" in str(caught.value)
    assert "lower the learning rate" in str(caught.value)
    saved = torch.load(tmp_path / "coarse.checkpoint", weights_only=True)
    assert saved["epoch"] == 1
    assert all(torch.isfinite(v).all() for v in saved["network"].values())
    assert not (tmp_path / "coarse.pt").exists()


def test_other_labels_in_the_same_folder(images: list[TrainingImage], tmp_path: Path) -> None:
    one = replace(RECIPE, epochs=1)
    train(images, tmp_path, recipe=one)
    other = LabelSet(LABELS.names, LABELS.body_parts, dict(reversed(LABELS.actions.items())))
    with pytest.raises(DataError, match=r"coarse\.pt was trained with other labels or actions"):
        train(images, tmp_path, recipe=one, labels=other)


def test_a_damaged_checkpoint(images: list[TrainingImage], tmp_path: Path) -> None:
    (tmp_path / "coarse.checkpoint").write_bytes(b"half a checkpoint")
    with pytest.raises(DataError, match=r"coarse\.checkpoint cannot be read: .*remove it"):
        train(images, tmp_path)


def test_a_network_comes_back_from_its_file(images: list[TrainingImage], tmp_path: Path) -> None:
    weights = train(images, tmp_path, recipe=replace(RECIPE, epochs=1))
    network, labels, recipe = load_network(tmp_path / "coarse.pt")
    assert labels == LABELS
    assert recipe == replace(RECIPE, epochs=1)
    assert not network.training
    assert equal(network.state_dict(), weights)


@pytest.mark.parametrize("case", ["missing", "text", "another file"])
def test_files_that_are_no_network(tmp_path: Path, case: str) -> None:
    path = tmp_path / "coarse.pt"
    if case == "text":
        path.write_text("weights")
    elif case == "another file":
        torch.save({"weights": {}}, path)
    with pytest.raises(DataError, match=r"coarse\.pt is no trained network of fra_live"):
        load_network(path)


def test_the_rate_rises_and_falls() -> None:
    rates = [networks._one_cycle(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0.01 <= rates[-1] < 0.02
