"""VGG-16 in torchvision's layout: shapes and weights."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from fra_live.errors import DataError  # noqa: E402
from fra_live.networks.vgg16 import VGG16  # noqa: E402

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


def test_frozen_convolutions() -> None:
    backbone = VGG16(fc_channels=8, frozen_blocks=2)
    trained = [i for i in CONVS if backbone.features[i].weight.requires_grad]
    assert trained == sorted(CONVS)[2:]
