"""The paper's own features, as far as they can be had without VGG-16's weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from fra_live.evaluation.fc6 import fc6, main, paper_table  # noqa: E402
from fra_live.networks.vgg16 import VGG16  # noqa: E402
from tests.tiny import draw_set  # noqa: E402


def test_fc6_of_crops_is_that_of_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "vgg16.pth"
    source = VGG16(fc_channels=4).eval()
    torch.save({f"features.{k}": v for k, v in source.features.state_dict().items()}, path)
    torch.manual_seed(1)
    features = fc6(path, width=4)
    crop = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8)
    found = features(crop)
    assert found.shape == (1, 4) and found.dtype == np.float32 and (found >= 0).all()
    torch.manual_seed(1)
    again = VGG16(fc_channels=4).eval()  # its fc6 starts alike; the convolutions come from the file
    again.load_imagenet(path)
    rgb = torch.from_numpy(crop[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        expected = again.fc6_features(rgb).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_table_of_a_folder(tmp_path: Path) -> None:
    draw_set(tmp_path / "data", 18)
    made = draw_set(tmp_path / "more", 18, seed=1)
    (tmp_path / "data" / "test.json").write_text(
        made.read_text().replace('"file_name": "', '"file_name": "../../more/images/')
    )

    def colours(images: np.ndarray) -> np.ndarray:
        """The mean colour: enough to tell blue cups from green phones."""
        return np.asarray(images.mean(axis=(1, 2)), np.float32)

    table = paper_table(tmp_path / "data", colours, tmp_path / "kept.npz")
    assert table.key == "table1"
    assert table.rows[-1].figures["test"]["mean"] == pytest.approx(1, abs=0.05)
    assert (tmp_path / "kept.npz").is_file()


def test_weights_that_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / "gone.pth"
    assert main(["--data", str(tmp_path), "--pretrained", str(gone)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"fc6: VGG-16 weights cannot be read from {gone}")
    assert len(said.splitlines()) == 1
