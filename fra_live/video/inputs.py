"""Which files a list of files, folders and globs means, and what their copies are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from fra_live.errors import SourceError
from fra_live.video.address import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    Kind,
    check_file,
    glob_files,
    is_glob,
    is_image,
    natural_key,
    parse_address,
)
from fra_live.video.sinks import IMAGE_FORMATS

Copies = Callable[[Path], Collection[Path]]
_SYNC = 0x47  # the first byte of an MPEG transport stream; TypeScript has the same suffix


@dataclass(frozen=True)
class Input:
    """One recorded file.

    Attributes:
        path: as it was given, or found.
        relative: the path below the folder that was given, or the name alone.
        image: a still image, else a video.
    """

    path: Path
    relative: Path
    image: bool

    @property
    def suffix(self) -> str:
        """Suffix of the annotated copy."""
        if not self.image:
            return ".mp4"
        suffix = self.path.suffix.lower()
        return suffix if suffix in IMAGE_FORMATS else ".png"

    def copy_names(self) -> list[Path]:
        """Names for the copy, relative to the output folder, the best first."""
        stem, given = self.relative.stem, self.path.suffix.lower().lstrip(".")
        names = [stem]
        if given and f".{given}" != self.suffix:
            names.append(f"{stem}-{given}")
        names.append(f"{stem}-annotated")
        names += [f"{stem}-{number}" for number in range(2, 10_000)]
        return [self.relative.with_name(name + self.suffix) for name in names]


def expand_inputs(
    specs: Sequence[str | Path], out: Path, copies_in: Copies = lambda _: ()
) -> tuple[list[Input], list[tuple[Path, SourceError]]]:
    """Find the recorded files.

    Args:
        specs: files; folders, which are gone through to the bottom; globs.
        out: where copies go; a folder's search passes over it.
        copies_in: tells of a folder which files in it are earlier copies (resolved paths); a
            search passes over those too.

    Returns:
        The files, each once, in the order given and in natural order within a folder; and what
        was refused and why.
    """
    found: list[Input] = []
    refused: list[tuple[Path, SourceError]] = []
    seen: set[Path] = set()
    for spec in specs:
        path = Path(spec).expanduser()
        try:
            for entry in _expand(str(spec), path, out.resolve(), copies_in, refused):
                resolved = entry.path.resolve()
                if resolved not in seen:
                    seen.add(resolved)
                    found.append(entry)
        except SourceError as error:
            refused.append((path, error))
        except OSError as error:
            refused.append((path, _unreadable(spec, error)))
    return found, refused


def _unreadable(path: str | Path, error: OSError) -> SourceError:
    return SourceError(f"{path!s:.200} cannot be read: {error.strerror}.")


def _expand(
    spec: str, path: Path, out: Path, copies_in: Copies, refused: list[tuple[Path, SourceError]]
) -> list[Input]:
    """The files that a word means; folders in it that may not be looked into go to `refused`."""
    if path.is_dir():
        before = len(refused)
        files = _walk(path, out, copies_in, refused)
        if not files and len(refused) == before:
            raise SourceError(f"{spec} holds no videos or images.")
        return [_input(p, p.relative_to(path)) for p in files]
    if is_glob(spec) and not path.exists():
        matching = glob_files(spec)
        copies = {c for folder in {p.parent for p in matching} for c in copies_in(folder)}
        files = [p for p in matching if p.resolve() not in copies]
        if not files:
            raise SourceError(f"No file matches {spec}.")
        return [_input(p, Path(p.name)) for p in files]
    if not path.exists() and parse_address(spec).kind in (Kind.CAMERA, Kind.URL):
        name = parse_address(spec).name
        raise SourceError(f"{name} is no recorded file; use 'fra-live live' for it.")
    check_file(path)
    return [_input(path, Path(path.name))]


def _input(path: Path, relative: Path) -> Input:
    return Input(path, relative, is_image(path))


def _walk(
    folder: Path, out: Path, copies_in: Copies, refused: list[tuple[Path, SourceError]]
) -> list[Path]:
    found: list[Path] = []
    copies: set[Path] = set()

    def refuse(error: OSError) -> None:
        refused.append((Path(error.filename), _unreadable(error.filename, error)))

    for parent, folders, names in os.walk(folder, onerror=refuse):
        inside = Path(parent)
        copies.update(copies_in(inside))
        folders[:] = [f for f in folders if not f.startswith(".") and (inside / f).resolve() != out]
        for name in names:
            path = inside / name
            known = path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
            if known and not name.startswith(".") and _is_file(path) and not _is_script(path):
                found.append(path)
    return sorted((p for p in found if p.resolve() not in copies), key=natural_key)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # it may not be looked at, which is told when its turn comes
        return True


def _is_script(path: Path) -> bool:
    if path.suffix.lower() not in (".ts", ".mts"):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(5)
    except OSError:  # as above
        return False
    return bool(head) and _SYNC not in (head[0], head[-1])
