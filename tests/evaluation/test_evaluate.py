"""Every figure of `evaluate` on six small images whose answer is known by hand."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console

from fra_live.annotations import read_annotations
from fra_live.errors import DataError
from fra_live.evaluation.evaluate import evaluate, judge_all, summarise
from fra_live.evaluation.printing import print_clip, print_report

FACE = ("face", (5, 5, 25, 30))
# The recognizer ranks a larger region first; .6 of the object pixels (and 20 more) raise an action.
ENTRIES: list[dict[str, Any]] = [
    # the object found exactly
    {"action": "drinking", "painted": [FACE, ("drink", (30, 20, 50, 40))]},
    # drawn beside the truth: IoU 200 / 600 < .5, so neither top 1 nor top 3
    {
        "action": "drinking",
        "painted": [("drink", (30, 20, 50, 40))],
        "true": [("drink", (40, 20, 60, 40))],
    },
    # a larger wrong region comes first: top 3 only, and the wrong action is raised
    {"action": "phoning", "painted": [("phone", (30, 30, 40, 40)), ("drink", (50, 5, 75, 35))]},
    # the right place under a wrong label counts for the place alone
    {
        "action": "phoning",
        "painted": [("drink", (30, 20, 50, 40))],
        "true": [("phone", (30, 20, 50, 40))],
    },
    {"action": "none", "painted": [FACE], "annotated": []},
    {"action": "none", "painted": [("phone", (30, 20, 60, 50))], "annotated": [], "true": []},
]


def test_the_figures_by_hand(make_set: Any, recognizer: Any) -> None:
    data = read_annotations(make_set(ENTRIES), recognizer.labels)
    steps: list[tuple[int, int]] = []
    figures = evaluate(recognizer, data, lambda done, total: steps.append((done, total)))
    assert steps == [(i, 6) for i in range(1, 7)]
    assert figures["n"] == 6
    # drinking's scores: 4, 4 (right), 7.5, 4 (wrong); thresholds 7.5 (0/1) and 4 (2/4)
    assert figures["ap"]["drinking"] == pytest.approx(0.5)
    # phoning's: 0, 0 (wrong), 1, 0 (right): precision 1 at recall 1/2, then 2/4
    assert figures["ap"]["phoning"] == pytest.approx(0.75)
    assert figures["mean_ap"] == pytest.approx(0.625)
    assert figures["none"] == {
        "n": 2,
        "false_alarm_rate": 0.5,
        "recall_at_that_threshold": 0.5,
        "threshold": 0.6,
    }
    assert figures["localisation"] == {
        "drink": {"n": 2, "top1_iou50": 0.5, "top3_iou50": 0.5, "top1_right_label_iou50": 0.5},
        "phone": {"n": 2, "top1_iou50": 0.5, "top3_iou50": 1.0, "top1_right_label_iou50": 0.0},
    }
    assert figures["mean_localisation"]["top3_iou50"] == 0.75
    # drink px: all of 400 and of 750, 200 of 600, and 400 that are a phone
    assert figures["iou"]["drink"] == pytest.approx((400 + 750 + 200) / (400 + 750 + 600 + 400))
    assert figures["iou"]["phone"] == pytest.approx(100 / 500)
    assert figures["iou"]["face"] == 1.0
    assert figures["iou"]["hand"] is None
    json.dumps(figures, allow_nan=False)


def test_ignored_pixels_and_labels_not_looked_for_do_not_count(
    make_set: Any, recognizer: Any
) -> None:
    entries = [
        {  # half of the drink lies under an ignored box
            "action": "drinking",
            "painted": [("drink", (30, 20, 50, 40))],
            "true": [],
            "ignored": [(30, 20, 50, 30)],
        },
        {  # the phone was not looked for
            "action": None,
            "painted": [("phone", (30, 20, 50, 40)), ("drink", (0, 0, 10, 10))],
            "true": [("drink", (0, 0, 10, 10))],
            "annotated": ["drink"],
        },
    ]
    figures = evaluate(recognizer, read_annotations(make_set(entries), recognizer.labels))
    assert figures["iou"]["drink"] == pytest.approx(100 / 300)
    assert figures["iou"]["phone"] is None or figures["iou"]["phone"] == 0.0
    assert figures["localisation"]["drink"]["n"] == 0  # its object cannot be seen
    assert figures["localisation"]["drink"]["top1_iou50"] is None
    assert figures["none"]["false_alarm_rate"] is None
    assert figures["ap"] == {"drinking": 1.0, "phoning": None}


def test_boxes_are_compared_in_px_of_the_image_file(make_set: Any, recognizer: Any) -> None:
    path = make_set([{"action": "drinking", "painted": [("drink", (30, 20, 50, 40))]}])
    data = json.loads(path.read_text())  # an annotation made on a copy twice as large
    for image in data["images"]:
        image["height"], image["width"] = 2 * image["height"], 2 * image["width"]
    for annotation in data["annotations"]:
        annotation["bbox"] = [2 * v for v in annotation["bbox"]]
        annotation["segmentation"] = [[2 * v for v in p] for p in annotation["segmentation"]]
    path.write_text(json.dumps(data))
    figures = evaluate(recognizer, read_annotations(path, recognizer.labels))
    assert figures["localisation"]["drink"]["top1_iou50"] == 1.0
    assert figures["iou"]["drink"] == 1.0


def test_an_undecodable_image_is_named(make_set: Any, recognizer: Any) -> None:
    path = make_set([{"action": "none", "painted": []}])
    (path.parent / "images" / "photo_1.png").write_text("no image")
    with pytest.raises(DataError, match=r"photo_1\.png cannot be decoded"):
        evaluate(recognizer, read_annotations(path, recognizer.labels))


def test_an_action_that_the_model_lacks_is_named(make_set: Any, recognizer: Any) -> None:
    path = make_set([{"action": "drinking", "painted": [("drink", (30, 20, 50, 40))]}])
    path.write_text(path.read_text().replace('"drinking"', '"sipping"'))
    data = read_annotations(path)
    with pytest.raises(DataError, match="'sipping', which the model does not know"):
        judge_all(recognizer, data)


def test_the_tables_print_every_figure(recognizer: Any, make_set: Any) -> None:
    figures = evaluate(recognizer, read_annotations(make_set(ENTRIES), recognizer.labels))
    console = Console(width=100, record=True, file=io.StringIO())
    print_report(console, figures)
    text = console.export_text()
    for part in ("drinking", ".500", ".750", "top 3", "100.0 %", ".625", "0.600", "–"):
        assert part in text
    print_report(console, summarise([], recognizer.labels, 0.5))  # nothing measured, no failure


def test_a_clip_prints() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    event = {"action": "drinking", "start_s": 0.2, "end_s": 4.1, "repeats": False}
    row = {"action": "drinking", "start_s": 0.0, "end_s": 4.0, "event": event}
    row |= {"start_error_s": 0.2, "end_error_s": 0.1}
    missed = {"action": "blowing_bubbles", "start_s": 5.0, "end_s": 9.0, "event": None}
    print_clip(
        console,
        {
            "clip": "c.mp4",
            "n": 2,
            "found": 1,
            "missed": 1,
            "false": 1,
            "repeated": 0,
            "actions": [row, missed],
            "false_events": [event],
        },
    )
    text = console.export_text()
    for part in ("1 of 2", "+0.20 s", "missed", "false: drinking"):
        assert part in text


def test_evaluation_needs_no_training_library() -> None:
    code = (
        "import sys, fra_live.evaluation.evaluate, fra_live.evaluation.report\n"
        "import fra_live.evaluation.clips, fra_live.evaluation.printing, fra_live.explain\n"
        "heavy = {'torch', 'sklearn', 'matplotlib', 'skimage'} & sys.modules.keys()\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
