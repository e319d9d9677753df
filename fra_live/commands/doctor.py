"""`fra-live doctor`."""

from __future__ import annotations

import argparse
import sys

from fra_live.commands.common import add_json_option, say, write_json

HELP = "say what this machine can do, and what to install for more"
DESCRIPTION = """\
Looks at Python, the installed packages, the CPU, the model, video codecs, windows, cameras and
GPUs, and gives the one command for each thing that is missing. Cameras are opened for a moment.

Exit status 1 means that something must be put right before fra-live can run at all."""

_SIGNS = {"ok": ("✓", "green"), "missing": ("–", "yellow"), "broken": ("✗", "red")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--model", default="mobile", metavar="NAME|DIR", help="model to check (default: mobile)"
    )
    add_json_option(parser, "what was found")


def run(args: argparse.Namespace) -> int:
    """Examine, print as it goes, and sum up."""
    from rich.console import Console
    from rich.markup import escape

    from fra_live.doctor import Finding, examine

    quiet = args.json == "-"
    console = Console(highlight=False, soft_wrap=True)
    findings: list[Finding] = []
    group = ""
    for finding in examine(args.model):
        findings.append(finding)
        if quiet:
            continue
        if finding.group != group:
            group = finding.group
            console.print(f"[bold]{group}[/bold]")
        sign, colour = _SIGNS[finding.state]
        detail = escape(f"{finding.name}: {finding.detail}")
        console.print(f"  [{colour}]{sign}[/{colour}] {detail}")
        if finding.fix:
            console.print(f"      [bold]{escape(finding.fix)}[/bold]")
        sys.stdout.flush()
    broken = [f for f in findings if f.state == "broken"]
    if args.json:
        write_json({"ready": not broken, "findings": [f.to_dict() for f in findings]}, args.json)
    if broken:
        say(f"to be put right first: {', '.join(f'{f.group} {f.name}' for f in broken)}.")
    elif not quiet:
        console.print("Ready: `fra-live demo` runs here.")
    return 1 if broken else 0
