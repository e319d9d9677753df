"""All regimes in their order, one after the other, as one report."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fra_live.benchmark.cameras import summarise_cameras, time_cameras
from fra_live.benchmark.flops import network_flops
from fra_live.benchmark.frames import gather_frames
from fra_live.benchmark.growth import candidate_costs, count_contents
from fra_live.benchmark.machine import describe_machine
from fra_live.benchmark.measure import Timing, time_frames, time_pool
from fra_live.benchmark.peak import peak_flops
from fra_live.benchmark.peer import time_peer
from fra_live.benchmark.precisions import offered_precisions
from fra_live.errors import EngineError, MissingExtraError
from fra_live.pool import load_pool
from fra_live.recognizer import Recognizer, load
from fra_live.runtime.cpu import cores
from fra_live.runtime.engine import BACKENDS
from fra_live.stages.preprocess import coarse_shape

Say = Callable[[str], None]


@dataclass(frozen=True)
class BenchOptions:
    """What to measure.

    Attributes:
        model, engine, precision, threads: as for `fra_live.load`.
        frame: (H, W) of the frames in px.
        images: folder of photos to take them from; None for the demo's scenes.
        seconds: how long each regime is timed.
        cameras: numbers of cameras to run at once.
        precisions: time every backend and precision that works here.
        peer: a network of ultralytics to time beside, as "yolo11n-seg".
    """

    model: str | Path = "mobile"
    engine: str = "auto"
    precision: str = "auto"
    threads: int = 0
    frame: tuple[int, int] = (480, 640)
    images: Path | None = None
    seconds: float = 5.0
    cameras: tuple[int, ...] = ()
    precisions: bool = False
    peer: str | None = None


def run_bench(options: BenchOptions, say: Say = lambda text: None) -> dict[str, Any]:
    """Measure and report.

    Args:
        options: what to measure.
        say: told, in a clause, what is measured next.

    Returns:
        The report for JSON; `fra_live.benchmark.card.print_card` explains it.

    Raises:
        BundleError, EngineError: as `fra_live.load`.
        SourceError: the photos cannot be read.
    """
    machine = describe_machine()
    start = time.perf_counter()
    recognizer = load(options.model, options.engine, options.precision, options.threads)
    cold = {"load_s": time.perf_counter() - start}
    say(f"model {recognizer.bundle.name}, {recognizer.engine}")
    frames = gather_frames(options.frame, options.images)
    say(f"frames: {frames.origin}")
    start = time.perf_counter()
    recognizer(frames.images[0])
    cold["first_frame_s"] = time.perf_counter() - start
    _warm(recognizer, frames.images)
    say("one camera")
    timing = time_frames(recognizer, frames.images, options.seconds, len(frames.images))
    contents = count_contents(recognizer, frames.images)
    say("frames side by side")
    side_by_side = _side_by_side(options, frames.images)
    say("the networks' arithmetic and the machine's")
    work = _arithmetic(recognizer, options, timing, contents["windows"])
    say("1 to 50 candidates")
    growth = candidate_costs(recognizer, frames.images, options.seconds)
    engine = recognizer.engine
    report = {
        "model": recognizer.bundle.name,
        "backend": engine.backend,
        "precision": engine.precision,
        "reason": engine.reason,
        "threads": options.threads,
        "frame": list(options.frame),
        "frames_from": frames.origin,
        **timing.to_dict(),
        # What the machine sustains; the latency and the stages are those of a frame by itself.
        "fps": max(side_by_side["fps"], round(timing.fps, 2)),
        "one_at_a_time_fps": round(timing.fps, 2),
        "throughput": side_by_side,
        "contents": {name: round(value, 2) for name, value in contents.items()},
        "cold": {name: round(value, 3) for name, value in cold.items()},
        "arithmetic": work,
        "candidates": growth,
        "candidates_growth": round(
            (growth[-1]["frame_ms"] - growth[0]["frame_ms"]) / timing.mean_ms, 4
        ),
    }
    del recognizer, engine
    gc.collect()
    if options.precisions:
        report["engines"] = _engines(options, frames.images, report, say)
    if options.cameras:
        report["cameras"] = _cameras(options, frames.images, say)
    if options.peer:
        report["peer"] = _peer(options.peer, options, report, say)
    report["machine"] = machine
    return report


def _side_by_side(options: BenchOptions, frames: Sequence[np.ndarray]) -> dict[str, Any]:
    pool = load_pool(options.model, options.engine, options.precision, options.threads)
    for recognizer in pool.recognizers:
        _warm(recognizer, frames)
    return time_pool(pool, frames, options.seconds, len(frames))


def _warm(recognizer: Recognizer, frames: Sequence[np.ndarray]) -> None:
    height, width = frames[0].shape[:2]
    recognizer.warm_up((height, width))
    for frame in frames:
        recognizer(frame)


def _arithmetic(
    recognizer: Recognizer, options: BenchOptions, timing: Timing, windows: float
) -> dict[str, Any]:
    """Operations a frame, the machine's peak, and the share of it that the networks reach."""
    p, bundle = recognizer.parameters, recognizer.bundle
    coarse = network_flops(
        bundle.part("coarse"), (1, *coarse_shape(options.frame, p.coarse_size), 3)
    )
    window = network_flops(bundle.part("fine"), (1, p.fine_size, p.fine_size, 3))
    total = coarse + windows * window
    work: dict[str, Any] = {
        "coarse_gflop": round(coarse / 1e9, 3),
        "window_gflop": round(window / 1e9, 3),
        "frame_gflop": round(total / 1e9, 3),
    }
    engine = recognizer.engine
    try:
        seconds = min(1.0, options.seconds)
        peak = peak_flops(engine.backend, engine.precision, options.threads, seconds)
    except EngineError as error:
        return {**work, "peak_unknown": str(error)}
    return {
        **work,
        "peak_gflop_per_s": round(peak / 1e9, 1),
        "floor_ms": round(1000 * total / peak, 3),
        "share_of_peak": round(1000 * total / peak / timing.network_ms, 4),
    }


def _engines(
    options: BenchOptions, frames: Sequence[np.ndarray], report: dict[str, Any], say: Say
) -> list[dict[str, Any]]:
    """Every backend and precision that works here, and why the others do not."""
    rows: list[dict[str, Any]] = []
    for backend in BACKENDS:
        for precision, obstacle in offered_precisions(backend).items():
            row: dict[str, Any] = {"backend": backend, "precision": precision}
            rows.append(row)
            if obstacle:
                row["obstacle"] = obstacle
                continue
            if (backend, precision) == (report["backend"], report["precision"]):
                keys = ("latency_ms", "network_ms", "overhead_share")
                row.update({key: report[key] for key in keys})
                row["fps"] = report["one_at_a_time_fps"]
                continue
            say(f"{backend}, {precision}")
            try:
                recognizer = load(options.model, backend, precision, options.threads)
                _warm(recognizer, frames)
                row.update(time_frames(recognizer, frames, options.seconds, len(frames)).to_dict())
            except (EngineError, MissingExtraError) as error:
                row["obstacle"] = str(error)
    return rows


def _cameras(options: BenchOptions, frames: Sequence[np.ndarray], say: Say) -> list[dict[str, Any]]:
    rows = []
    for count in options.cameras:
        threads = max(1, (options.threads or cores()) // count)
        say(f"cameras at once: {count}, threads each: {threads}")
        chosen = (options.model, options.engine, options.precision, threads)
        recognizers = [load(*chosen) for _ in range(count)]
        for recognizer in recognizers:
            _warm(recognizer, frames)
        rows.append(summarise_cameras(time_cameras(recognizers, frames, options.seconds), threads))
        del recognizers
        gc.collect()
    return rows


def _peer(name: str, options: BenchOptions, report: dict[str, Any], say: Say) -> dict[str, Any]:
    if report["backend"] != "openvino":
        return {
            "name": name,
            "obstacle": f"{name} is compared under OpenVINO only: --engine openvino.",
        }
    say(name)
    try:
        peer = time_peer(name, report["precision"], options.threads, options.seconds)
    except EngineError as error:
        return {"name": name, "obstacle": str(error)}
    return {**peer, "times_its_rate": round(report["one_at_a_time_fps"] / peer["fps"], 2)}
