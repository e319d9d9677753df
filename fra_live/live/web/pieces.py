"""HTML of what was found: lists, tables, bars and the timeline. Every text is escaped.

Colours are the labels' own, the same as in the pictures; words stand beside every colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fra_live.labels import LabelSet
from fra_live.live.events import ActiveEvent
from fra_live.live.hud import spoken
from fra_live.results import Event, FrameResult

_LISTED = 50
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)  # s
_MOST_TICKS = 6


def note(text: str, kind: str = "") -> str:
    """A sentence; kind "bad" makes it a warning."""
    role = "alert" if kind == "bad" else "status"
    return f'<p class="fl-note {kind}" role="{role}">{escape(text)}</p>' if text else ""


def clock(seconds: float, tenths: bool = False) -> str:
    """Minutes and seconds: 0:07 or 0:07.3."""
    if tenths:
        whole = round(seconds * 10)
        return f"{whole // 600}:{whole // 10 % 60:02d}.{whole % 10}"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def colour(labels: LabelSet, action: str) -> str:
    """The colour of an action's object, for CSS."""
    blue, green, red = labels.colour(labels.actions[action])
    return f"rgb({red},{green},{blue})"


def event_list(
    labels: LabelSet, active: Sequence[ActiveEvent], ended: Sequence[Event], count: int
) -> str:
    """The running list: what goes on, then what has ended, the latest first.

    Args:
        labels: actions and their colours.
        active: what goes on.
        ended: what has ended, the latest last.
        count: how many have ended in all.
    """
    several = len({e.person for e in active} | {e.person for e in ended}) > 1
    rows = [
        _list_row(labels, e.action, _who(e.person, several), e.start_s, e.duration_s, e.score, True)
        for e in reversed(active)
        if not e.ending
    ]
    rows += [
        _list_row(
            labels, e.action, _who(e.person, several),
            e.start_s, e.end_s - e.start_s, e.peak_score, False,
        )
        for e in reversed(ended[-_LISTED:])
    ]  # fmt: skip
    if not rows:
        return '<p class="fl-empty">Nothing yet. Drink, phone or brush your teeth!</p>'
    more = count - min(len(ended), _LISTED)
    foot = f'<p class="fl-empty">and {more} earlier ones</p>' if more > 0 else ""
    return f'<ol class="fl-events">{"".join(rows)}</ol>{foot}'


def event_table(labels: LabelSet, events: Sequence[Event]) -> str:
    """A table of the events of a video; a click on a row goes there in the video."""
    if not events:
        return '<p class="fl-empty">No action was found in this video.</p>'
    several = len({e.person for e in events}) > 1
    head = "".join(f"<th>{h}</th>" for h in ("Action", "Start", "End", "Lasts", "Sure"))
    rows = []
    for e in events:
        who = _who(e.person, several)
        name = f"{_dot(labels, e.action)}{escape(spoken(e.action))}"
        name += f" <small>{escape(who)}</small>" if who else ""
        cells = (
            name, clock(e.start_s, True), clock(e.end_s, True),
            f"{e.end_s - e.start_s:.1f} s", f"{100 * e.peak_score:.0f} %",
        )  # fmt: skip
        body = "".join(f"<td>{c}</td>" for c in cells)
        rows.append(f'<tr tabindex="0" data-seek="{e.start_s:.2f}">{body}</tr>')
    return (
        f'<table class="fl-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def timeline(labels: LabelSet, events: Sequence[Event], duration_s: float) -> str:
    """When each action happened, a row an action.

    Args:
        labels: actions and their colours.
        events: of one video.
        duration_s: of the video, s.
    """
    length = max([duration_s, 0.1, *(e.end_s for e in events)])
    rows = []
    for action in labels.action_names:
        bars = []
        for e in events:
            if e.action != action:
                continue
            left, width = 100 * e.start_s / length, 100 * (e.end_s - e.start_s) / length
            told = f"{spoken(action)}, {clock(e.start_s, True)} to {clock(e.end_s, True)}, "
            told += f"{100 * e.peak_score:.0f} % sure"
            bars.append(
                f'<button class="fl-bar" data-seek="{e.start_s:.2f}" title="{escape(told)}"'
                f' aria-label="{escape(told)}" style="left:{left:.2f}%;width:{width:.2f}%;'
                f'background:{colour(labels, action)}"></button>'
            )
        rows.append(
            f'<div class="fl-row"><span>{_dot(labels, action)}{escape(spoken(action))}</span>'
            f'<div class="fl-track">{"".join(bars)}</div></div>'
        )
    step = next((t for t in _TICKS if length / t <= _MOST_TICKS), 7200)
    marks = "".join(
        f'<i{" class=end" if t > 0.97 * length else ""} style="left:{100 * t / length:.2f}%">'
        f"{clock(t)}</i>"
        for t in range(0, int(length) + 1, step)
    )
    return (
        f'<div class="fl-timeline">{"".join(rows)}'
        f'<div class="fl-row"><span></span><div class="fl-axis">{marks}</div></div></div>'
    )


def action_bars(labels: LabelSet, result: FrameResult) -> str:
    """The probability of every action, the threshold marked."""
    rows = []
    for action, probability in result.actions.items():
        share = f"{100 * probability:.0f} %"
        known = action in labels.actions
        tint = colour(labels, action) if known else "var(--body-text-color-subdued)"
        raised = known and probability >= result.threshold
        mark = f'<i style="left:{100 * result.threshold:.1f}%"></i>' if known else ""
        name = spoken(action) if known else "None of these"
        rows.append(
            f'<div class="fl-row{" raised" if raised else ""}"><span>{escape(name)}</span>'
            f'<div class="fl-meter"><b style="width:{100 * probability:.1f}%;background:{tint}">'
            f"</b>{mark}</div><em>{share}</em></div>"
        )
    return f'<div class="fl-bars">{"".join(rows)}</div>'


def _list_row(
    labels: LabelSet,
    action: str,
    who: str,
    start_s: float,
    lasts_s: float,
    score: float,
    now: bool,
) -> str:
    badge = '<b class="fl-now">now</b>' if now else ""
    note = f"<small>{escape(who)}</small>" if who else ""
    return (
        f'<li style="border-color:{colour(labels, action)}"{" class=now" if now else ""}>'
        f"<time>{clock(start_s)}</time><span>{escape(spoken(action))} {note}{badge}</span>"
        f"<em>{lasts_s:.1f} s</em><em>{100 * score:.0f} %</em></li>"
    )


def _who(person: int | None, several: bool) -> str:
    return f"person {person + 1}" if several and person is not None else ""


def _dot(labels: LabelSet, action: str) -> str:
    return f'<span class="fl-dot" style="background:{colour(labels, action)}"></span>'
