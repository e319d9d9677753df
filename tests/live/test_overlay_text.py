"""Type and labels: inside the frame, clear of each other, readable at every size."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from fra_live.labels import LabelSet
from fra_live.live.drawing import Canvas, Rect, Sizes, Tools
from fra_live.live.labelling import draw_label, place
from fra_live.live.lettering import Lettering
from fra_live.results import Box

LABELS = LabelSet(("background", "drink"), (), {"drinking": "drink"})
FRAMES = [(240, 320), (480, 640), (640, 480), (1080, 1920), (2160, 3840)]

PLACES = [-0.1, 0.0, 0.45, 0.95, 1.05]


def inside(rect: Rect, frame: tuple[int, int]) -> bool:
    x, y, width, height = rect
    return x >= 0 and y >= 0 and x + width <= frame[1] and y + height <= frame[0]


def common(a: Rect, b: Rect) -> int:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height)


@pytest.mark.parametrize(
    ("frame", "across", "down"),
    [*itertools.product(FRAMES[:3], PLACES, PLACES), (FRAMES[3], -0.1, 0.45), (FRAMES[4], 1, 1)],
)
def test_labels_stay_inside_wherever_the_object_is(
    frame: tuple[int, int], across: float, down: float
) -> None:
    height, width = frame
    box = (across * width, down * height, (across + 0.05) * width, (down + 0.1) * height)
    canvas = Canvas(np.full((height, width, 3), 120, np.uint8), Tools(LABELS))
    rect = draw_label(canvas, "Bubble wand 0.87", box, (0, 200, 255), [])
    assert rect is not None and inside(rect, frame)
    x, y, w, h = rect
    ink = (canvas.image != 120).any(axis=2)
    assert ink[y : y + h, x : x + w].mean() > 0.8
    ink[y : y + h, x : x + w] = False
    assert not ink.any()  # nothing is drawn outside of what was said


def test_labels_avoid_each_other_and_the_object() -> None:
    taken: list[Rect] = [(0, 0, 200, 60)]
    box: Box = (150.0, 80.0, 200.0, 140.0)
    rects = []
    for _ in range(4):
        rect = place(100, 24, box, (480, 640), taken, 6)
        assert all(common(rect, other) == 0 for other in taken)
        assert common(rect, (150, 80, 50, 60)) == 0
        taken.append(rect)
        rects.append(rect)
    corner = place(100, 24, (0.0, 440.0, 40.0, 480.0), (480, 640), [(0, 380, 300, 100)], 6)
    assert common(corner, (0, 380, 300, 100)) == 0  # a panel over the object: above the panel
    everything = (0.0, 0.0, 640.0, 480.0)  # an object as large as the frame: a place all the same
    assert inside(place(100, 24, everything, (480, 640), [], 6), (480, 640))


def test_a_label_that_does_not_fit_is_shortened_or_left_out() -> None:
    tools = Tools(LABELS)
    narrow = Canvas(np.zeros((200, 60, 3), np.uint8), tools)
    rect = draw_label(narrow, "Bubble wand 0.87", (0, 50, 60, 100), (0, 200, 255), [])
    assert rect is not None and inside(rect, (200, 60))
    nothing = Canvas(np.zeros((200, 12, 3), np.uint8), tools)
    assert draw_label(nothing, "Bubble wand", (0, 50, 12, 100), (0, 200, 255), []) is None


def test_type_grows_with_the_frame() -> None:
    sizes = [Sizes.of(frame) for frame in FRAMES]
    assert sizes[0].small >= 10  # legible on the smallest
    for frame, size in zip(FRAMES, sizes, strict=True):
        assert 0.02 < size.text / min(frame) < 0.05
        assert size.small <= size.text < size.large
    assert not Sizes.of((50, 400)).words


@pytest.mark.parametrize("size", [11, 15, 30, 58])
def test_widths_are_true(size: int) -> None:
    letters = Lettering()
    for text in ("Phone 0.87", "j", "888.8", "…"):
        canvas = np.zeros((3 * size, 12 * size, 3), np.uint8)
        letters.draw(canvas, text, (size, 2 * size), size, 500)
        columns = np.nonzero(canvas.any(axis=(0, 2)))[0]
        rows = np.nonzero(canvas.any(axis=(1, 2)))[0]
        assert columns[0] >= 0.92 * size - 1
        assert columns[-1] <= size + letters.width(text, size, 500) + 1
        assert columns[-1] >= size + letters.width(text, size, 500) - 0.2 * size - 1
        assert rows[0] >= 0.9 * size and rows[-1] <= 2.4 * size


def test_fit_shortens_to_the_room() -> None:
    letters = Lettering()
    text = "Blowing bubbles"
    assert letters.fit(text, 15, 400, 500) == text
    for room in range(0, 120, 7):
        short = letters.fit(text, 15, 400, room)
        assert letters.width(short, 15, 400) <= room or short == ""
    assert letters.fit(text, 15, 400, 3) == ""


def test_a_halo_makes_white_type_readable_on_white() -> None:
    canvas = Canvas(np.full((100, 300, 3), 255, np.uint8), Tools(LABELS))
    canvas.text("Drinking", (20, 60), 24)
    ink = cv2.cvtColor(canvas.image, cv2.COLOR_BGR2GRAY)
    assert ink.min() < 90 and (ink[:, :5] == 255).all()


def test_without_a_type_face_of_its_own_opencv_4_draws_strokes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(cv2, "FontFace", raising=False)
    letters = Lettering()
    canvas = np.zeros((60, 300, 3), np.uint8)
    letters.draw(canvas, "Phone 0.87", (10, 40), 24)
    columns = np.nonzero(canvas.any(axis=(0, 2)))[0]
    assert abs(int(columns[-1]) - 10 - letters.width("Phone 0.87", 24)) < 6
    assert letters.fit("Phone 0.87", 24, 400, 60).endswith("...")
