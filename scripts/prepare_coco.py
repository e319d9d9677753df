#!/usr/bin/env python3
r"""Make a training set of COCO's photos that show a drink, a phone or a toothbrush near a person.

Download annotations_trainval2017.zip and train2017.zip from https://cocodataset.org/#download, then

  python scripts/prepare_coco.py --instances annotations_trainval2017.zip --images train2017.zip \
      --out data/coco
  fra-live train all --data data/fra data/coco --out runs/mine

Folders and the unpacked instances_train2017.json do as well. Bottles, cups and wine glasses become
"drink", cell phones "phone", toothbrushes "toothbrush"; crowds are marked to be ignored. Faces,
hands and the other objects are not annotated in COCO, and the set says so by `labels_annotated`.
Photos keep their licence and address, which COCO names. Reading the official file takes about
3 GB of memory. It needs Python and OpenCV only.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from photo_files import GivenFiles, PreparationError, lay_out, plain_name, tell, write

# The ids and names of the sets in annotations/fra, so that files can be merged as they are.
CATEGORIES = ("face", "hand", "drink", "cigarette", "bubble_wand", "toothbrush", "phone")
LABEL_OF = {
    "bottle": "drink",
    "wine glass": "drink",
    "cup": "drink",
    "cell phone": "phone",
    "toothbrush": "toothbrush",
}
ANNOTATED = ["drink", "phone", "toothbrush"]
PERSON = "person"
REACH = 0.1  # an object is near a person when its centre lies in the person's box, grown so much
LEAST_SIDE = 12  # px; an object smaller than this is no reason to take a photo


def read_instances(path: Path, split: str) -> dict[str, Any]:
    """COCO's instances_*.json, as a file or inside the official zip.

    Raises:
        PreparationError: it cannot be read or is of another kind.
    """
    name = f"instances_{split}.json"
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.namelist() if m.rsplit("/", 1)[-1] == name]
                if not members:
                    raise PreparationError(f"{path} holds no {name}; name another --split.")
                with archive.open(members[0]) as file:
                    data = json.load(file)
        else:
            with path.open(encoding="utf-8") as text:
                data = json.load(text)
        _ = data["images"], data["annotations"], data["categories"]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile) as error:
        raise PreparationError(f"{path} is no readable COCO instances file ({error}).") from error
    return dict(data)


def is_near(box: Sequence[float], persons: Sequence[Sequence[float]]) -> bool:
    """Whether the centre of a box lies in a person's box, grown by `REACH` on every side.

    Args:
        box: x, y, width, height in px, as COCO has it.
        persons: likewise.
    """
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return any(
        left - REACH * w <= x <= left + (1 + REACH) * w
        and top - REACH * h <= y <= top + (1 + REACH) * h
        for left, top, w, h in persons
    )


def mask_polygons(rle: Mapping[str, Any]) -> list[list[float]]:
    """Outlines of an uncompressed run-length mask (COCO's crowds); [] for any other kind.

    Args:
        rle: "size" [height, width] and "counts", runs of 0 and 1 down the columns.
    """
    counts, size = rle.get("counts"), rle.get("size")
    if not isinstance(counts, list) or not isinstance(size, list) or len(size) != 2:
        return []
    height, width = int(size[0]), int(size[1])
    if sum(counts) != height * width:
        return []
    values = np.arange(len(counts), dtype=np.uint8) % 2
    mask = np.repeat(values, counts).reshape(width, height).T
    found, _ = cv2.findContours(
        np.ascontiguousarray(mask), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    # + .5: from pixel numbers to px, of which the first pixel's centre is half of one away
    return [(c.reshape(-1).astype(float) + 0.5).tolist() for c in found if len(c) >= 3]


def outline(annotation: Mapping[str, Any]) -> tuple[list[list[float]], bool]:
    """Polygons of an annotation, and whether its pixels are to be ignored."""
    segmentation = annotation.get("segmentation")
    crowd = bool(annotation.get("iscrowd"))
    polygons: list[list[float]] = []
    if isinstance(segmentation, Mapping):
        polygons, crowd = mask_polygons(segmentation), True
    elif isinstance(segmentation, list):
        polygons = [p for p in segmentation if len(p) >= 6 and len(p) % 2 == 0]
    if not polygons:  # nothing finer than the box is known
        x, y, w, h = annotation["bbox"]
        polygons, crowd = [[x, y, x + w, y, x + w, y + h, x, y + h]], True
    return [[round(float(v), 1) for v in p] for p in polygons], crowd


def choose(
    data: Mapping[str, Any], limit: int, seed: int
) -> tuple[list[Any], dict[int, list[Any]]]:
    """Photos with an object near a person, and the annotations of their objects.

    Args:
        data: the instances file.
        limit: at most so many photos, drawn by chance; 0 for all.
        seed: of that choice.

    Returns:
        images as COCO lists them, by id; and image id → its objects' annotations, crowds included.
    """
    names = {int(c["id"]): str(c["name"]) for c in data["categories"]}
    persons: dict[int, list[Any]] = {}
    objects: dict[int, list[Any]] = {}
    for annotation in data["annotations"]:
        name, image = names.get(int(annotation["category_id"]), ""), int(annotation["image_id"])
        if name == PERSON and not annotation.get("iscrowd"):
            persons.setdefault(image, []).append(annotation["bbox"])
        elif name in LABEL_OF:
            objects.setdefault(image, []).append(annotation | {"coco_class": name})
    chosen = [
        image
        for image in sorted(data["images"], key=lambda i: int(i["id"]))
        if any(
            not a.get("iscrowd")
            and max(a["bbox"][2:]) >= LEAST_SIDE
            and is_near(a["bbox"], persons.get(int(image["id"]), []))
            for a in objects.get(int(image["id"]), [])
        )
    ]
    if 0 < limit < len(chosen):
        picked = random.Random(seed).sample(range(len(chosen)), limit)
        chosen = [chosen[i] for i in sorted(picked)]
    return chosen, objects


def to_set(data: Mapping[str, Any], images: Sequence[Any], objects: Mapping[int, Any]) -> Any:
    """The annotation file of the chosen photos."""
    listed: list[Any] = []
    annotations: list[Any] = []
    for image in images:
        kept = {k: image[k] for k in ("license", "flickr_url", "coco_url") if k in image}
        listed.append(
            {"id": int(image["id"]), "file_name": image["file_name"]}
            | {"width": image["width"], "height": image["height"], "action": None}
            | {"labels_annotated": ANNOTATED, "source": "coco2017"}
            | kept
        )
        for entry in objects[int(image["id"])]:
            polygons, ignore = outline(entry)
            category = CATEGORIES.index(LABEL_OF[entry["coco_class"]]) + 1
            annotation = {
                "id": len(annotations) + 1,
                "image_id": int(image["id"]),
                "category_id": category,
                "iscrowd": 0,
                "bbox": [round(float(v), 1) for v in entry["bbox"]],
                "area": round(float(entry.get("area", 0)), 1),
                "segmentation": polygons,
                "coco_class": entry["coco_class"],
            }
            annotations.append(annotation | ({"ignore": 1} if ignore else {}))
    info = {
        "description": "COCO 2017 photos with a drink, phone or toothbrush near a person; "
        "only these three are annotated",
        "licence": "COCO annotations CC BY 4.0; photos under their Flickr licences",
    }
    categories = [{"id": i, "name": name} for i, name in enumerate(CATEGORIES, start=1)]
    return {
        "info": info,
        "licenses": data.get("licenses", []),
        "categories": categories,
        "images": listed,
        "annotations": annotations,
    }


def prepare(options: argparse.Namespace) -> list[str]:
    """Choose, check and lay out; returns one sentence a problem.

    Raises:
        PreparationError: nothing can be done at all.
    """
    data = read_instances(options.instances, options.split)
    try:
        images, objects = choose(data, options.limit, options.seed)
        for image in images:
            plain_name(image["file_name"])
        sizes = {i["file_name"]: (int(i["width"]), int(i["height"])) for i in images}
        whole = to_set(data, images, objects)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise PreparationError(f"{options.instances} has a wrong entry ({error!r}).") from error
    if not images:
        raise PreparationError(f"{options.instances} has no photo of an object near a person.")
    given = GivenFiles(options.images)
    try:
        found = {n: lay_out(given, n, size, options.out / "images") for n, size in sizes.items()}
    finally:
        given.close()
    whole["images"] = [i for i in whole["images"] if found[i["file_name"]] is None]
    present = {i["id"] for i in whole["images"]}
    whole["annotations"] = [a for a in whole["annotations"] if a["image_id"] in present]
    print(f"coco.json: {len(present)} of {len(images)} photos are in {options.out / 'images'}.")
    if present:
        text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
        write(options.out / "coco.json", text.encode())
    return [problem for problem in found.values() if problem is not None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--instances", type=Path, required=True, metavar="JSON|ZIP", help="COCO's annotations")
    add("--images", type=Path, nargs="+", required=True, metavar="FOLDER|ZIP", help="the photos")
    add("--out", type=Path, required=True, metavar="DIR", help="target folder")
    add("--split", default="train2017", help="which instances file of a zip (train2017)")
    add("--limit", type=int, default=0, metavar="N", help="at most N photos, by chance (all)")
    add("--seed", type=int, default=0, help="of that choice (0)")
    options = parser.parse_args(arguments)
    return tell(lambda: prepare(options))


if __name__ == "__main__":
    sys.exit(main())
