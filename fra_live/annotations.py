"""Annotation sets: COCO JSON with polygons, actions and partial labels, read and checked.

Per image also `action` (a name, "none" or null for unknown), `action_object` and
`labels_annotated`: the labels that were looked for and drawn. A label that is not listed may be
present undrawn. Per annotation `ignore` (or COCO's `iscrowd`): pixels to leave out of losses
and scores.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.errors import DataError
from fra_live.labels import BACKGROUND, NO_ACTION, LabelSet
from fra_live.samples import IGNORE as IGNORE
from fra_live.samples import Region as Region
from fra_live.samples import Sample as Sample

BODY_PARTS = ("face", "hand")  # the paper's; other sets say so by the supercategory "body"


@dataclass(frozen=True)
class AnnotationSet:
    """All samples of one COCO JSON, and the label set that it speaks of."""

    path: Path
    labels: LabelSet
    samples: tuple[Sample, ...]


def _image_folder(path: Path) -> Path:
    folder = path.parent / "images"
    return folder if folder.is_dir() else path.parent


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _polygons(annotation: dict[str, Any], where: str, ignore: bool) -> tuple[np.ndarray, ...]:
    segmentation = annotation.get("segmentation")
    # A box is an outline too; so it is of COCO's crowds, whose masks are run-length encoded.
    if not segmentation or (ignore and isinstance(segmentation, dict)):
        x, y, w, h = annotation["bbox"]
        segmentation = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    if not isinstance(segmentation, list):
        raise DataError(f"{where} is run-length encoded; convert it to polygons first.")
    polygons = []
    for flat in segmentation:
        points = np.asarray(flat, np.float32)
        if points.ndim != 1 or points.size < 6 or points.size % 2:
            raise DataError(
                f"{where} has a polygon of {points.size} numbers; it takes 6 or more, two a point."
            )
        if not np.isfinite(points).all():
            raise DataError(f"{where} has a polygon with a number that is not finite.")
        polygons.append(points.reshape(-1, 2))
    return tuple(polygons)


def _label_set(data: dict[str, Any]) -> tuple[LabelSet, dict[int, str]]:
    categories = {int(c["id"]): str(c["name"]) for c in data["categories"]}
    body = tuple(
        c["name"]
        for c in data["categories"]
        if c["name"] in BODY_PARTS or c.get("supercategory") == "body"
    )
    ordered = [categories[k] for k in sorted(categories) if categories[k] not in body]
    names = (BACKGROUND, *body, *(n for n in ordered if n != BACKGROUND))
    actions: dict[str, str] = {}
    for image in data["images"]:
        action, thing = image.get("action"), image.get("action_object")
        if action and action != NO_ACTION and thing:
            if thing not in names:
                raise DataError(
                    f"image {image.get('id')} names the action object '{thing}', which is no "
                    "category."
                )
            actions.setdefault(action, thing)
    in_label_order = dict(sorted(actions.items(), key=lambda pair: names.index(pair[1])))
    return LabelSet(names, body, in_label_order), categories


def read_annotations(path: Path, labels: LabelSet | None = None) -> AnnotationSet:
    """Read and check one COCO JSON; images lie in `images/` beside it, or beside it.

    Args:
        path: the JSON file.
        labels: the model's labels; categories outside it are an error. None takes the file's.

    Raises:
        DataError: the file is unreadable or empty, an image is missing, or an entry is wrong;
            the message names the file and the entry.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found, categories = _label_set(data)
        labels = labels or found
        drawn = tuple(n for n in found.names[1:] if n in labels.names)
        by_image: dict[int, list[dict[str, Any]]] = {}
        for annotation in data["annotations"]:
            by_image.setdefault(int(annotation["image_id"]), []).append(annotation)
        images = {int(image["id"]): image for image in data["images"]}
        twice = len(data["images"]) - len(images)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is no JSON: {error}.") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is no COCO annotation file: {_said(error)}.") from error
    if not images:
        raise DataError(f"{path} lists no images.")
    if twice:
        raise DataError(f"{path}: {twice} images have the id of another; ids must differ.")
    folder = _image_folder(path)
    for image_id in by_image.keys() - images.keys():
        raise DataError(f"{path}: an annotation names image {image_id}, which is not listed.")
    samples = [
        _sample(path, folder, image, by_image.get(image_id, []), categories, labels, drawn)
        for image_id, image in images.items()
    ]
    return AnnotationSet(path, labels, tuple(samples))


def _sample(
    path: Path,
    folder: Path,
    image: dict[str, Any],
    annotations: Sequence[dict[str, Any]],
    categories: dict[int, str],
    labels: LabelSet,
    drawn: Sequence[str],
) -> Sample:
    where = f"{path}: image {image.get('id')} ({image.get('file_name')})"
    try:
        file = folder / image["file_name"]
        width, height = int(image["width"]), int(image["height"])
        listed = image.get("labels_annotated", drawn)
        if not isinstance(listed, list | tuple):
            raise TypeError("'labels_annotated' is no list")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where} is wrong: {_said(error)}.") from error
    if width < 1 or height < 1:
        raise DataError(f"{where} has the size {width}x{height}.")
    if not file.is_file():
        raise DataError(f"{where} is missing; it was looked for in {folder}.")
    for name in listed:
        if name not in labels.names and name not in categories.values():
            raise DataError(f"{where} has the unknown label '{name}' in 'labels_annotated'.")
    regions = []
    for annotation in annotations:
        entry = f"{path}: annotation {annotation.get('id')} of {image['file_name']}"
        regions.append(_region(annotation, entry, (height, width), categories, labels))
    action = image.get("action")
    if action is not None and action != NO_ACTION and action not in labels.actions:
        raise DataError(
            f"{where} has the unknown action '{action}'; an action is known when the model has it "
            "or an image names its 'action_object'."
        )
    return Sample(file, height, width, action, frozenset(listed), tuple(regions))


def _region(
    annotation: dict[str, Any],
    entry: str,
    size: tuple[int, int],
    categories: dict[int, str],
    labels: LabelSet,
) -> Region:
    ignore = bool(annotation.get("ignore") or annotation.get("iscrowd"))
    try:
        name = categories.get(int(annotation.get("category_id", -1)), "")
        polygons = _polygons(annotation, entry, ignore)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{entry} is wrong: {_said(error)}.") from error
    if name not in labels.names and not ignore:
        raise DataError(f"{entry} has the unknown category {annotation.get('category_id')}.")
    points = np.concatenate(polygons)
    low, high = points.min(axis=0), points.max(axis=0)
    height, width = size
    if high[0] <= 0 or high[1] <= 0 or low[0] >= width or low[1] >= height:
        raise DataError(f"{entry} lies outside the image ({width}x{height}).")
    x0, y0 = np.maximum(low, 0)
    x1, y1 = np.minimum(high, [width, height])
    return Region(name, polygons, (float(x0), float(y0), float(x1), float(y1)), ignore)


def find_annotation_files(data: Sequence[Path]) -> list[Path]:
    """The training sets meant by `--data`: files as they are, folders searched for COCO JSON.

    In folders, files whose name begins with "test" or "val" are left out.

    Raises:
        DataError: a path does not exist, or nothing was found.
    """
    found: list[Path] = []
    for path in data:
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            for file in sorted([*path.glob("*.json"), *path.glob("*/*.json")]):
                if not file.name.startswith(("test", "val")) and _looks_like_coco(file):
                    found.append(file)
        else:
            raise DataError(f"{path} does not exist.")
    if not found:
        raise DataError(f"No COCO annotation file was found in {', '.join(map(str, data))}.")
    return found


def _looks_like_coco(path: Path) -> bool:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and {"images", "annotations", "categories"} <= data.keys()


def read_training_sets(paths: Sequence[Path]) -> AnnotationSet:
    """Read several sets as one; their labels are united by name, their actions too.

    Each sample keeps the labels that its own set annotated, so that partial sets add up.

    Raises:
        DataError: as `read_annotations`; or no set names an action.
    """
    parts = [read_annotations(path) for path in paths]
    parts.sort(key=lambda part: -len(part.labels.actions))
    names: dict[str, None] = {}
    body: dict[str, None] = {}
    actions: dict[str, str] = {}
    for part in parts:
        body.update(dict.fromkeys(part.labels.body_parts))
        names.update(dict.fromkeys(part.labels.objects))
        for action, thing in part.labels.actions.items():
            actions.setdefault(action, thing)
    if not actions:
        raise DataError(f"No image of {', '.join(map(str, paths))} names an action.")
    labels = LabelSet((BACKGROUND, *body, *names), tuple(body), actions)
    samples = [s for part in parts for s in read_annotations(part.path, labels).samples]
    return AnnotationSet(parts[0].path, labels, tuple(samples))
