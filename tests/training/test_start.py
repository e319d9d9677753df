"""Weights to start from: a model's folded norms are unfolded, and stay what they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from fra_live.errors import DataError  # noqa: E402
from fra_live.networks.mobilenet_v1 import MobileNetV1  # noqa: E402
from fra_live.recognizer import Recognizer  # noqa: E402
from fra_live.training.networks import load_network  # noqa: E402
from fra_live.training.recipes import recipe  # noqa: E402
from fra_live.training.start import backbone_of, starting_weights  # noqa: E402
from tests.tiny import scene, tiny_recipe  # noqa: E402

SIZE = 64
IMAGES = [scene("drinking", (SIZE, SIZE), seed)[0] for seed in range(6)]


def no_images() -> Iterator[np.ndarray]:
    raise AssertionError("the statistics are taken again")


def features(backbone: MobileNetV1) -> list[torch.Tensor]:
    pixels = np.stack(IMAGES)[..., ::-1].transpose(0, 3, 1, 2)
    with torch.no_grad():
        found: list[torch.Tensor] = backbone(torch.from_numpy(pixels.astype(np.float32)))
    return found


def test_the_backbone_of_a_model_sees_what_it_saw_before_the_export(tiny_model: Path) -> None:
    backbone = backbone_of(tiny_model, IMAGES, SIZE)
    trained = load_network(tiny_model / "training" / "coarse.pt")[0].backbone
    for here, there in zip(features(backbone), features(trained), strict=True):
        torch.testing.assert_close(here, there, atol=2e-3, rtol=1e-3)


def test_training_can_go_on_with_its_norms(tiny_model: Path) -> None:
    backbone = backbone_of(tiny_model, IMAGES, SIZE)
    still = features(backbone)
    # With the statistics of these very images, norms in training do what they do at rest.
    for here, there in zip(features(backbone.train()), still, strict=True):
        torch.testing.assert_close(here, there, atol=2e-3, rtol=1e-2)


def test_a_models_weights_are_kept_for_a_resumption(tiny_model: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    path = starting_weights(tiny_model, tiny_recipe(), run, lambda: IMAGES)
    assert path.parent == run
    loaded = MobileNetV1().eval()
    loaded.load_imagenet(path)
    for here, there in zip(
        features(loaded), features(backbone_of(tiny_model, IMAGES, SIZE)), strict=True
    ):
        torch.testing.assert_close(here, there)
    assert starting_weights(tiny_model, tiny_recipe(), run, no_images) == path
    assert [p.name for p in run.iterdir()] == [path.name]


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.touch()
    assert starting_weights(path, tiny_recipe(), tmp_path / "run", no_images) == path
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        ("gone.npz", "mobile", r"gone\.npz is no file of weights, and no model: There is no model"),
        ("torchvision", "quick", "torchvision gives weights of VGG-16, and this recipe trains"),
        ("tiny", "vgg16", "cannot start VGG-16: give a file of torchvision's weights"),
    ],
)
def test_what_does_not_suit_the_recipe(
    source: str, name: str, said: str, tiny_model: Path, tmp_path: Path
) -> None:
    given = str(tiny_model) if source == "tiny" else source
    with pytest.raises(DataError, match=said):
        starting_weights(given, recipe(name), tmp_path, no_images)


def test_a_model_of_other_networks(colours: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no networks over MobileNetV1"):
        starting_weights(colours.bundle.folder, tiny_recipe(), tmp_path, lambda: IMAGES)
