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


def everything() -> list[str]:
    """The public names, and all that lies below: a package brings its own modules with it."""
    tops = {
        path.stem
        for path in (ROOT / "fra_live").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    return ["fra_live", *(f"fra_live.{top}" for top in sorted(tops - {"__init__", "__main__"}))]


def build(names: list[str], out: Path) -> list[str]:
    """Write the pages; returns what could not be resolved, a sentence each."""
    import pdoc

    for name in fra_live.__all__:  # loaded when asked for, so pdoc would not find them
        vars(fra_live)[name] = getattr(fra_live, name)
    pdoc.render.configure(docformat="google", footer_text=f"fra_live {fra_live.__version__}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pdoc.pdoc(*names, output_directory=out)
    return [str(w.message).splitlines()[0] for w in caught if "pdoc" in Path(w.filename).parts]


def main() -> int:
    """Build, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "api")
    args = parser.parse_args()
    problems = build(args.modules or everything(), args.out)
    for problem in problems:
        print(problem, file=sys.stderr)
    pages = len(list(args.out.rglob("*.html")))
    print(f"{pages} pages in {args.out}, {len(problems)} warnings")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
