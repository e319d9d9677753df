"""The panels in the frame's corners: running figures, action probabilities, the banner.

Every function draws one panel and returns the rectangle it took, so that labels keep clear of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fra_live.labels import NO_ACTION, LabelSet
from fra_live.live.drawing import INK, MUTED, Canvas, Rect
from fra_live.live.events import ActiveEvent
from fra_live.live.lettering import BOLD, MEDIUM
from fra_live.results import FrameResult

_MEAN_OF = 15  # frames: figures that change with every frame cannot be read
_MOST_BANNERS = 3
_ROOMY = 480  # px across: on smaller frames the panels would hide what matters


@dataclass(frozen=True)
class Hud:
    """The figures of a running loop.

    Attributes:
        fps: frames shown per second.
        age_ms: from capture to display, ms.
        stages_ms: name of a stage → ms; empty takes the result's own.
        lines: messages ("camera lost, reopening …"); a tab puts what follows in a second column.
        recognized_fps: frames recognized per second, where other frames are shown too.
        recognized_ms: from capture of the frame that was recognized last to display, ms.
    """

    fps: float | None = None
    age_ms: float | None = None
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    recognized_fps: float | None = None
    recognized_ms: float | None = None


class StageMeans:
    """Running means of the stages' times."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}

    def update(self, stages_ms: Mapping[str, float]) -> dict[str, float]:
        """Means after one more frame; stages that are gone are dropped."""
        self._means = {
            name: self._means.get(name, value) + (value - self._means.get(name, value)) / _MEAN_OF
            for name, value in stages_ms.items()
        }
        return self._means


def spoken(name: str) -> str:
    """A label or an action as a person reads it: "blowing_bubbles" → "Blowing bubbles"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def figures_panel(canvas: Canvas, hud: Hud, stages: Mapping[str, float]) -> Rect:
    """Frames per second, age and, where there is room, the stages; top left."""
    s, letters = canvas.sizes, canvas.letters
    head = [] if hud.fps is None else [f"{hud.fps:.0f} fps"]
    head += [] if hud.age_ms is None else [f"{hud.age_ms:.0f} ms"]
    room = int(0.42 * canvas.height / (1.4 * s.small)) - 1
    recognized = [] if hud.recognized_fps is None else [_recognized_row(hud)]
    rows = [(name, f"{value:.1f}") for name, value in _stage_rows(stages, room - len(recognized))]
    rows = [*recognized, *rows] if canvas.width >= _ROOMY else []
    if not head and not rows:
        return (0, 0, 0, 0)
    pad, step = s.gap, round(1.4 * s.small)
    name_width = max((letters.width(n, s.small) for n, _ in rows), default=0)
    figure_width = max((letters.width(f, s.small) for _, f in rows), default=0)
    width = name_width + 2 * s.gap + max(figure_width, letters.width("888.8", s.small))
    width = max(width, letters.width("888 fps  8888 ms", s.text, MEDIUM))
    top = round(1.5 * s.text) if head else 0
    rect = (s.gap, s.gap, width + 2 * pad, top + step * len(rows) + round(1.2 * pad))
    canvas.panel(rect)
    left, right = rect[0] + pad, rect[0] + pad + width
    baseline = rect[1] + pad // 2 + s.text
    if head:
        canvas.text(head[0], (left, baseline), s.text, BOLD, halo=False)
    if len(head) > 1:
        x = right - letters.width(head[1], s.text)
        canvas.text(head[1], (x, baseline), s.text, colour=INK, halo=False)
    y = rect[1] + pad // 2 + top
    for name, figure in rows:
        baseline = y + s.small
        canvas.text(name, (left, baseline), s.small, colour=MUTED, halo=False)
        x = right - letters.width(figure, s.small)
        canvas.text(figure, (x, baseline), s.small, colour=INK, halo=False)
        y += step
    return rect


def message_panel(canvas: Canvas, lines: Sequence[str], below: Rect) -> Rect:
    """Messages and help under the figures."""
    s, letters = canvas.sizes, canvas.letters
    y = below[1] + below[3] + s.gap
    step = round(1.45 * s.small)
    count = min(len(lines), (canvas.height - y - 2 * s.gap) // step)
    if count < 1:
        return (0, 0, 0, 0)
    cells = [line.split("\t", 1) for line in lines[:count]]
    first = max((letters.width(c[0], s.small, MEDIUM) for c in cells if len(c) > 1), default=0)
    second = first + 2 * s.gap
    room = canvas.width - 4 * s.gap
    widths = [
        letters.width(c[0], s.small, MEDIUM) if len(c) == 1
        else second + letters.width(c[1], s.small)
        for c in cells
    ]  # fmt: skip
    rect = (s.gap, y, min(room, max(widths)) + 2 * s.gap, step * count + s.gap)
    canvas.panel(rect)
    baseline = y + s.gap // 2 + s.small
    for cell in cells:
        text = letters.fit(cell[0], s.small, MEDIUM, room)
        canvas.text(text, (2 * s.gap, baseline), s.small, MEDIUM, halo=False)
        if len(cell) > 1:
            text = letters.fit(cell[1], s.small, 400, room - second)
            canvas.text(text, (2 * s.gap + second, baseline), s.small, 400, MUTED, halo=False)
        baseline += step
    return rect


def actions_panel(canvas: Canvas, result: FrameResult, labels: LabelSet) -> Rect:
    """The probability of every action with the threshold marked, top right."""
    s, letters = canvas.sizes, canvas.letters
    names = [n for n in labels.action_names if n in result.actions]
    step = round(1.5 * s.small)
    words = max((letters.width(spoken(n), s.small) for n in names), default=0)
    bar = round(4.5 * s.small)
    width = words + 2 * s.gap + bar
    if not names or canvas.width < _ROOMY or step * len(names) > 0.4 * canvas.height:
        return (0, 0, 0, 0)
    rect = (canvas.width - width - 3 * s.gap, s.gap, width + 2 * s.gap, step * len(names) + s.gap)
    canvas.panel(rect)
    left, y = rect[0] + s.gap, rect[1] + s.gap // 2
    for name in names:
        probability = float(result.actions[name])
        raised = probability >= result.threshold
        colour = INK if raised else MUTED
        canvas.text(spoken(name), (left, y + s.small), s.small, 400, colour, halo=False)
        thick = max(3, s.small // 3)
        track = (left + words + 2 * s.gap, y + round(0.68 * s.small) - thick // 2, bar, thick)
        canvas.meter(track, probability, canvas.colour(labels.actions[name]), result.threshold)
        y += step
    return rect


def banner(
    canvas: Canvas, result: FrameResult, labels: LabelSet, active: Sequence[ActiveEvent] | None
) -> list[Rect]:
    """What is going on, bottom left, the newest lowest.

    Args:
        canvas: to draw on.
        result: of the frame.
        labels: actions and their objects.
        active: events that go on; None where nobody tracks them: then the frame alone counts.
    """
    if active is None:
        if result.action == NO_ACTION:
            return []
        shown = [(result.action, result.best_action[1], "", False)]
    else:
        several = len(result.people) > 1 or len({e.person for e in active}) > 1
        shown = [(e.action, e.score, _note(e, several), e.ending) for e in active[-_MOST_BANNERS:]]
    rects: list[Rect] = []
    bottom = canvas.height - canvas.sizes.gap
    for action, score, note, ending in reversed(shown):
        rect = _one_banner(canvas, result, labels, (action, score, note, ending), bottom)
        rects.append(rect)
        bottom = rect[1] - max(2, canvas.sizes.gap // 2)
        if bottom < canvas.height // 2:
            break
    return rects


def _one_banner(
    canvas: Canvas,
    result: FrameResult,
    labels: LabelSet,
    shown: tuple[str, float, str, bool],
    bottom: int,
) -> Rect:
    action, score, note, ending = shown
    s, letters = canvas.sizes, canvas.letters
    colour = canvas.colour(labels.actions[action])
    flag, room = max(3, s.gap // 2), canvas.width - 6 * s.gap
    title = letters.fit(spoken(action), s.large, BOLD, room)
    percent = f"{100 * score:.0f} %"
    meter_room = 2 * s.gap + letters.width("100 %", s.text, MEDIUM)
    width = max(letters.width(title, s.large, BOLD), 7 * s.large)
    if note:
        width = max(width, letters.width(title, s.large, BOLD) + 2 * s.gap
                    + letters.width(note, s.small))  # fmt: skip
    width = min(width, room)
    height = round(1.35 * s.large + 1.35 * s.text + s.gap)
    rect = (s.gap, bottom - height, flag + width + 3 * s.gap, height)
    canvas.panel(rect, 0.74)
    canvas.block((rect[0], rect[1] + s.gap // 2, flag, height - s.gap), colour)
    left, ink = rect[0] + flag + s.gap, MUTED if ending else INK
    baseline = rect[1] + s.gap // 2 + round(1.02 * s.large)
    used = canvas.text(title, (left, baseline), s.large, BOLD, ink, halo=False)
    note = letters.fit(note, s.small, 400, width - used - s.gap)
    x = left + width - letters.width(note, s.small)
    canvas.text(note, (x, baseline), s.small, 400, MUTED, halo=False)
    baseline = rect[1] + height - s.gap // 2 - round(0.38 * s.text)
    thick = max(4, round(0.36 * s.text))
    track = (left, baseline - round(0.36 * s.text) - thick // 2, width - meter_room, thick)
    canvas.meter(track, score, MUTED if ending else colour, result.threshold)
    x = left + width - letters.width(percent, s.text, MEDIUM)
    canvas.text(percent, (x, baseline), s.text, MEDIUM, ink, halo=False)
    return rect


def _note(event: ActiveEvent, several: bool) -> str:
    person = f"person {event.person + 1}   " if several and event.person is not None else ""
    return f"{person}{event.duration_s:.1f} s"


def _recognized_row(hud: Hud) -> tuple[str, str]:
    age = "" if hud.recognized_ms is None else f"{hud.recognized_ms:.0f} ms ago"
    return f"recognized {hud.recognized_fps:.0f}/s", age


def _stage_rows(stages: Mapping[str, float], most: int) -> list[tuple[str, float]]:
    """The stages in their order, the smallest summed up where there is no room for all."""
    if most < 2 or not stages:
        return []
    rows = list(stages.items())
    if len(rows) > most:
        kept = set(sorted(stages, key=lambda n: -stages[n])[: most - 1])
        rest = sum(v for n, v in rows if n not in kept)
        rows = [(n, v) for n, v in rows if n in kept] + [("other", rest)]
    return rows
