"""`fra-live engines verify`."""

from __future__ import annotations

import argparse
from typing import Any

from fra_live.commands.common import print_table, progress_bar, say, write_json


def verify(args: argparse.Namespace) -> int:
    """Compare, print and write; 1 where an engine is too far off or none could be compared."""
    from fra_live.evaluation.verify import VerifyOptions, verify_engines
    from fra_live.runtime.bundle import load_bundle

    options = VerifyOptions(
        engine=args.engine, precision=args.precision, images=args.images, data=args.data,
        limit=args.limit,
    )  # fmt: skip
    with progress_bar("frames") as bar:
        report = verify_engines(load_bundle(args.model), options, say, bar)
    if args.json:
        write_json(report, args.json)
    if args.json != "-":
        _print_verified(report)
    if not any("networks" in row for row in report["engines"]):
        return 1
    wrong = [
        f"{row['backend']} {row['precision']}"
        for row in report["engines"]
        if any(n["mean"] > args.tolerance for n in row.get("networks", ()))
    ]
    if wrong:
        say(f"{', '.join(wrong)}: more than {args.tolerance:g} from the reference on average.")
    return 1 if wrong else 0


def _print_verified(report: dict[str, Any]) -> None:
    rows: list[list[str]] = []
    obstacles: dict[str, list[str]] = {}
    for row in report["engines"]:
        name = f"{row['backend']} {row['precision']}"
        if "obstacle" in row:
            obstacles.setdefault(row["obstacle"], []).append(name)
            continue
        change = row.get("mean_ap_change")
        ap = "" if change is None else f"{row['mean_ap']:.4f} ({change:+.4f})"
        rows += [
            [name if n["network"] == "coarse" else "", n["network"], f"{n['largest']:.5f}",
             f"{n['mean']:.2g}", f"{100 * n['same_label']:.2f} %",
             ap if n["network"] == "coarse" else ""]
            for n in row["networks"]
        ]  # fmt: skip
    columns = ("engine", "network", "largest error", "mean error", "same label", "mean AP")
    shown = len(columns) if "mean_ap" in report else len(columns) - 1
    if rows:
        title = f"against torch in float32, on {report['frames']}"
        print_table(columns[:shown], [row[:shown] for row in rows], title)
    for why, names in obstacles.items():
        say(f"not {', '.join(names)}: {why}")
