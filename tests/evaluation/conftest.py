"""A model that is right by construction: in its world, a pixel's colour is its label.

It reads real image files and gives real results, so that evaluation runs as it does with trained
networks, and every figure is known by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fra_live.labels import LabelSet
from fra_live.results import BodyPart, Candidate, Explanation, FrameResult, Person

LABELS = LabelSet(
    ("background", "face", "hand", "drink", "phone"),
    ("face", "hand"),
    {"drinking": "drink", "phoning": "phone"},
)
# BGR of each channel
COLOURS = ((40, 40, 40), (180, 200, 240), (90, 120, 200), (200, 80, 20), (60, 180, 60))


def painted(size: tuple[int, int], *things: tuple[str, tuple[int, int, int, int]]) -> np.ndarray:
    """An (H, W, 3) image with boxes x0, y0, x1, y1 in the colours of their labels."""
    image = np.full((*size, 3), COLOURS[0], np.uint8)
    for name, (x0, y0, x1, y1) in things:
        image[y0:y1, x0:x1] = COLOURS[LABELS.index(name)]
    return image


@dataclass
class ColourRecognizer:
    """Every object's probability is its share of the object pixels; see the module."""

    labels: LabelSet = LABELS
    threshold: float = 0.6
    calls: list[tuple[int, int]] = field(default_factory=list)

    def __call__(
        self, frame: np.ndarray, *, timestamp_s: float = 0.0, explain: bool = False
    ) -> FrameResult:
        self.calls.append((frame.shape[0], frame.shape[1]))
        distance = np.stack([np.abs(frame.astype(int) - colour).sum(axis=2) for colour in COLOURS])
        nearest = distance.argmin(axis=0)
        probabilities = np.full(distance.shape, 0.01, np.float32)
        for channel in range(len(COLOURS)):
            probabilities[channel][nearest == channel] = 0.96
        parts = {name: self._regions(nearest, name) for name in self.labels.names[1:]}
        found = sorted((c for o in self.labels.objects for c in parts[o]), key=lambda c: -c.score)
        pixels = {
            action: float((nearest == self.labels.index(thing)).sum())
            for action, thing in self.labels.actions.items()
        }
        total = sum(pixels.values()) + 20.0
        actions = {action: count / total for action, count in pixels.items()}
        actions["none"] = 20.0 / total
        people = [
            Person(BodyPart("face", c.box_xyxy, c.outline, 0.9), actions) for c in parts["face"]
        ]
        height, width = frame.shape[:2]
        half = (max(1, width // 2), max(1, height // 2))
        small = cv2.resize(probabilities.transpose(1, 2, 0), half)
        explanation = Explanation(
            small.reshape(half[1], half[0], -1).transpose(2, 0, 1),
            ((width * 0.1, height * 0.1, width * 0.9, height * 0.9),),
            probabilities,
            tuple(found),
        )
        return FrameResult(
            frame=(height, width),
            actions=actions,
            scores={action: count / 100 for action, count in pixels.items()},
            threshold=self.threshold,
            candidates=tuple(found[:3]),
            people=tuple(people),
            hands=tuple(BodyPart("hand", c.box_xyxy, c.outline, 0.9) for c in parts["hand"]),
            timestamp_s=timestamp_s,
            explanation=explanation if explain else None,
        )

    def _regions(self, nearest: np.ndarray, name: str) -> list[Candidate]:
        mask = (nearest == self.labels.index(name)).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        candidates = []
        for contour in contours:
            x, y, w, h = cv2.boundingRect(contour)
            outline = contour.reshape(-1, 2).astype(np.float32)
            score = min(1.0, w * h / 400)
            box = (float(x), float(y), float(x + w), float(y + h))
            candidates.append(Candidate(name, box, (outline,), score, 0.96, 0))
        return candidates


@pytest.fixture
def recognizer() -> ColourRecognizer:
    """A fresh recognizer."""
    return ColourRecognizer()


@pytest.fixture
def paint() -> Callable[..., np.ndarray]:
    """Paints an image; see `painted`."""
    return painted


SetMaker = Callable[..., Path]


@pytest.fixture
def make_set(tmp_path: Path) -> SetMaker:
    """Writes images and their COCO JSON.

    Each entry is a mapping with `action`, `painted` (what the image shows: label and box) and
    optionally `true` (what the annotation says, by default what is painted), `annotated` (by
    default all labels) and `ignored` (boxes).
    """

    def make(entries: list[dict[str, Any]], size: tuple[int, int] = (60, 80)) -> Path:
        folder = tmp_path / "set"
        (folder / "images").mkdir(parents=True)
        images, annotations = [], []
        for number, entry in enumerate(entries, start=1):
            name = f"photo_{number}.png"
            cv2.imwrite(str(folder / "images" / name), painted(size, *entry["painted"]))
            action = entry["action"]
            images.append(
                {
                    "id": number,
                    "file_name": name,
                    "height": size[0],
                    "width": size[1],
                    "action": action,
                    "action_object": LABELS.actions.get(action or ""),
                    "labels_annotated": entry.get("annotated", list(LABELS.names[1:])),
                }
            )
            drawn = [(n, b, 0) for n, b in entry.get("true", entry["painted"])]
            drawn += [("", box, 1) for box in entry.get("ignored", [])]
            for label, (x0, y0, x1, y1), ignore in drawn:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": LABELS.index(label) if label else 0,
                        "iscrowd": 0,
                        "ignore": ignore,
                        "bbox": [x0, y0, x1 - x0, y1 - y0],
                        "area": (x1 - x0) * (y1 - y0),
                        "segmentation": [
                            # through pixel centres: fillPoly fills what its border touches
                            [v + 0.5 for v in (x0, y0, x1 - 1, y0, x1 - 1, y1 - 1, x0, y1 - 1)]
                        ],
                    }
                )
        categories = [{"id": i, "name": n} for i, n in enumerate(LABELS.names) if i]
        path = folder / "photos.json"
        path.write_text(
            json.dumps({"images": images, "annotations": annotations, "categories": categories})
        )
        return path

    return make
