#!/usr/bin/env python3
"""Draws docs/architecture.svg from the code: which part of fra_live uses which, by its imports.

    docs/architecture.py            # writes docs/architecture.svg
    docs/architecture.py --list     # prints the uses as text

Only the places of the boxes are given here; what is in them and the arrows between them are read
from the files. An arrow that follows from others (a uses b, b uses c) is left out, and so are
those to the bottom row, which everything uses.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fra_live"
WIDTH, ROW, BOX = 1200, 146, 96  # px
MARGIN, GAP = 24, 18
BASE = "basics"


@dataclass(frozen=True)
class Part:
    """A box.

    Attributes:
        name: its heading.
        what: one line.
        modules: prefixes below fra_live that belong to it.
        row: from the top, 0 to 4.
        share: of the row's width.
        colour: of the box.
    """

    name: str
    what: str
    modules: tuple[str, ...]
    row: int
    share: float
    colour: str


# fmt: off
PARTS = (
    Part("commands", "the program: finds the command, one sentence for every error",
         ("commands", "cli", "__main__", "doctor", "devices", "finding", "memory", "quiet"),
         0, 1, "#e8eaf0"),
    Part("live/web", "the page in a browser", ("live.web",), 1, 1, "#d6e8f7"),
    Part("process", "recorded files, resumable",
         ("process", "annotate", "claims", "crashes", "records", "reports", "progress",
          "locking"), 1, 1.4, "#d6e8f7"),
    Part("live", "loop, events, overlay, window", ("live",), 1, 1.1, "#d6e8f7"),
    Part("demo", "a clip drawn on the spot", ("demo",), 1, 0.9, "#f6e3c8"),
    Part("benchmark", "how fast it is", ("benchmark",), 1, 0.9, "#f6e3c8"),
    Part("evaluation", "measures, the paper's tables", ("evaluation", "explain"),
         1, 1.3, "#f6e3c8"),
    Part("training", "from photos to a bundle", ("training",), 1, 1.1, "#f6e3c8"),
    Part("recognizer", "the method's order: one frame in, one result out",
         ("recognizer", "device_recognizer", "segmenter", "people", "pool", "streaming"),
         2, 2.4, "#d5efdf"),
    Part("video", "sources and sinks: cameras, files, URLs; mp4, JSON lines", ("video",),
         3, 1.5, "#d6e8f7"),
    Part("stages", "the paper, a file a step", ("stages", "parameters"), 3, 1.2, "#d5efdf"),
    Part("runtime", "bundles and engines", ("runtime",), 3, 1.1, "#d5efdf"),
    Part("networks", "torch, to train only", ("networks",), 3, 0.9, "#f6e3c8"),
    Part(BASE, "values that travel between the parts",
         ("errors", "labels", "results", "samples", "annotations", "installation", "patience"),
         4, 1, "#eeeeee"),
)
# fmt: on


def part_of(module: str) -> Part:
    """The box of a module, such as "fra_live.live.web.page"; the longest prefix counts.

    A top-level file that no box names counts as part of the recognizer.
    """
    name = module.removeprefix("fra_live").lstrip(".")
    best, length = next(p for p in PARTS if p.name == "recognizer"), 0
    for part in PARTS:
        for prefix in part.modules:
            fits = name == prefix or name.startswith(prefix + ".")
            if fits and len(prefix) > length:
                best, length = part, len(prefix)
    return best


def modules() -> dict[str, Path]:
    """Module → file, of the whole package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """Modules of fra_live that a file imports to run, not for its types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fra_live"):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("fra_live"))


def uses() -> set[tuple[str, str]]:
    """Pairs of parts of which the first imports the second."""
    pairs = set()
    for module, path in modules().items():
        for imported in imports(path):
            # `from fra_live import x` names the package, whose contents are loaded lazily.
            if imported != "fra_live":
                pairs.add((part_of(module).name, part_of(imported).name))
    return {(a, b) for a, b in pairs if a != b}


def direct(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs that do not follow from others."""

    def reaches(start: str, end: str, without: tuple[str, str]) -> bool:
        seen, waiting = {start}, [start]
        while waiting:
            at = waiting.pop()
            for a, b in pairs - {without}:
                if a == at and b not in seen:
                    if b == end:
                        return True
                    seen.add(b)
                    waiting.append(b)
        return False

    return {pair for pair in pairs if not reaches(*pair, pair)}


def contents(part: Part, known: dict[str, Path]) -> str:
    """What of the package is in a box, as people name it."""
    names = set()
    for module in known:
        if module == "fra_live" or part_of(module) is not part:
            continue
        top = module.split(".")[1]
        names.add(f"{top}/" if (PACKAGE / top).is_dir() else f"{top}.py")
    if names == {f"{part.name.partition('/')[0]}/"}:
        return ""  # a folder of the box's own name
    return ", ".join(sorted(names, key=lambda name: (not name.endswith("/"), name)))


def places() -> dict[str, tuple[float, float, float]]:
    """Box → left, top and width, px."""
    found = {}
    for row in sorted({part.row for part in PARTS}):
        parts = [part for part in PARTS if part.row == row]
        room = WIDTH - 2 * MARGIN - GAP * (len(parts) - 1)
        left = float(MARGIN)
        for part in parts:
            width = room * part.share / sum(p.share for p in parts)
            found[part.name] = (left, MARGIN + row * ROW, width)
            left += width + GAP
    return found


def draw() -> str:
    """The picture as SVG."""
    where, known, pairs = places(), modules(), uses()
    height = 2 * MARGIN + 4 * ROW + BOX
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="#68737d"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    arrows = sorted(direct({(a, b) for a, b in pairs if BASE not in (a, b)}))
    out += [_arrow(pair, arrows, where) for pair in arrows]
    for part in PARTS:
        left, top, width = where[part.name]
        out.append(
            f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{BOX}" rx="9" '
            f'fill="{part.colour}" stroke="#9aa5b1"/>'
        )
        middle = left + width / 2
        lines = [(part.name, 17, "600", "#1f2933")]
        lines += [(line, 12, "400", "#3e4c59") for line in _wrapped(part.what, width, 12)]
        inside = contents(part, known)
        lines += [(line, 10.5, "400", "#7b8794") for line in _wrapped(inside, width, 10.5) if line]
        y = top + BOX / 2 - 7.5 * len(lines) + 13
        for text, size, weight, colour in lines:
            out.append(
                f'<text x="{middle:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" '
                f'fill="{colour}" text-anchor="middle">{escape(text)}</text>'
            )
            y += 15.5
    return "\n".join([*out, "</svg>", ""])


def _arrow(
    pair: tuple[str, str],
    arrows: list[tuple[str, str]],
    where: dict[str, tuple[float, float, float]],
) -> str:
    """A curve from the user's box to the used one; several at a box are spread along its edge."""

    def x_of(box: str, other: str, side: int) -> float:
        others = sorted((p[1 - side] for p in arrows if p[side] == box), key=lambda n: where[n][0])
        left, _, width = where[box]
        return left + width * (others.index(other) + 1) / (len(others) + 1)

    user, used = pair
    x0, x1 = x_of(user, used, 0), x_of(used, user, 1)
    y0, y1 = where[user][1], where[used][1]
    colour = 'stroke="#68737d" stroke-width="1.4" fill="none" marker-end="url(#tip)"'
    if y0 == y1:  # neighbours: over the gap between them, or in an arc below
        left_to_right = where[user][0] < where[used][0]
        a = where[user][0] + (where[user][2] if left_to_right else 0)
        b = where[used][0] + (0 if left_to_right else where[used][2])
        if abs(a - b) < 2 * GAP:
            return f'<path d="M{a:.0f} {y0 + BOX / 2:.0f}L{b:.0f} {y0 + BOX / 2:.0f}" {colour}/>'
        low = y0 + BOX
        return f'<path d="M{x0:.0f} {low}C{x0:.0f} {low + 34} {x1:.0f} {low + 34} {x1:.0f} {low + 2}" {colour}/>'  # noqa: E501
    y0, y1 = (y0 + BOX, y1) if y0 < y1 else (y0, y1 + BOX)
    bend = (y0 + y1) / 2
    return (
        f'<path d="M{x0:.0f} {y0:.0f}C{x0:.0f} {bend:.0f} {x1:.0f} {bend:.0f} {x1:.0f} {y1:.0f}" '
        f"{colour}/>"
    )


def _wrapped(text: str, width: float, size: float) -> list[str]:
    lines, room = [""], int((width - 12) / (size * 0.53))
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def main() -> int:
    """Draw, or list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{a} uses {b}" for a, b in sorted(uses())))
        return 0
    target = ROOT / "docs" / "architecture.svg"
    target.write_text(draw(), encoding="utf-8")
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
