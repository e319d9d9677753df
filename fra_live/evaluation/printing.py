"""The figures of `evaluate` as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


def percent(value: float | None) -> str:
    """A share as "94.1 %"; a dash where nothing was measured."""
    return "–" if value is None else f"{100 * value:.1f} %"


def figure(value: float | None) -> str:
    """A figure in 0..1 as ".941"; a dash where nothing was measured."""
    return "–" if value is None else f"{value:.3f}".replace("0.", ".", 1)


def words(name: str) -> str:
    """A label's or action's name as people write it: "blowing bubbles"."""
    return name.replace("_", " ")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    return table


def print_report(console: Console, figures: Mapping[str, Any]) -> None:
    """Print what `evaluate` returned.

    Args:
        console: where to.
        figures: see `fra_live.evaluation.evaluate.summarise`.
    """
    actions = _table(f"Actions, {figures['n']} images", "action", "average precision")
    for action, value in figures["ap"].items():
        actions.add_row(words(action), figure(value))
    actions.add_section()
    actions.add_row("mean", figure(figures["mean_ap"]), style="bold")
    console.print(actions)

    objects = _table("Objects, boxes with IoU .5 or more", "object", "images", "top 1", "top 3")
    objects.add_column("top 1, right label", justify="right")
    for name, row in figures["localisation"].items():
        shares = [row["top1_iou50"], row["top3_iou50"], row["top1_right_label_iou50"]]
        objects.add_row(words(name), str(row["n"]), *map(percent, shares))
    objects.add_section()
    objects.add_row("mean", "", *map(percent, figures["mean_localisation"].values()), style="bold")
    console.print(objects)

    outlines = _table("Outlines of the merged map", "label", "IoU")
    for name, value in figures["iou"].items():
        outlines.add_row(words(name), figure(value))
    outlines.add_section()
    outlines.add_row("mean of objects", figure(figures["mean_iou"]), style="bold")
    console.print(outlines)

    none = figures["none"]
    console.print(
        f"At the threshold {none['threshold']:.3f}: "
        f"{percent(none['recall_at_that_threshold'])} of the actions are found and named right; "
        f"{percent(none['false_alarm_rate'])} of {none['n']} images of no action raise one."
    )


def print_clip(console: Console, figures: Mapping[str, Any]) -> None:
    """Print what `evaluate_clip` returned."""
    title = f"{figures['clip']}: {figures['found']} of {figures['n']} actions found"
    table = _table(title, "action", "true", "found", "start error", "end error")
    for row in figures["actions"]:
        true = f"{row['start_s']:.1f}–{row['end_s']:.1f} s"
        if row["event"] is None:
            table.add_row(words(row["action"]), true, "missed", "", "", style="red")
            continue
        event = row["event"]
        table.add_row(
            words(row["action"]),
            true,
            f"{event['start_s']:.1f}–{event['end_s']:.1f} s",
            f"{row['start_error_s']:+.2f} s",
            f"{row['end_error_s']:+.2f} s",
        )
    console.print(table)
    for event in figures["false_events"]:
        kind = "repeated" if event["repeats"] else "false"
        span = f"{event['start_s']:.1f}–{event['end_s']:.1f} s"
        console.print(f"{kind}: {words(event['action'])}, {span}", style="yellow")
    console.print(
        f"{figures['missed']} missed, {figures['false']} false"
        f" ({figures['repeated']} of them repeat an action already found)."
    )
