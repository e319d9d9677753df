#!/usr/bin/env python3
"""Lay out the official Stanford-40 photos to match the outlines in annotations/fra.

Download Stanford40_JPEGImages.zip from http://vision.stanford.edu/Datasets/40actions.html, then

  python scripts/prepare_stanford40.py Stanford40_JPEGImages.zip --out data/fra
  fra-live train all --data data/fra --out runs/mine

Folders that hold the photos (or the zip) do as well. Every photo is checked by name and size in
px; each that is missing or different is told in one sentence, and then the exit status is 1.
The smoking photos of extra.json are not from Stanford-40: they are left out of the set that is
written, unless files of their names are among what is given. It needs Python and OpenCV only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from photo_files import GivenFiles, PreparationError, lay_out, plain_name, tell, write

SETS = ("train.json", "test.json", "extra.json")
OFFICIAL = "stanford40"  # `source` of the images that the download holds
ANNOTATIONS = Path(__file__).resolve().parent.parent / "annotations" / "fra"


def read_set(path: Path) -> dict[str, Any]:
    """Read one annotation file.

    Raises:
        PreparationError: it cannot be read, or is not of the kind expected.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        for image in data["images"]:
            plain_name(image["file_name"])
            image["width"], image["height"] = int(image["width"]), int(image["height"])
        _ = data["annotations"], data["categories"]
    except OSError as error:
        raise PreparationError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PreparationError(f"{path} is no annotation file of ours ({error!r}).") from error
    return dict(data)


def reduced(data: dict[str, Any], present: set[str]) -> dict[str, Any]:
    """The set without the images that are not present, and without their annotations."""
    images = [image for image in data["images"] if image["file_name"] in present]
    ids = {image["id"] for image in images}
    kept = [entry for entry in data["annotations"] if entry["image_id"] in ids]
    return data | {"images": images, "annotations": kept}


def prepare(given: GivenFiles, annotations: Path, out: Path, partial: bool) -> list[str]:
    """Lay out photos and annotation files.

    Args:
        given: the user's files.
        annotations: folder of the published annotation files.
        out: target; gets images/ and the annotation files.
        partial: write annotation files of what is there although official photos are missing.

    Returns:
        One sentence a problem; empty where all is well.

    Raises:
        PreparationError: nothing can be done at all.
    """
    problems: list[str] = []
    for name in SETS:
        data = read_set(annotations / name)
        present: set[str] = set()
        missing = foreign = 0
        for image in data["images"]:
            size = (image["width"], image["height"])
            problem = lay_out(given, image["file_name"], size, out / "images")
            if problem is None:
                present.add(image["file_name"])
            elif image.get("source") == OFFICIAL:
                problems.append(problem)
                missing += 1
            else:
                foreign += 1
        print(f"{name}: {len(present)} of {len(data['images'])} photos are in {out / 'images'}.")
        if foreign:
            print(
                f"{name}: {foreign} photos are not from Stanford-40 and cannot be provided "
                "here; they are left out."
            )
        if present and (partial or not missing):
            text = json.dumps(reduced(data, present), separators=(",", ":"), ensure_ascii=False)
            write(out / name, text.encode())
        elif missing:
            print(f"{name} is not written, since {missing} of its photos lack (see --partial).")
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("given", type=Path, nargs="+", metavar="FOLDER|ZIP", help="the download")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="target folder")
    parser.add_argument(
        "--annotations", type=Path, default=ANNOTATIONS, metavar="DIR", help="the outlines"
    )
    parser.add_argument(
        "--partial", action="store_true", help="write sets of the photos that are there"
    )
    options = parser.parse_args(arguments)

    def run() -> list[str]:
        given = GivenFiles(options.given)
        try:
            return prepare(given, options.annotations, options.out, options.partial)
        finally:
            given.close()

    return tell(run)


if __name__ == "__main__":
    sys.exit(main())
