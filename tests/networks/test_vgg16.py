"""VGG-16 in torchvision's layout: shapes and weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from fra_live.errors import DataError  # noqa: E402
from fra_live.networks.vgg16 import VGG16, torchvision_weights  # noqa: E402

# torchvision's indices of the convolutions in `features`, with their channels
CONVS = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256, 17: 512, 19: 512, 21: 512,
         24: 512, 26: 512, 28: 512}  # fmt: skip


def state_dict() -> dict[str, torch.Tensor]:
    """torchvision's names and shapes, with values that cost nothing."""
    state, c_in = {}, 3
    for index, c_out in CONVS.items():
        state[f"features.{index}.weight"] = torch.full((c_out, c_in, 3, 3), 0.01 * (index + 1))
        state[f"features.{index}.bias"] = torch.full((c_out,), float(index))
        c_in = c_out
    return state


def test_shapes_at_pool3_pool4_and_fc7() -> None:
    backbone = VGG16(fc_channels=8).eval()
    with torch.inference_mode():
        features = backbone(torch.zeros(1, 3, 32, 64))
    assert [tuple(f.shape) for f in features] == [(1, 256, 4, 8), (1, 512, 2, 4), (1, 8, 1, 2)]


def test_the_layout_is_torchvisions() -> None:
    names = {n for n, _ in VGG16(fc_channels=8).features.named_parameters()}
    assert names == {f"{i}.{part}" for i in CONVS for part in ("weight", "bias")}


def test_the_input_is_standardised() -> None:
    backbone = VGG16(fc_channels=8)
    mean = torch.tensor([0.485, 0.456, 0.406]) * 255
    assert backbone.mean.flatten().tolist() == pytest.approx(mean.tolist())
    assert backbone.std.flatten().tolist() == pytest.approx([58.395, 57.12, 57.375])


def test_convolutions_are_loaded_and_narrow_fc_layers_kept(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    torch.save(state_dict(), path)
    backbone = VGG16(fc_channels=8)
    before = backbone.fc6.weight.clone()
    backbone.load_imagenet(path)
    assert float(backbone.features[28].weight.detach()[0, 0, 0, 0]) == pytest.approx(0.29)
    assert float(backbone.features[5].bias[0]) == 5.0
    assert torch.equal(backbone.fc6.weight, before)


@pytest.mark.parametrize("case", ["missing", "text", "an array is missing"])
def test_other_files(tmp_path: Path, case: str) -> None:
    path = tmp_path / "vgg.pth"
    if case == "text":
        path.write_text("weights")
    elif case == "an array is missing":
        state = state_dict()
        del state["features.10.weight"]
        torch.save(state, path)
    with pytest.raises(DataError, match=r"vgg\.pth"):
        VGG16(fc_channels=8).load_imagenet(path)


def test_signals_of_random_weights_reach_fc7() -> None:
    torch.manual_seed(0)
    backbone = VGG16(fc_channels=64).eval()
    pixels = 255 * torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        last = backbone(pixels)[-1]
    assert float(last.std()) < 1000
    assert float((last[0] - last[1]).abs().mean()) > 1e-4  # torch's own start leaves 1e-8


def test_frozen_convolutions() -> None:
    backbone = VGG16(fc_channels=8, frozen_blocks=2)
    trained = [i for i in CONVS if backbone.features[i].weight.requires_grad]
    assert trained == sorted(CONVS)[2:]


def test_fc6_of_a_crop_is_the_fully_connected_layer() -> None:
    backbone = VGG16(fc_channels=8).eval()
    pixels = 255 * torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        found = backbone.fc6_features(pixels)
        pool5 = backbone.features((pixels - backbone.mean) / backbone.std).flatten(1)
        weight, bias = backbone.fc6.weight.flatten(1), backbone.fc6.bias
        expected = torch.nn.functional.linear(pool5, weight, bias).relu()
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert found.shape == (1, 8)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that can be downloaded, its checksum in its name; torch's cache is empty."""
    pytest.importorskip("torchvision")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    checksum = hashlib.sha256(b"weights").hexdigest()
    path = tmp_path / f"vgg16-{checksum[:8]}.pth"
    path.write_bytes(b"weights")
    return path


def test_weights_are_downloaded_once(served: Path, tmp_path: Path) -> None:
    path = torchvision_weights(served.as_uri())
    assert path.read_bytes() == b"weights"
    assert path.is_relative_to(tmp_path / "cache")
    served.unlink()
    assert torchvision_weights(served.as_uri()) == path


def test_a_download_that_fails_names_the_address_and_what_to_do(served: Path) -> None:
    url = "http://127.0.0.1:9/" + served.name  # nothing listens there
    with pytest.raises(DataError, match=r"from http://127.0.0.1:9/vgg16-\w+\.pth: .*--pretrained"):
        torchvision_weights(url)


def test_a_download_that_was_altered_is_not_kept(served: Path, tmp_path: Path) -> None:
    served.write_bytes(b"other weights")
    with pytest.raises(DataError, match="cannot be downloaded"):
        torchvision_weights(served.as_uri())
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
