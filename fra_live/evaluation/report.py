"""A page to look at: the best detections of each action and the worst mistakes of a model.

One HTML file with everything inside. `choose` picks the images, the rest draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.evaluation.evaluate import LEAST_OVERLAP, Judgement, Progress, Recognizes, read_image
from fra_live.evaluation.figures import add_truth, fitted, outlined, weighted_crop
from fra_live.evaluation.page import Group, Section, Tile, render_page
from fra_live.labels import NO_ACTION, LabelSet
from fra_live.live.hud import spoken
from fra_live.video.writing import write_atomic

BEST = 8  # detections shown of each action
WORST = 12  # images shown of each kind of mistake
PHOTO = (480, 360)  # px that a photo may take in the page
OBJECT = 240  # px, side of an object weighted by its probability


@dataclass(frozen=True)
class Choice:
    """The images that the page shows; see `choose`."""

    best: Mapping[str, Sequence[Judgement]]
    wrong: Sequence[Judgement]
    weak: Sequence[Judgement]
    alarms: Sequence[Judgement]
    lost: Sequence[Judgement]


def choose(judgements: Sequence[Judgement], labels: LabelSet, threshold: float) -> Choice:
    """Pick the images worth looking at.

    Args:
        judgements: one an image.
        labels: actions and objects.
        threshold: the operating threshold, 0..1.

    Returns:
        best: of each action the right images with the highest probability, an object found;
        wrong: another action than the true one is the most probable, most probable first;
        weak: the true action is the most probable one, but least so, least first;
        alarms: images of "none" that reach the threshold, most probable first;
        lost: the best candidate misses the object, highest ranking score first.
    """
    acted = [j for j in judgements if j.sample.action in labels.actions]
    right = [j for j in acted if j.raised[0] == j.sample.action]
    best = {}
    for action in labels.action_names:
        shown = [j for j in right if j.sample.action == action and _own(j, labels) is not None]
        best[action] = sorted(shown, key=lambda j: -j.raised[1])[:BEST]
    wrong = [j for j in acted if j.raised[0] != j.sample.action]
    alarms = [j for j in judgements if j.sample.action == NO_ACTION and j.raised[1] >= threshold]
    lost = [
        j for j in acted if j.overlaps is not None and not (j.overlaps[:1] >= LEAST_OVERLAP).any()
    ]
    return Choice(
        best,
        sorted(wrong, key=lambda j: -j.raised[1])[:WORST],
        sorted(right, key=lambda j: j.raised[1])[:WORST],
        sorted(alarms, key=lambda j: -j.raised[1])[:WORST],
        sorted(lost, key=lambda j: -max((c.score for c in j.candidates), default=0.0))[:WORST],
    )


def _own(judgement: Judgement, labels: LabelSet) -> int | None:
    """Rank of the first candidate that is the true action's object; None where none is."""
    thing = labels.actions[str(judgement.sample.action)]
    for rank, candidate in enumerate(judgement.candidates):
        if candidate.label == thing:
            return rank
    return None


class _Painter:
    """Draws tiles; every image is run once more, to have its maps."""

    def __init__(self, recognizer: Recognizes) -> None:
        self._recognizer, self._labels = recognizer, recognizer.labels

    def detection(self, judgement: Judgement) -> Tile:
        """The photo and, beside it, the object weighted by its probability."""
        image = read_image(judgement.sample.path)
        result = self._recognizer(image, explain=True)
        rank = _own(judgement, self._labels) or 0
        pictures = [outlined(fitted(image, *PHOTO), result, self._labels, bare=True)]
        if rank < len(result.candidates):
            candidate = result.candidates[rank]
            pictures.append(weighted_crop(image, result, self._labels, candidate, OBJECT))
        name, probability = judgement.raised
        return Tile(pictures, judgement.sample.path.name, f"{spoken(name)} {probability:.2f}")

    def mistake(self, judgement: Judgement, said: str) -> Tile:
        """The photo with what was found and, in white, what is annotated."""
        image, action = read_image(judgement.sample.path), judgement.sample.action
        result = self._recognizer(image)
        picture = outlined(fitted(image, *PHOTO), result, self._labels, bare=True)
        thing = self._labels.actions.get(action or NO_ACTION)
        if thing is not None:
            add_truth(picture, judgement.sample, thing)
        plain = action in (judgement.raised[0], NO_ACTION, None)
        true = "" if plain else f"true: {spoken(str(action))}"
        return Tile([picture], judgement.sample.path.name, said, true)


def _said(judgement: Judgement) -> str:
    name, probability = judgement.raised
    return f"{spoken(name)} {probability:.2f}"


def _lost(judgement: Judgement) -> str:
    if judgement.overlaps is None or not len(judgement.candidates):
        return "No candidate"
    first = judgement.candidates[0]
    later = np.nonzero(judgement.overlaps >= LEAST_OVERLAP)[0]
    where = f"found at rank {later[0] + 1}" if len(later) else f"IoU {judgement.overlaps[0]:.2f}"
    return f"{spoken(first.label)} {first.score:.2f}, {where}"


def write_report(
    path: Path,
    recognizer: Recognizes,
    judgements: Sequence[Judgement],
    figures: Mapping[str, Any],
    title: str,
    progress: Progress | None = None,
) -> None:
    """Write the page.

    Args:
        path: the HTML file; complete or not there at all.
        recognizer: the model that was judged.
        judgements: of `judge_all`.
        figures: of `summarise`.
        title: such as "mobile on test.json".
        progress: called with the number of images drawn and their total, after each.

    Raises:
        DataError: an image can no longer be read.
        SinkError: the page cannot be written.
    """
    labels, paint = recognizer.labels, _Painter(recognizer)
    choice = choose(judgements, labels, recognizer.threshold)
    mistakes = (
        ("Wrong action", "An action was most probable that is not the true one.", choice.wrong),
        ("Right, but hardly", "The right action, with the lowest probabilities.", choice.weak),
        ("False alarms", "Photos of no action that reach the threshold.", choice.alarms),
        ("Object missed", "The best candidate does not lie on the object.", choice.lost),
    )
    shown = [*choice.best.values(), *(part for _, _, part in mistakes)]
    done, total = 0, sum(map(len, shown))

    def step(tile: Tile) -> Tile:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)
        return tile

    detections = [
        Group(spoken(action), "", [step(paint.detection(j)) for j in chosen])
        for action, chosen in choice.best.items()
    ]
    groups = []
    for name, note, chosen in mistakes:
        say = _lost if name == "Object missed" else _said
        groups.append(Group(name, note, [step(paint.mistake(j, say(j))) for j in chosen]))
    sections = [
        Section(
            "Best detections",
            "The photos of each action with the highest probability: the candidates outlined, and "
            "the object weighted by its probability at each pixel.",
            detections,
        ),
        Section("Worst mistakes", "In colour what was found, in white what was annotated.", groups),
    ]
    write_atomic(path, render_page(title, figures, sections).encode())
