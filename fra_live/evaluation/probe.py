"""The floor: a linear SVM on ImageNet features of the whole image and of the face box.

It uses nothing of the method: no segmentation, no windows, no candidates. A pipeline that does
not beat it has a mistake in it, and evaluation code that does not reproduce it has one too.
Run it as `python -m fra_live.evaluation.probe --data DIR --pretrained NPZ`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fra_live.annotations import Sample, read_annotations
from fra_live.errors import DataError, FraLiveError, MissingExtraError
from fra_live.evaluation.evaluate import read_image
from fra_live.evaluation.metrics import average_precision
from fra_live.labels import LabelSet

SIDE = 224  # px, the backbone's own input size
FACE_SCALE = 2.0  # section 2, "extended face bounding box scaled to 2x"
COSTS = (1.0, 3.0, 10.0, 30.0, 100.0)  # C of the SVM, chosen inside the training set
FOLDS = 5
PARTS = {"image": ("image",), "face": ("face",), "image and face": ("image", "face")}

Features = Callable[[np.ndarray], np.ndarray]


def face_crop(image: np.ndarray, sample: Sample) -> np.ndarray:
    """The square of twice the largest face's box, grey beyond the borders.

    Args:
        image: (H, W, 3) uint8.
        sample: its annotation.

    Returns:
        (h, h, 3) uint8; the whole image where no face is annotated.
    """
    boxes = sample.boxes("face")
    if not boxes:
        return image
    scale = image.shape[1] / sample.width
    x0, y0, x1, y1 = max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
    side = max(2, round(FACE_SCALE * max(x1 - x0, y1 - y0) * scale))
    left = round((x0 + x1) / 2 * scale - side / 2)
    top = round((y0 + y1) / 2 * scale - side / 2)
    canvas = np.full((side, side, 3), 127, np.uint8)
    inside = image[max(top, 0) : top + side, max(left, 0) : left + side]
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return canvas


def backbone(pretrained: Path) -> Features:
    """MobileNetV1 as a function from (N, 224, 224, 3) uint8 BGR to (N, 1024) float32.

    The features of the last map (stride 32), averaged over the image.

    Raises:
        MissingExtraError: torch is not installed.
        DataError: the weights cannot be read.
    """
    if not pretrained.is_file():
        raise DataError(f"{pretrained} does not exist; give MobileNetV1's weights as an npz file.")
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("The probe", "train") from error
    from fra_live.networks.mobilenet_v1 import MobileNetV1

    network = MobileNetV1().eval()
    network.load_imagenet(pretrained)

    def run(images: np.ndarray) -> np.ndarray:
        rgb = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2), np.float32)
        with torch.inference_mode():
            pooled: np.ndarray = network(torch.from_numpy(rgb))[-1].mean(dim=(2, 3)).numpy()
        return pooled

    return run


def extract(
    samples: Sequence[Sample], features: Features, batch: int = 16
) -> dict[str, np.ndarray]:
    """Features of all images: "image" and "face", each (N, D) float32, rows of unit length.

    Square roots are taken first, so that a few strong channels do not speak for all.
    """
    rows: dict[str, list[np.ndarray]] = {"image": [], "face": []}
    for start in range(0, len(samples), batch):
        views: dict[str, list[np.ndarray]] = {"image": [], "face": []}
        for sample in samples[start : start + batch]:
            image = read_image(sample.path)
            for name, view in (("image", image), ("face", face_crop(image, sample))):
                shrinks = max(view.shape) > SIDE
                how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
                views[name].append(cv2.resize(view, (SIDE, SIDE), interpolation=how))
        for name, images in views.items():
            rows[name].append(features(np.stack(images)))
    joined = {name: np.sqrt(np.concatenate(parts)) for name, parts in rows.items()}
    return {n: v / np.linalg.norm(v, axis=1, keepdims=True) for n, v in joined.items()}


def _mean_ap(scores: np.ndarray, actions: np.ndarray, count: int) -> list[float]:
    return [average_precision(scores[:, c].tolist(), (actions == c).tolist()) for c in range(count)]


def fit_and_measure(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], seed: int = 0
) -> tuple[list[float], float]:
    """Train one-against-all linear SVMs and measure them.

    Args:
        train: (N, D) features and (N,) indices of actions; C is chosen here by cross-validation.
        test: (M, D) and (M,); only measured.
        seed: of the folds.

    Returns:
        Average precision of each action on `test`, and the C.
    """
    try:
        from sklearn.model_selection import StratifiedKFold
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise MissingExtraError("The probe", "train") from error

    count = int(train[1].max()) + 1

    def scores(cost: float, x: np.ndarray, actions: np.ndarray, unseen: np.ndarray) -> np.ndarray:
        centre = x.mean(axis=0)  # the features are all positive; uncentred, the fit takes minutes
        machine = LinearSVC(C=cost, dual=False, random_state=seed).fit(x - centre, actions)
        margins = np.asarray(machine.decision_function(unseen - centre))
        return margins if margins.ndim == 2 else np.stack([-margins, margins], axis=1)

    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(*train))

    def quality(cost: float) -> float:
        held_out = np.zeros((len(train[1]), count))
        for fit, left in folds:
            held_out[left] = scores(cost, train[0][fit], train[1][fit], train[0][left])
        return float(np.mean(_mean_ap(held_out, train[1], count)))

    best = max(COSTS, key=quality)
    return _mean_ap(scores(best, *train, test[0]), test[1], count), best


def probe(data: Path, features: Features) -> dict[str, Any]:
    """Train on `data`/train.json, measure on `data`/test.json, both without images of "none".

    Returns:
        Part → {"mean_ap", "ap": {action: …}, "c"}, and "n_train", "n_test".

    Raises:
        DataError: a set cannot be read.
    """
    train = read_annotations(data / "train.json")
    test = read_annotations(data / "test.json", train.labels)
    sets = {n: _acted(s.samples, train.labels) for n, s in (("train", train), ("test", test))}
    found = {name: extract(samples, features) for name, (samples, _) in sets.items()}
    figures: dict[str, Any] = {f"n_{name}": len(s) for name, (s, _) in sets.items()}
    for part, views in PARTS.items():
        x = {name: np.hstack([found[name][view] for view in views]) for name in found}
        pair = ((x["train"], sets["train"][1]), (x["test"], sets["test"][1]))
        ap, cost = fit_and_measure(*pair)
        named = dict(zip(train.labels.action_names, ap, strict=True))
        figures[part] = {"mean_ap": float(np.mean(ap)), "ap": named, "c": cost}
    return figures


def _acted(samples: Sequence[Sample], labels: LabelSet) -> tuple[list[Sample], np.ndarray]:
    names = labels.action_names
    chosen = [s for s in samples if s.action in names]
    if len({s.action for s in chosen}) < 2:
        raise DataError("The probe needs images of two actions or more in each set.")
    return chosen, np.array([names.index(str(s.action)) for s in chosen])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the probe and print its figures as JSON; 1 for a failure told in one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m fra_live.evaluation.probe", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of train.json, test.json")
    parser.add_argument("--pretrained", type=Path, required=True, help="MobileNetV1 weights, npz")
    options = parser.parse_args(arguments)
    try:
        figures = probe(options.data, backbone(options.pretrained))
    except FraLiveError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
