"""The method's inside as pictures, for any images and model: `fra-live explain`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fra_live.errors import SourceError
from fra_live.evaluation.evaluate import Recognizes
from fra_live.evaluation.sheet import explanation_sheet
from fra_live.video.images import read_image
from fra_live.video.inputs import Input, expand_inputs
from fra_live.video.sinks import write_image


@dataclass(frozen=True)
class Explained:
    """What became of one input.

    Attributes:
        path: the image, or what was given instead of one.
        output: the sheet; None where there is none.
        problem: why not, in a sentence.
    """

    path: Path
    output: Path | None
    problem: str | None = None


def explain(
    images: Sequence[str | Path],
    recognizer: Recognizes,
    out: Path,
    progress: Callable[[int, int], None] | None = None,
) -> list[Explained]:
    """Write a sheet as of the paper's Figure 4 for each image: out/<name>-explained.png.

    An image that cannot be read is reported, and the others go on. No image that was given is
    written over.

    Args:
        images: image files; folders and globs of them, whose videos are passed over.
        recognizer: the model.
        out: folder; made where it is missing.
        progress: called with the number of images done and their total, after each.

    Returns:
        A report an input, refused ones first.

    Raises:
        SinkError: a sheet cannot be written.
    """
    found, refused = expand_inputs(images, out)
    given = {Path(spec).expanduser() for spec in images}
    reports = [Explained(path, None, str(error)) for path, error in refused]
    for entry in found:
        if not entry.image and entry.path in given:
            problem = f"{entry.path} is a video; give images, such as a frame of it."
            reports.append(Explained(entry.path, None, problem))
    pictures = [entry for entry in found if entry.image]
    total = len(reports) + len(pictures)
    taken = {entry.path.resolve() for entry in found}
    for entry in pictures:
        reports.append(_explain(entry, recognizer, out, taken))
        if progress is not None:
            progress(len(reports), total)
    return reports


def _explain(entry: Input, recognizer: Recognizes, out: Path, taken: set[Path]) -> Explained:
    try:
        image = read_image(entry.path)
    except SourceError as error:
        return Explained(entry.path, None, str(error))
    result = recognizer(image, explain=True)
    sheet = explanation_sheet(image, result, recognizer.labels, entry.path.name)
    target, number = out / entry.relative.with_name(f"{entry.path.stem}-explained.png"), 1
    while target.resolve() in taken:
        number += 1
        target = target.with_name(f"{entry.path.stem}-explained-{number}.png")
    taken.add(target.resolve())
    write_image(target, sheet)
    return Explained(entry.path, target)
