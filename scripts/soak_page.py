"""The page's part of `soak.py`: a visitor with a camera who stays."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure_page import WATCH, write_camera
from soak_verdict import SAMPLE_S, Finding, Sample, Watch
from stage import Program, chromium, start_camera

from fra_live.errors import FraLiveError

_SILENT_S = 60.0  # a picture that takes longer never comes


def soak_page(
    clip: Path, folder: Path, model: str, seconds: float, progress: Callable[[Sample], None]
) -> tuple[list[Sample], Finding]:
    """Let a visitor use the camera for a while and note how the server fares.

    Args:
        clip: what the camera sees, over and over.
        folder: an empty one.
        model: as for `fra-live web`.
        seconds: for how long.
        progress: gets each sample as it is taken.

    Returns:
        The samples, of the server's process, ages from the camera to the screen; and whether
        server or page told of errors.

    Raises:
        FraLiveError: server or browser did not start, or no pictures come any more.
    """
    camera = folder / "camera.mjpeg"
    write_camera(clip, camera)
    program, errors = Program("web", "--model", model), list[str]()
    try:
        found = re.search(r"https?://\S+", program.wait_for("the page is at"))
        assert found is not None
        announced = len(program.said)
        with chromium(camera.resolve()) as browser:
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.set_default_timeout(120_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(found[0])
            start_camera(page)
            page.locator("#fl-live img").wait_for()
            page.evaluate(WATCH)
            samples = _watch(page, Watch(program.process.pid), seconds, progress)
        errors += program.said[announced:]
    finally:
        program.end()
    detail = f"{len(errors)} told" + (f", the first: {errors[0][:200]}" if errors else "")
    return samples, Finding("errors", not errors, detail)


def _watch(
    page: Any, watch: Watch, seconds: float, progress: Callable[[Sample], None]
) -> list[Sample]:
    samples: list[Sample] = []
    shown, quiet_s, begin_s = 0, 0.0, time.perf_counter()
    while time.perf_counter() - begin_s < seconds:
        page.wait_for_timeout(1000 * min(SAMPLE_S, seconds))
        trips = page.evaluate("noted.trips.splice(0)")  # so that the page itself does not grow
        if not trips:
            quiet_s += SAMPLE_S
            if quiet_s >= _SILENT_S:
                raise FraLiveError(f"The page showed no new picture for {quiet_s:.0f} s.")
            continue
        unread = page.evaluate("noted.unread")  # shown, but the number could not be made out
        quiet_s, shown = 0.0, shown + len(trips)
        frames = shown + unread
        samples.append(watch.sample(frames, [ms for _, ms in trips]))
        progress(samples[-1])
    if not samples:
        raise FraLiveError("The page showed no annotated picture; let it run for longer.")
    return samples
