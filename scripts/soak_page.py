"""The page's part of `soak.py`: a visitor with a camera who stays, or many who come and go."""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
from measure_page import WATCH, write_camera
from soak_verdict import SAMPLE_S, Finding, Sample, Watch
from soak_visitor import Visitors
from stage import Program, chromium, start_camera

from fra_live.errors import FraLiveError
from fra_live.video.sources import open_source

_SILENT_S = 60.0  # a picture that takes longer never comes
_AT_ONCE = 3  # visitors without a browser
_PICTURES, _SIZE, _QUALITY = 300, (640, 480), 80  # of a camera: how many differ, px, JPEG


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
    return samples, _judge_errors(errors)


def soak_visits(
    clip: Path,
    model: str,
    delay_s: float | None,
    seconds: float,
    progress: Callable[[Sample], None],
) -> tuple[list[Sample], Finding]:
    """Let visitors without a browser come, use everything and go, and note how the server fares.

    Args:
        clip: what the cameras see, over and over.
        model: as for `fra-live web`.
        delay_s: None, or what a stand-in for the model takes for each picture.
        seconds: for how long.
        progress: gets each sample as it is taken.

    Returns:
        The samples, of the server's process, ages from the request to the answer; and whether
        the server answered everything and told of no errors.

    Raises:
        FraLiveError: the server did not start.
    """
    samples: list[Sample] = []
    with open_source(clip) as frames:
        pictures = [_jpeg(frame.image) for frame in islice(frames, _PICTURES)]
    with (
        _server(model, delay_s) as (address, process, errors),
        Visitors(address, pictures, _AT_ONCE) as visitors,
    ):
        watch, count, begin_s = Watch(process), 0, time.perf_counter()
        while (left_s := begin_s + seconds - time.perf_counter()) > 0:
            time.sleep(min(SAMPLE_S, left_s))
            if ages := visitors.take():
                count += len(ages)
                samples.append(watch.sample(count, ages))
                progress(samples[-1])
    if not samples:
        raise FraLiveError("No picture came back: " + " ".join(visitors.errors or ["too short."]))
    found = _judge_errors([*visitors.errors, *errors])
    return samples, Finding("errors", found.good, f"{visitors.visits} visits, {found.detail}")


@contextmanager
def _server(model: str, delay_s: float | None) -> Iterator[tuple[str, int, list[str]]]:
    """A page's address, its process, and what it says, once it is at work."""
    if delay_s is None:
        program = Program("web", "--model", model)
        said: list[str] = []
        try:
            found = re.search(r"https?://\S+", program.wait_for("the page is at"))
            assert found is not None
            announced = len(program.said)
            yield found[0], program.process.pid, said
            said += program.said[announced:]
        finally:
            program.end()
        return
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_serve_stand_in, args=(model, delay_s, its), daemon=True)
    process.start()
    its.close()
    try:
        yield ours.recv(), process.pid or 0, []
    except EOFError:
        raise FraLiveError("The page's server ended before it was at work.") from None
    finally:
        ours.close()
        process.join()


def _serve_stand_in(model: str, delay_s: float, pipe: Any) -> None:
    from soak import StandIn

    from fra_live.live.web.serve import WebOptions, serving
    from fra_live.memory import bound_arenas
    from fra_live.runtime.bundle import load_bundle

    bound_arenas()
    recognizer: Any = StandIn(delay_s)
    recognizer.bundle = load_bundle(model)
    recognizer.engine = SimpleNamespace(backend="none", precision="f32", reason="a stand-in")
    with serving(recognizer, WebOptions()) as address:
        pipe.send(address)
        try:
            pipe.recv()
        except EOFError:
            return


def _jpeg(image: Any) -> bytes:
    small = cv2.resize(image, _SIZE)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _judge_errors(errors: Sequence[str]) -> Finding:
    detail = f"{len(errors)} told" + (f", the first: {errors[0][:200]}" if errors else "")
    return Finding("errors", not errors, detail)


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
