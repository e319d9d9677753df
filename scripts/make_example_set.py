#!/usr/bin/env python3
"""Make a small annotated set of two new actions, to try `fra-live train` on.

  pip install 'fra-live[demo,train]'
  python scripts/make_example_set.py my_objects
  fra-live train all --data my_objects/train.json --recipe quick --pretrained mobile --out mine

The photos are composites, drawn on the spot: a hand with a spoon ("eating") or a brush for face
paint ("face_painting") over NASA's public-domain portrait of Eileen Collins that ships inside
scikit-image, and photos of neither. The outlines are exact, since what is drawn is known. One
portrait shows how the files are made and that the training works, not how well it would do on
other people: for that, annotate photos of many.

Written are train.json and test.json, COCO JSON as any annotation tool can make it, and images/.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from example_objects import AREA, HeldObject, held_objects

from fra_live.demo.effects import lay
from fra_live.demo.portrait import load_portrait
from fra_live.demo.relief import KEEP
from fra_live.errors import FraLiveError, SinkError
from fra_live.labels import NO_ACTION

OBJECTS = {"eating": "spoon", "face_painting": "paint_brush"}
LABELS = ("face", "hand", *OBJECTS.values())
SIZES = ((300, 400), (400, 300), (360, 360))  # H, W
FACE = (
    (187, 80), (185, 100), (182, 118), (182, 135), (186, 152), (196, 165), (208, 174), (222, 178),
    (238, 177), (250, 169), (260, 155), (267, 138), (269, 118), (270, 95), (266, 86), (245, 82),
    (215, 79), (200, 73),
)  # fmt: skip
LEAST_AREA = 25.0  # px; smaller pieces are not outlined


class Shot(NamedTuple):
    """One photo with its outlines.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        action: what it shows.
        outlines: label → (N, 2) polygons in px of the image.
    """

    image: np.ndarray
    action: str
    outlines: dict[str, list[np.ndarray]]


def _chain(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    return np.asarray(after @ np.vstack([before, (0, 0, 1)]))


def _turn(about: tuple[float, float], degrees: float, shift: np.ndarray) -> np.ndarray:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = about
    return np.array([
        [cos, -sin, x + shift[0] - cos * x + sin * y],
        [sin, cos, y + shift[1] - sin * x - cos * y],
    ])  # fmt: skip


def camera(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(2, 3) from portrait px to px of an image of (H, W): a view of the face, often mirrored."""
    height, width = size
    scale = min(size) / rng.uniform(190, 300)
    x, y = rng.uniform(195, 225), rng.uniform(140, 175)
    turned = _turn((x, y), rng.uniform(-12, 12), np.zeros(2))
    flip = rng.choice([-1, 1])
    view = np.array([
        [flip * scale, 0, width / 2 - flip * scale * x], [0, scale, height / 2 - scale * y]
    ])  # fmt: skip
    return _chain(view, turned)


def _polygons(mask: np.ndarray) -> list[np.ndarray]:
    """Outer contours of a mask, (N, 2) float32 of x, y, without specks."""
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    smooth = [cv2.approxPolyDP(c, 0.7, True).reshape(-1, 2) for c in found]
    return [p.astype(np.float32) + 0.5 for p in smooth
            if len(p) > 2 and cv2.contourArea(p) >= LEAST_AREA]  # fmt: skip


def take(
    photo: np.ndarray, action: str, held: HeldObject | None, size: tuple[int, int],
    rng: np.random.Generator,
) -> Shot:  # fmt: skip
    """One photo: a view of the portrait, a hand laid over it, other light, noise.

    Args:
        photo: the portrait at twice its size.
        action: what the hand shows.
        held: the hand; None for the portrait alone.
        size: (H, W) of the result.
        rng: where the variety comes from.
    """
    view = camera(size, rng)

    def warp(
        layer: np.ndarray, matrix: np.ndarray, corner: tuple[int, int], border: int = 0
    ) -> np.ndarray:
        shift = 0.5 / KEEP - 0.5  # the centres of the first px
        rest = np.array([[1 / KEEP, 0, corner[0] + shift], [0, 1 / KEEP, corner[1] + shift]])
        return np.asarray(cv2.warpAffine(layer, _chain(matrix, rest), size[::-1],
                                         flags=cv2.INTER_LINEAR, borderMode=border))  # fmt: skip

    image = warp(photo, view, (0, 0), cv2.BORDER_REPLICATE)
    face = np.zeros(size, np.uint8)
    corners = np.array(FACE, np.float64) @ view[:, :2].T + view[:, 2]
    cv2.fillPoly(face, [np.round(corners).astype(np.int32)], 255)
    outlines = {"face": _polygons(face)}
    if held is not None:
        motion = _turn(held.contact, rng.uniform(-9, 9), rng.uniform(-5, 5, 2))
        placed = _chain(view, motion)
        lay(image, warp(held.layer, placed, AREA[:2]), 0, 0)
        masks = {"hand": held.hand}
        if action in OBJECTS:
            masks[OBJECTS[action]] = held.thing
        for label, mask in masks.items():
            seen = warp(mask, placed, AREA[:2])
            outlines[label] = _polygons(np.where(seen > 127, np.uint8(255), np.uint8(0)))
    light = rng.uniform(0.75, 1.2) * rng.uniform(0.93, 1.07, 3)
    lit = 255 * (image / 255.0) ** rng.uniform(0.8, 1.25) * light
    noisy = lit + rng.normal(0, rng.uniform(1, 5), image.shape)
    return Shot(np.clip(noisy, 0, 255).astype(np.uint8), action, outlines)


def shots(count: int, seed: int) -> list[Shot]:
    """`count` photos, the two actions and "none" in turn, the same ones for the same seed.

    Raises:
        MissingExtraError: scikit-image, which brings the portrait, is not installed.
    """
    portrait = load_portrait()
    hands, photo = held_objects(portrait), portrait.enlarged()
    kinds = (*OBJECTS, NO_ACTION)
    taken = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        action, turn = kinds[number % 3], number // 3
        held = None
        if action in OBJECTS or turn % 2:  # every other photo of "none" shows an empty hand
            held = hands[action][turn % len(hands[action])]
        taken.append(take(photo, action, held, SIZES[(number + turn) % 3], rng))
    return taken


def coco(taken: Sequence[Shot], names: Sequence[str]) -> dict[str, Any]:
    """COCO JSON of photos with these file names."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (shot, name) in enumerate(zip(taken, names, strict=True), 1):
        height, width = shot.image.shape[:2]
        images.append({
            "id": number, "file_name": name, "width": width, "height": height,
            "action": shot.action, "action_object": OBJECTS.get(shot.action),
            "labels_annotated": list(LABELS),
        })  # fmt: skip
        for label, polygons in shot.outlines.items():
            if not polygons:
                continue
            points = np.concatenate(polygons)
            (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
            annotations.append({
                "id": len(annotations) + 1, "image_id": number,
                "category_id": LABELS.index(label) + 1, "iscrowd": 0,
                "segmentation": [np.round(p, 1).ravel().tolist() for p in polygons],
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": float(sum(cv2.contourArea(p) for p in polygons)),
            })  # fmt: skip
    categories = [
        {"id": i, "name": n, "supercategory": "body" if n in ("face", "hand") else "object"}
        for i, n in enumerate(LABELS, 1)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_set(folder: Path, name: str, taken: Sequence[Shot]) -> Path:
    """Write `folder`/`name`.json and its photos into `folder`/images; returns the JSON's path.

    Raises:
        SinkError: the folder cannot be written.
    """
    names = [f"{name}_{shot.action}_{i:02}.jpg" for i, shot in enumerate(taken, 1)]
    path = folder / f"{name}.json"
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for shot, file in zip(taken, names, strict=True):
            _, data = cv2.imencode(".jpg", shot.image, [cv2.IMWRITE_JPEG_QUALITY, 90])
            (folder / "images" / file).write_bytes(data.tobytes())
        path.write_text(json.dumps(coco(taken, names), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SinkError(f"{error.filename} cannot be written: {error.strerror}.") from error
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the training and the test set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the set is written")
    parser.add_argument("--images", type=int, default=36, metavar="N", help="default: 36")
    parser.add_argument("--test-images", type=int, default=12, metavar="N", help="default: 12")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    options = parser.parse_args(arguments)
    if min(options.images, options.test_images) < 1 or options.seed < 0:
        parser.error("--images and --test-images take 1 or more, --seed 0 or more")
    try:
        train = write_set(options.folder, "train", shots(options.images, 2 * options.seed))
        test = write_set(options.folder, "test", shots(options.test_images, 2 * options.seed + 1))
    except FraLiveError as error:
        print(f"make_example_set: {error}", file=sys.stderr)
        return 1
    print(f"{options.images} photos with outlines: {train}; {options.test_images}: {test}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
