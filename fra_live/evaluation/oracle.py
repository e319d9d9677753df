"""Table 1: how well the actions are told apart when an oracle gives the regions (section 2).

Linear SVMs on ImageNet features of the whole image, of twice the face's box, of the object's box,
and of that box with all that is not the object set to the mean image. Nothing of the method is
used; the paper's features are fc6 of VGG-16, these are MobileNetV1's, averaged over the region.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from fra_live.annotations import Region, Sample
from fra_live.errors import DataError
from fra_live.evaluation.evaluate import read_image
from fra_live.evaluation.probe import SIDE, Features, face_crop, fit_and_measure
from fra_live.evaluation.tables_form import Row, Table, Trend, named
from fra_live.labels import LabelSet

VIEWS = ("global", "face", "box", "masked")
ROWS = {
    "global": ("global",),
    "face": ("face",),
    "object box": ("box",),
    "masked object": ("masked",),
    "global + face + box": ("global", "face", "box"),
    "all": VIEWS,
}
_MEAN = 127  # of the image, where the backbone's input is zero
_BATCH = 16
_TREND = (  # (winner, loser)
    ("face", "global"),
    ("object box", "face"),
    ("masked object", "object box"),
    ("global + face + box", "masked object"),
    ("all", "global + face + box"),
)
Progress = Callable[[int, int], None]


def true_object(sample: Sample, labels: LabelSet) -> Region | None:
    """The largest outlined object of the sample's action."""
    thing = labels.actions.get(sample.action or "")
    regions = [r for r in sample.regions if r.label == thing and not r.ignore]

    def area(region: Region) -> float:
        x0, y0, x1, y1 = region.box_xyxy
        return (x1 - x0) * (y1 - y0)

    return max(regions, key=area, default=None)


def object_crops(
    image: np.ndarray, sample: Sample, region: Region
) -> tuple[np.ndarray, np.ndarray]:
    """The object's box, and the same with everything outside its outline at the mean.

    Args:
        image: (H, W, 3) uint8 BGR.
        sample: its annotation, whose size may be another.
        region: the object.

    Returns:
        Two (h, w, 3) uint8.
    """
    scale = np.array([image.shape[1] / sample.width, image.shape[0] / sample.height])
    x0, y0 = np.floor(np.array(region.box_xyxy[:2]) * scale).astype(int).tolist()
    x1, y1 = np.ceil(np.array(region.box_xyxy[2:]) * scale).astype(int).tolist()
    x0, y0 = min(x0, image.shape[1] - 1), min(y0, image.shape[0] - 1)
    crop = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    inside = np.zeros(image.shape[:2], np.uint8)
    points = [np.round(p * scale - 0.5).astype(np.int32) for p in region.polygons]
    cv2.fillPoly(inside, points, 1)
    kept = inside[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1], None]
    return crop, np.where(kept > 0, crop, np.uint8(_MEAN))


def _square(view: np.ndarray) -> np.ndarray:
    how = cv2.INTER_AREA if max(view.shape[:2]) > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(view, (SIDE, SIDE), interpolation=how))


def oracle_features(
    samples: Sequence[Sample],
    labels: LabelSet,
    features: Features,
    progress: Progress | None = None,
) -> dict[str, np.ndarray]:
    """Features of the four regions: view → (N, D) float32, square roots, rows of unit length.

    Raises:
        DataError: an image cannot be decoded.
    """
    rows: dict[str, list[np.ndarray]] = {view: [] for view in VIEWS}
    for start in range(0, len(samples), _BATCH):
        part = samples[start : start + _BATCH]
        views: dict[str, list[np.ndarray]] = {view: [] for view in VIEWS}
        for sample in part:
            image, region = read_image(sample.path), true_object(sample, labels)
            assert region is not None, "samples without an object are left out before"
            crops = (image, face_crop(image, sample), *object_crops(image, sample, region))
            for view, crop in zip(VIEWS, crops, strict=True):
                views[view].append(_square(crop))
        for view, images in views.items():
            rows[view].append(features(np.stack(images)))
        if progress is not None:
            progress(start + len(part), len(samples))
    joined = {view: np.sqrt(np.concatenate(parts)) for view, parts in rows.items()}
    return {
        view: (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)).astype(np.float32)
        for view, x in joined.items()
    }


def table_1(
    training: Sequence[Sample],
    test: Sequence[Sample],
    labels: LabelSet,
    features: Features,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> Table:
    """Train on one set, measure on another; images without an outlined object are left out.

    Args:
        training, test: samples of both sets.
        labels: the label set.
        features: see `fra_live.evaluation.probe.backbone`.
        keep: file for the features, which take the time; used again for the same images.
        progress: called with the number of images done and their total.

    Raises:
        DataError: an image cannot be decoded, or an action has too few images.
    """
    sets = [
        [s for s in part if s.action in labels.actions and true_object(s, labels) is not None]
        for part in (training, test)
    ]
    for name, samples in zip(("training", "test"), sets, strict=True):
        for action in labels.action_names:
            if sum(s.action == action for s in samples) < 5:
                raise DataError(
                    f"Table 1 needs five images or more of '{action}' whose object is outlined in "
                    f"the {name} set."
                )
    both = [*sets[0], *sets[1]]
    found = _kept(keep, both)
    if found is None:
        found = oracle_features(both, labels, features, progress)
        if keep is not None:
            files = np.array([s.path.name for s in both])
            np.savez_compressed(keep, allow_pickle=False, files=files, **found)
    kinds = np.array([labels.action_names.index(str(s.action)) for s in both])
    first = len(sets[0])
    ap = {}
    for row, views in ROWS.items():
        x = np.hstack([found[view] for view in views])
        ap[row], _ = fit_and_measure((x[:first], kinds[:first]), (x[first:], kinds[first:]))
    rows = [Row(row, {"test": named(values, labels.action_names)}) for row, values in ap.items()]
    trends = [
        Trend(f"{winner} beats {loser}", "test", float(np.mean(ap[winner]) - np.mean(ap[loser])))
        for winner, loser in _TREND
    ]
    note = f"{first} training and {len(sets[1])} test images whose object is outlined."
    title = "Table 1: an oracle gives the regions"
    return Table("table1", title, labels.action_names, tuple(rows), tuple(trends), note)


def _kept(keep: Path | None, samples: Sequence[Sample]) -> dict[str, np.ndarray] | None:
    if keep is None or not keep.is_file():
        return None
    try:
        with np.load(keep, allow_pickle=False) as archive:
            arrays = dict(archive)
        if arrays.pop("files").tolist() != [s.path.name for s in samples]:
            return None
        return {view: arrays[view] for view in VIEWS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None  # made anew
