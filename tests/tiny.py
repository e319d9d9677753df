"""A world small enough for tests: discs are faces, coloured rectangles are objects.

`draw_set` makes an annotated set of it, `ColourEngine` is a network that is right about it by
construction, and `tiny_bundle` trains a complete model on it through the real functions.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.recognizer import Recognizer
from fra_live.runtime.bundle import load_bundle, sha256
from fra_live.runtime.engine import EngineChoice
from fra_live.segmenter import Segmenter

if TYPE_CHECKING:
    from fra_live.training.recipes import Recipe

LABELS = LabelSet(
    ("background", "face", "hand", "drink", "phone"),
    ("face", "hand"),
    {"drinking": "drink", "phoning": "phone"},
)
ACTIONS = ("drinking", "phoning", "none")
# BGR of every channel
COLOURS = np.array(
    [(60, 60, 60), (150, 190, 240), (230, 20, 220), (210, 90, 20), (70, 190, 60)], np.float32
)
SIZES = ((96, 128), (128, 96))  # (H, W) of the images, in turn
PARAMETERS = replace(Parameters(), coarse_size=96, fine_size=64, map_size=64)


def _disc(x: float, y: float, radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])


def _rectangle(x: float, y: float, w: float, h: float) -> np.ndarray:
    corners = [(x - w / 2, y - h / 2), (x + w / 2, y - h / 2)]
    return np.array([*corners, (x + w / 2, y + h / 2), (x - w / 2, y + h / 2)])


def scene(action: str, shape: tuple[int, int], seed: int) -> tuple[np.ndarray, list[Any]]:
    """Draw one person: a cup below the face is drinking, a phone beside it is phoning.

    Returns:
        (H, W, 3) uint8 BGR and the outlined things as pairs of label and (N, 2) polygon.
    """
    rng = np.random.default_rng(seed)
    height, width = shape
    x, y = width * rng.uniform(0.4, 0.6), height * rng.uniform(0.35, 0.45)
    radius = rng.uniform(15, 20)
    things = [("face", _disc(x, y, radius))]
    if action == "drinking":
        things += [("hand", _disc(x + 8, y + 1.5 * radius, 7))]
        things += [("drink", _rectangle(x, y + 1.2 * radius, 12, 16))]
    elif action == "phoning":
        side = rng.choice([-1, 1])
        things += [("hand", _disc(x + side * 1.5 * radius, y + 8, 7))]
        things += [("phone", _rectangle(x + side * 1.2 * radius, y, 10, 18))]
    image = np.full((*shape, 3), COLOURS[0], np.float32)
    for name, polygon in things:
        colour = COLOURS[LABELS.index(name)].tolist()
        cv2.fillPoly(image, [np.round(polygon).astype(np.int32)], colour)
    image += rng.normal(0, 6, image.shape)
    return image.clip(0, 255).astype(np.uint8), things


def draw_set(folder: Path, count: int = 24, seed: int = 0) -> Path:
    """Draw `count` images, the actions in turn, and write their COCO JSON.

    Returns:
        `folder`/train.json; the images lie in `folder`/images.
    """
    (folder / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        action = ACTIONS[number % len(ACTIONS)]
        shape = SIZES[number % len(SIZES)]
        image, things = scene(action, shape, seed * 1000 + number)
        name = f"{number:03}.png"
        cv2.imwrite(str(folder / "images" / name), image)
        images.append({
            "id": number, "file_name": name, "height": shape[0], "width": shape[1],
            "action": action, "action_object": LABELS.actions.get(action),
            "labels_annotated": list(LABELS.names[1:]),
        })  # fmt: skip
        for label, polygon in things:
            annotations.append({
                "id": len(annotations) + 1, "image_id": number,
                "category_id": LABELS.index(label), "segmentation": [polygon.ravel().tolist()],
            })  # fmt: skip
    categories = [{"id": i, "name": name} for i, name in enumerate(LABELS.names) if i]
    path = folder / "train.json"
    data = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


class ColourEngine:
    """An engine of fra_live that reads labels off colours; see `Engine`.

    Its action logits tell drinking, phoning and none by the share of blue and green px.
    """

    def __init__(self, stride: int = 4) -> None:
        self.stride = stride
        self.batches: list[tuple[int, ...]] = []

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, H, W, 3) uint8 → (N, |L|, H / s, W / s) and (N, A + 1), both float32."""
        assert images.dtype == np.uint8
        assert images.shape[1] % 32 == images.shape[2] % 32 == 0
        assert images.flags.c_contiguous
        self.batches.append(images.shape)
        small = np.stack([
            cv2.resize(i, None, fx=1 / self.stride, fy=1 / self.stride,
                       interpolation=cv2.INTER_AREA)
            for i in images
        ]).astype(np.float32)  # fmt: skip
        distance = np.linalg.norm(small[:, None] - COLOURS[None, :, None, None], axis=-1)
        exp = np.exp(-distance / 12)
        probabilities = (exp / exp.sum(axis=1, keepdims=True)).astype(np.float32)
        share = probabilities[:, list(LABELS.object_channels)].mean(axis=(2, 3))
        none = np.full((len(images), 1), 0.005, np.float32)
        return probabilities, np.log(np.concatenate([share, none], axis=1) + 1e-4)


def colour_segmenter() -> Segmenter:
    """Steps 1 to 5 with colour engines, Net_fine twice as fine as Net_coarse."""
    return Segmenter(ColourEngine(8), ColourEngine(4), LABELS, PARAMETERS)


def colour_recognizer(data: Path, folder: Path) -> Recognizer:
    """Colour engines with heads that are trained on `data` and kept in the bundle `folder`."""
    from fra_live.annotations import read_training_sets
    from fra_live.training.evidence import collect
    from fra_live.training.heads import train_classifier, train_ranker

    samples = read_training_sets([data]).samples
    segmenter = colour_segmenter()
    evidence = collect(samples, lambda _: segmenter, LABELS)
    ranker = train_ranker(evidence, LABELS)
    classifier, threshold, _ = train_classifier(evidence, LABELS, PARAMETERS.top)
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "heads.npz", **ranker.to_arrays(), **classifier.to_arrays())
    files = {"coarse": "coarse.onnx", "fine": "fine.onnx", "heads": "heads.npz"}
    for network in ("coarse", "fine"):
        (folder / files[network]).touch()
    manifest = {
        "format": 1,
        "name": "colours",
        "labels": LABELS.to_dict(),
        "parameters": asdict(PARAMETERS),
        "threshold": threshold,
        "parts": {n: {"file": f, "sha256": sha256(folder / f)} for n, f in files.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return with_colour_engines(folder)


def with_colour_engines(folder: Path) -> Recognizer:
    """The recognizer of a bundle, its networks replaced by colour engines."""
    engines = EngineChoice(ColourEngine(8), ColourEngine(4), "colours", "f32", "for tests")
    return Recognizer(load_bundle(folder), engines)


def tiny_recipe(**changes: Any) -> Recipe:
    """Both networks at 64 px for one epoch; `changes` go to both."""
    from fra_live.training.recipes import NetworkRecipe, Recipe

    values = {"builder": "decoder_mobilenet_v1", "size": 64, "epochs": 1, "batch": 8} | changes
    return Recipe(NetworkRecipe(**values), NetworkRecipe(**values), folds=2)


def tiny_bundle(data: Path, folder: Path, recipe: Recipe | None = None) -> Path:
    """Train a model on `data` from random weights, heads and all; returns `folder`."""
    from fra_live.training.pipeline import Training

    training = Training([data], folder, recipe or tiny_recipe())
    training.networks()
    training.ranker()
    training.classifier()
    return training.release()
