#!/usr/bin/env python3
"""Measures what a visitor of the page sees: annotated frames a second, and how old they are.

Recognized frames stand beside those shown: the others show the latest result, carried along.

Runs `fra-live web`, opens it in headless Chromium and plays a clip in the place of the camera,
whose frames carry their numbers as a bar code. A script in the page reads the number in every
frame when the camera delivers it, and in every annotated picture once it is on the screen;
the time between the two is the round trip. Server and browser share this machine.

    scripts/measure_page.py                       # one visitor, then two at once
    scripts/measure_page.py --visitors 1 --seconds 60
    scripts/measure_page.py --clip holiday.mp4 --model mine

The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from bar_code import NUMBERS, READ, draw_number
from stage import chromium, start_camera, web_page

from fra_live.errors import FraLiveError
from fra_live.video.sources import open_source

_WARM_S = 3.0  # the first frames compile, connect and fill caches
_QUALITY = 90
_FRAME_MS = 1000 / 30  # Chromium plays the file at this rate, whatever it was made at
WATCH = f"""
() => {{
  const read = {READ};
  const noted = window.noted = {{ trips: [], unread: 0, since: 0, recognized: 0, earlier: [] }};
  const captured = new Map();
  const [track] = document.querySelector("#fl-eye").srcObject.getVideoTracks();
  const frames = new MediaStreamTrackProcessor({{ track: track.clone() }}).readable.getReader();
  const capture = async () => {{
    for (;;) {{
      const {{ value: frame, done }} = await frames.read();
      if (done) return;
      const number = read(frame, frame.displayWidth, frame.displayHeight);
      frame.close();
      if (number !== null) captured.set(number, performance.now());
    }}
  }};
  capture();
  // A busy browser leaves frames out; those beside them tell when such a one was captured.
  const capturedAt = (number) => {{
    for (let away = 0; away < 12; away += 1) {{
      for (const near of [number - away, number + away]) {{
        const at = captured.get(near);
        if (at > performance.now() - 10_000) return at + (number - near) * {_FRAME_MS};
      }}
    }}
    return undefined;
  }};
  const shown = (image) => requestAnimationFrame(() => {{
    const number = read(image, image.naturalWidth, image.naturalHeight);
    const from = number === null ? undefined : capturedAt(number);
    if (from === undefined) noted.unread += 1;
    else noted.trips.push([performance.now(), performance.now() - from]);
  }});
  let last = "";
  new MutationObserver((changes) => {{
    for (const change of changes) {{
      const image = change.target.closest("#fl-live")?.querySelector("img");
      if (!image || image.src === last) continue;
      last = image.src;
      const {{ recognized, recognizedMs }} = image.closest("#fl-live").dataset;
      noted.recognized = Number(recognized);
      noted.earlier.push(Number(recognizedMs));
      image.decode().then(() => shown(image), () => undefined);
    }}
  }}).observe(document, {{ subtree: true, childList: true, attributeFilter: ["src"] }});
}}
"""


def write_camera(clip: Path, path: Path, size: tuple[int, int] = (480, 640)) -> None:
    """A clip as motion JPEG for Chromium's fake camera, every frame with its number.

    Args:
        clip: any video.
        path: .mjpeg file to write.
        size: (H, W) of its pictures, px.
    """
    with open_source(clip) as frames, path.open("wb") as file:
        for frame in frames:
            if frame.index >= NUMBERS:
                break
            image = cv2.resize(frame.image, size[::-1])
            draw_number(image, frame.index)
            done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            assert done
            file.write(data.tobytes())


def visit(browser: Any, address: str, visitors: int, seconds: float) -> list[dict[str, Any]]:
    """Let visitors use their cameras for a while; the figures of each."""
    pages = []
    for _ in range(visitors):
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        start_camera(page)
        page.locator("#fl-live img").wait_for()
        pages.append(page)
    for page in pages:
        page.evaluate(WATCH)
    time.sleep(_WARM_S)
    for page in pages:
        page.evaluate(
            "noted.since = performance.now(); noted.unread = 0; noted.earlier = [];"
            "noted.before = noted.recognized;"
        )
    time.sleep(seconds)
    found = [page.evaluate("({ ...noted, now: performance.now() })") for page in pages]
    for page in pages:
        page.context.close()
    return [summary(noted) for noted in found]


def summary(noted: dict[str, Any]) -> dict[str, Any]:
    """Figures of what a page has noted since the warm-up."""
    trips = np.array([ms for when, ms in noted["trips"] if when >= noted["since"]])
    seconds = (noted["now"] - noted["since"]) / 1000
    if not len(trips):
        raise FraLiveError("The page showed no annotated picture of the camera.")
    return {
        "fps": round((len(trips) + noted["unread"]) / seconds, 1),
        "recognized_fps": round((noted["recognized"] - noted["before"]) / seconds, 1),
        "recognized_earlier_ms": round(float(np.median(noted["earlier"] or [0.0])), 1),
        "round_trip_ms": {f"p{p}": round(float(np.percentile(trips, p)), 1) for p in (50, 95)},
        "unread": noted["unread"],
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, help="what the camera sees (default: the demo's clip)")
    parser.add_argument("--camera", type=Path, help=".mjpeg made before; it is made where missing")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run (default: 20)")
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--model", default="mobile")
    args = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="fra-live-measure-") as folder:
            figures = measure(args, Path(folder))
    except FraLiveError as error:
        print(f"measure_page: {error}", file=sys.stderr)
        return 1
    print(json.dumps(figures))
    return 0


def measure(args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """The figures for each number of visitors, printed as they come."""
    camera: Path = args.camera or folder / "camera.mjpeg"
    if not camera.exists():
        clip = args.clip
        if clip is None:
            from fra_live.demo.clip import compose_clip

            clip = folder / "demo.mp4"
            compose_clip(clip)
        write_camera(clip, camera)
    runs = []
    with web_page("--model", args.model) as address:
        for visitors in args.visitors:
            with chromium(camera.resolve()) as browser:
                each = visit(browser, address, visitors, args.seconds)
            rates = [row["fps"] for row in each]
            runs.append({"visitors": visitors, "fairness": min(rates) / max(rates), "each": each})
            for number, row in enumerate(each, 1):
                trip = row["round_trip_ms"]
                print(
                    f"visitor {number} of {visitors}: {row['fps']} frames/s, round trip "
                    f"{trip['p50']:.0f} ms, p95 {trip['p95']:.0f} ms; {row['recognized_fps']} "
                    f"recognized/s, {row['recognized_earlier_ms']:.0f} ms before what is shown",
                    flush=True,
                )
    return runs


if __name__ == "__main__":
    sys.exit(main())
