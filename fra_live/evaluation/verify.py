"""Every engine of this machine against torch in float32: errors, and the change in AP."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.annotations import AnnotationSet, read_annotations
from fra_live.benchmark.frames import gather_frames
from fra_live.benchmark.precisions import offered_precisions
from fra_live.errors import FraLiveError
from fra_live.evaluation.agreement import compare, gather_cases
from fra_live.evaluation.evaluate import evaluate, read_image
from fra_live.parameters import Parameters
from fra_live.recognizer import Recognizer
from fra_live.runtime.bundle import Bundle
from fra_live.runtime.choose import open_backend
from fra_live.runtime.engine import BACKENDS, EngineChoice

FRAME = (480, 640)
_MOST_FRAMES = 24
_COMPUTED = {"tensorrt": ("f32", "f16", "int8"), "torch": ("f32", "f16")}
Say = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class VerifyOptions:
    """What to compare, and on what.

    Attributes:
        engine: a backend, or "auto" for all of them.
        precision: one, or None for all of them.
        images: folder of photos; None for those of `data`, or else the demo's scenes.
        data: annotated images; with them the change in AP is measured too.
        limit: at most so many of them; None for all.
    """

    engine: str = "auto"
    precision: str | None = None
    images: Path | None = None
    data: Path | None = None
    limit: int | None = None


def verify_engines(
    bundle: Bundle, options: VerifyOptions, say: Say, progress: Progress | None = None
) -> dict[str, Any]:
    """Compare engines with the reference.

    Args:
        bundle: a checked bundle.
        options: what to compare.
        say: told, in a clause, what is compared next.
        progress: called with the number of frames done by the reference and their total.

    Returns:
        reference and frames: what was compared with and on; engines: backend, precision, and an
        obstacle or `networks` (see `Agreement`), with `mean_ap` and `mean_ap_change` for `data`.

    Raises:
        EngineError, MissingExtraError: the reference cannot run here.
        SourceError, DataError: the images cannot be read.
    """
    data = (
        _limited(read_annotations(options.data, bundle.labels), options.limit)
        if options.data
        else None
    )
    frames, origin = _frames(options, data)
    say(f"the reference, torch in float32, on {origin}")
    reference = open_backend("torch", bundle, "f32")
    parameters = Parameters.from_dict(bundle.parameters)
    cases = gather_cases(reference, bundle.labels, parameters, frames, progress)
    truth = _mean_ap(bundle, reference, data)
    reference_name = str(reference)
    del reference
    rows: list[dict[str, Any]] = []
    for backend, precision, obstacle in _offered(options):
        row: dict[str, Any] = {"backend": backend, "precision": precision}
        if obstacle is None:
            say(f"{backend}, {precision}")
            try:
                row |= _row(bundle, open_backend(backend, bundle, precision), cases, data, truth)
            except FraLiveError as error:
                obstacle = str(error)
        if obstacle is not None:
            row["obstacle"] = obstacle
        rows.append(row)
        gc.collect()  # a GPU's memory goes back before the next engine asks for it
    report = {"model": bundle.name, "reference": reference_name, "frames": origin, "engines": rows}
    return report if truth is None else {**report, "mean_ap": truth}


def _row(
    bundle: Bundle,
    engines: EngineChoice,
    cases: Sequence[Any],
    data: AnnotationSet | None,
    truth: float | None,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "reason": engines.reason,
        "networks": [agreement.to_dict() for agreement in compare(engines, cases)],
    }
    if truth is not None:
        row["mean_ap"] = _mean_ap(bundle, engines, data)
        row["mean_ap_change"] = row["mean_ap"] - truth
    return row


def _offered(options: VerifyOptions) -> list[tuple[str, str, str | None]]:
    """Backend, precision and why it cannot be, for all that was asked for."""
    found = []
    for backend in BACKENDS if options.engine == "auto" else (options.engine,):
        for precision, obstacle in offered_precisions(backend).items():
            asked = options.precision is None or precision == options.precision
            # What no backend of ours computes in is no finding, unless it was asked for.
            known = backend == "openvino" or precision in _COMPUTED[backend]
            if asked and (known or options.precision is not None):
                found.append((backend, precision, obstacle))
    return found


def _frames(options: VerifyOptions, data: AnnotationSet | None) -> tuple[Sequence[np.ndarray], str]:
    if options.images is None and data is not None:
        places = np.linspace(0, len(data.samples) - 1, min(_MOST_FRAMES, len(data.samples)))
        samples = [data.samples[i] for i in places.round().astype(int)]
        return [read_image(s.path) for s in samples], f"{len(samples)} images of {data.path.name}"
    frames = gather_frames(FRAME, options.images)
    return frames.images, frames.origin


def _limited(data: AnnotationSet, limit: int | None) -> AnnotationSet:
    """An even share of a set, so that every part of it is there."""
    if limit is None or limit >= len(data.samples):
        return data
    places = np.linspace(0, len(data.samples) - 1, max(1, limit)).round().astype(int)
    return AnnotationSet(data.path, data.labels, tuple(data.samples[i] for i in places))


def _mean_ap(bundle: Bundle, engines: EngineChoice, data: AnnotationSet | None) -> float | None:
    if data is None:
        return None
    value = evaluate(Recognizer(bundle, engines), data)["mean_ap"]
    return None if value is None else float(value)
