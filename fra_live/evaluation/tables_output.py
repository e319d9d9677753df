"""The tables for people and for programs: on a terminal, as JSON and CSV, and Figure 2 drawn."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from fra_live.errors import SinkError
from fra_live.evaluation.printing import figure, words
from fra_live.evaluation.tables_drawing import draw_sizes
from fra_live.evaluation.tables_form import Table
from fra_live.evaluation.tables_paper import FIGURE_2
from fra_live.evaluation.tables_run import Made
from fra_live.evaluation.tables_sizes import THIRDS, Sizes


def print_made(console: Console, made: Made) -> None:
    """Print all that was made."""
    print_tables(console, made.tables)
    if made.sizes is not None:
        print_sizes(console, made.sizes)
    if "networks" in made.others:
        print_variants(console, made.others["networks"])
    if "pooling" in made.others:
        print_pooling(console, made.others["pooling"])


def print_tables(console: Console, tables: Sequence[Table]) -> None:
    """Print each table, its trends and its note; the paper's lines are dim."""
    for table in tables:
        shown = RichTable(
            title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
        )
        for name in ("", "", "mean", *map(words, table.actions)):
            shown.add_column(name, justify="right" if name else "left")
        last = None
        for name, source, figures in table.lines():
            if last not in (None, name):
                shown.add_section()
            cells = [figure(figures[key]) for key in ("mean", *table.actions)]
            label = name if name != last else ""
            style = "dim" if source == "paper" else "bold" if source == "test" else ""
            shown.add_row(label, source, *cells, style=style)
            last = name
        console.print(shown)
        for trend in table.trends:
            ahead = f"{trend.difference:+.3f}"
            if trend.interval is not None:
                ahead += f", 95 % {trend.interval[0]:+.3f} to {trend.interval[1]:+.3f}"
            good = trend.difference > 0
            console.print(
                f"  {'✓' if good else '✗'} {trend.claim}: {trend.verdict} "
                f"({trend.measured_on}: {ahead})",
                style="green" if good else "yellow",
            )
        if table.note:
            console.print(f"  {table.note}", style="dim")
        console.print()


def print_sizes(console: Console, sizes: Sizes) -> None:
    """Print Figure 2's figures."""
    title = f"Figure 2: size of the object against average precision, {sizes.count} test images"
    shown = RichTable(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in ("", "share of image", *sizes.ap):
        shown.add_column(name, justify="right" if name else "left")
    for action, share in sorted(sizes.share.items(), key=lambda pair: pair[1]):
        values = [figure(row[action]) for row in sizes.ap.values()]
        shown.add_row(words(action), f"{100 * share:.2f} %", *values)
    shown.add_section()
    for third in THIRDS:
        values = [figure(row.get(third)) for row in sizes.thirds.values()]
        shown.add_row(f"{third} third", "", *values)
    console.print(shown)
    console.print(
        f"  paper: classes of small objects {figure(FIGURE_2['small'])}, of large ones "
        f"{figure(FIGURE_2['large'])} (baseline, 40 classes)\n",
        style="dim",
    )


def print_variants(console: Console, found: Mapping[str, Any]) -> None:
    """Print what `compare_variants` returned."""
    measures = {"mean_ap": "mean AP", "mean_iou": "mean IoU", "mean_top1": "IoU .5, top 1"}
    shown = RichTable(
        title=found["title"], title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    for name in ("", *measures.values()):
        shown.add_column(name, justify="right" if name else "left")
    for row in found["rows"].values():
        shown.add_row(row["name"], *(figure(row[measure]) for measure in measures))
    console.print(shown)
    for trend in found["trends"]:
        ahead = [
            f"{name} {trend[measure]:+.3f}"
            for measure, name in measures.items()
            if trend[measure] is not None
        ]
        console.print(f"  {trend['claim']}: {', '.join(ahead)}")
    console.print()


def print_pooling(console: Console, found: Mapping[str, Any]) -> None:
    """Print what `compare_pooling` returned."""
    shown = RichTable(
        title=found["title"], title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    for name in ("", "mean AP", "IoU .5, top 1", "IoU .5, top 3", "mean error of the overlap"):
        shown.add_column(name, justify="right" if name else "left")
    for name, row in found["rows"].items():
        shown.add_row(name, *(figure(value) for value in row.values()))
    console.print(shown)
    for trend in found["trends"]:
        low, high = trend["interval"]
        console.print(
            f"  {trend['claim']}: {trend['verdict']} ({trend['measured_on']}: "
            f"{trend['difference']:+.3f}, 95 % {low:+.3f} to {high:+.3f})\n"
        )


def _write(path: Path, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SinkError(f"{path} cannot be written: {error.strerror}.") from error


def as_csv(table: Table) -> str:
    """A table as CSV: row, source, mean, and the actions; empty where nothing was measured."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["row", "source", "mean_ap", *table.actions])
    for name, source, figures in table.lines():
        values = [figures[key] for key in ("mean", *table.actions)]
        rows.writerow([name, source, *("" if v is None else f"{v:.4f}" for v in values)])
    return text.getvalue()


def write_tables(folder: Path, made: Made) -> list[Path]:
    """Write tables.json, a CSV a table, and figure2.png; the folder is made where it is missing.

    Returns:
        The files written.

    Raises:
        SinkError: the folder cannot be written.
        MissingExtraError: there is a figure to draw and matplotlib is not installed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{folder} cannot be made: {error.strerror}.") from error
    text = json.dumps(as_dict(made), indent=2, allow_nan=False) + "\n"
    content: dict[Path, str | bytes] = {folder / "tables.json": text}
    for table in made.tables:
        content[folder / f"{table.key}.csv"] = as_csv(table)
    if made.sizes is not None:
        content[folder / "figure2.png"] = draw_sizes(made.sizes)
    for path, data in content.items():
        _write(path, data)
    return list(content)


def as_dict(made: Made) -> dict[str, Any]:
    """All tables for JSON, by their keys."""
    found: dict[str, Any] = {table.key: table.to_dict() for table in made.tables}
    if made.sizes is not None:
        found["figure2"] = made.sizes.to_dict()
    return found | made.others
