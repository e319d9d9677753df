"""The report as a card for people: each regime with what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fra_live.benchmark.measure import NETWORK_STAGES
from fra_live.benchmark.precisions import obstacles

_BAR = 28  # characters that stand for the longest stage

Report = Mapping[str, Any]


def print_card(console: Console, report: Report) -> None:
    """Print what `run_bench` returned."""
    _head(console, report)
    _stages(console, report)
    _throughput(console, report)
    _arithmetic(console, report)
    _candidates(console, report)
    if "engines" in report:
        _engines(console, report["engines"])
    if "cameras" in report:
        _cameras(console, report["cameras"])
    if "peer" in report:
        _peer(console, report["peer"])
    console.print()


def _head(console: Console, report: Report) -> None:
    height, width = report["frame"]
    machine = report["machine"]
    where = machine["gpu"] if machine["gpu"] and report["backend"] != "openvino" else machine["cpu"]
    console.print()
    console.print(
        f"[bold]{escape(report['model'])}[/bold] under {report['backend']} in "
        f"{report['precision']} ({escape(report['reason'])}), {width}×{height} px"
    )
    threads = f", {_count(report['threads'], 'thread')}" if report["threads"] else ""
    console.print(f"{escape(where)}, {_count(machine['cores'], 'core')}{threads}")
    console.print(f"{escape(report['frames_from'])}", style="dim")
    if machine["busy"]:
        console.print(
            f"The machine was busy before this began (load {machine['load']:.1f} on "
            f"{_count(machine['cores'], 'core')}): it can do better than these figures.",
            style="yellow",
        )


def _section(console: Console, title: str, explanation: str) -> None:
    console.print()
    console.print(title, style="bold")
    console.print(explanation, style="dim")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", header_style="dim")
    return table


def _stages(console: Console, report: Report) -> None:
    latency = report["latency_ms"]
    _section(
        console,
        "One camera, frame after frame",
        "The whole recognizer, warm: from handing a frame over to having its result.",
    )
    console.print(
        f"[bold]{report['one_at_a_time_fps']:.1f} frames/s[/bold]; a frame takes "
        f"{latency['p50']:.1f} ms (median), {latency['p95']:.1f} ms (95 %), "
        f"{latency['max']:.1f} ms at most, of {report['frames']} frames"
    )
    table = _table("stage", "ms")
    table.add_column("")
    longest = max([*report["stages_ms"].values(), 1e-9])
    for name, spent in report["stages_ms"].items():
        bar = "█" * round(_BAR * spent / longest)
        network = name in NETWORK_STAGES
        table.add_row(name, f"{spent:.2f}", f"[{'cyan' if network else 'white'}]{bar}[/]")
    console.print(table)
    contents = report["contents"]
    console.print(
        f"The networks take {report['network_ms']:.2f} ms, all else "
        f"{100 * report['overhead_share']:.0f} % of a frame. On average a frame has "
        f"{contents['windows']:.1f} windows and {contents['candidates']:.0f} candidates."
    )
    cold = report["cold"]
    console.print(
        f"Cold: {cold['load_s']:.1f} s to load, {cold['first_frame_s']:.1f} s for the first frame."
    )


def _throughput(console: Console, report: Report) -> None:
    together = report["throughput"]
    count = together["side_by_side"]
    _section(
        console,
        "Frames side by side",
        f"As files are worked through: {_count(count, 'recognizer')} on a share of the cores each.",
    )
    latency = together["latency_ms"]
    console.print(
        f"[bold]{together['fps']:.1f} frames/s[/bold]; a frame is back after "
        f"{latency['p50']:.1f} ms (median), {latency['p95']:.1f} ms (95 %)"
    )


def _arithmetic(console: Console, report: Report) -> None:
    work = report["arithmetic"]
    _section(
        console,
        "Arithmetic",
        "Convolutions and matrix products, against the best large matrix product on this machine"
        " in the same precision (on a CPU, in f32 for int8).",
    )
    console.print(
        f"{work['frame_gflop']:.2f} GFLOP a frame: {work['coarse_gflop']:.2f} coarse and "
        f"{work['window_gflop']:.2f} for each of {report['contents']['windows']:.1f} windows"
    )
    if "peak_unknown" in work:
        console.print(escape(work["peak_unknown"]), style="yellow")
        return
    console.print(
        f"At the machine's {work['peak_gflop_per_s']:.0f} GFLOP/s they would take "
        f"{work['floor_ms']:.2f} ms: the networks reach {100 * work['share_of_peak']:.0f} % of that"
    )


def _candidates(console: Console, report: Report) -> None:
    _section(
        console,
        "Number of candidates",
        "The same frames, with the most probable 1, 10 … candidates kept; to reach so many, regions"
        " count here that are otherwise left out.",
    )
    table = _table("candidates", "ms")
    for row in report["candidates"]:
        table.add_row(f"{row['candidates']:.0f}", f"{row['frame_ms']:.2f}")
    console.print(table)
    first, last = report["candidates"][0], report["candidates"][-1]
    console.print(
        f"From {first['candidates']:.0f} to {last['candidates']:.0f}: "
        f"{100 * report['candidates_growth']:+.1f} % of a frame"
    )


def _engines(console: Console, rows: list[Report]) -> None:
    _section(console, "Engines and precisions", "One camera under whatever works on this machine.")
    table = _table("engine", "precision", "frames/s", "p50 ms", "p95 ms", "networks ms")
    table.columns[1].justify = "left"
    for row in rows:
        if "obstacle" in row:
            continue
        p50, p95 = row["latency_ms"]["p50"], row["latency_ms"]["p95"]
        figures = (row["fps"], p50, p95, row["network_ms"])
        table.add_row(row["backend"], row["precision"], *(f"{value:.1f}" for value in figures))
    console.print(table)
    for line in obstacles(rows):
        console.print(escape(f"Not timed: {line}"), style="dim")


def _cameras(console: Console, rows: list[Report]) -> None:
    _section(
        console,
        "Several cameras at once",
        "A recognizer and a thread for each; the cores are shared out among their networks.",
    )
    table = _table("cameras", "frames/s in all", "each", "slowest", "p50 ms", "p95 ms")
    for row in rows:
        latency = row["latency_ms"]
        figures = (row["fps"], row["fps_each"], row["fps_slowest"], latency["p50"], latency["p95"])
        table.add_row(str(row["cameras"]), *(f"{value:.1f}" for value in figures))
    console.print(table)


def _peer(console: Console, peer: Report) -> None:
    _section(
        console,
        "Beside",
        "The other network alone, without its preparation and its boxes and masks; ours with all.",
    )
    if "obstacle" in peer:
        console.print(escape(peer["obstacle"]), style="yellow")
        return
    console.print(
        f"{escape(peer['name'])} at {peer['size']}×{peer['size']} px: {peer['fps']:.1f} frames/s "
        f"({peer['latency_ms']['p50']:.1f} ms); ours runs "
        f"[bold]{peer['times_its_rate']:.1f} times[/bold] as fast"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
