#!/usr/bin/env python3
"""Builds the API reference as a web site, and fails where anything in it cannot be resolved.

    python docs/api.py                              # all of fra_live, into build/api
    python docs/api.py --out site fra_live.results  # some modules

It imports what it documents, so it needs all extras: pip install -e '.[dev,train,web,demo]'
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fra_live

ROOT = Path(__file__).resolve().parent.parent


def module_names() -> list[str]:
    """Every module of the package, but the one that only starts the program."""
    names = []
    for path in sorted((ROOT / "fra_live").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        if name != "fra_live.__main__":
            names.append(name)
    return names


def build(names: list[str], out: Path) -> list[str]:
    """Write the pages; returns what could not be resolved, a sentence each."""
    import pdoc

    for name in fra_live.__all__:  # loaded when asked for, so pdoc would not find them
        vars(fra_live)[name] = getattr(fra_live, name)
    pdoc.render.configure(docformat="google", footer_text=f"fra_live {fra_live.__version__}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pdoc.pdoc(*names, output_directory=out)
    return [str(w.message) for w in caught if "pdoc" in Path(w.filename).parts]


def main() -> int:
    """Build, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "api")
    args = parser.parse_args()
    names = args.modules or module_names()
    problems = build(names, args.out)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(names)} modules in {args.out / 'index.html'}, {len(problems)} warnings")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
