#!/usr/bin/env python3
"""Makes the pictures of the window and the page for README, from the demo's clip.

The window runs on an X display of its own (Xvfb) and is photographed by ffmpeg; the page runs in
headless Chromium. Both show what the model that ships finds in the clip.

    scripts/make_pictures.py
    scripts/make_pictures.py --only page --width 390 --folder /tmp   # the page on a phone
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from stage import ROOT, Program, chromium, web_page, x_display

from fra_live.demo.clip import compose_clip
from fra_live.errors import FraLiveError
from fra_live.labels import LabelSet
from fra_live.live.app import FIRST_FRAME
from fra_live.runtime.bundle import load_bundle
from fra_live.video.sinks import VideoSink
from fra_live.video.sources import open_source

_PART_S = 13.6, 16.6  # of the demo: somebody brushes her teeth
_SHOTS, _EVERY_S = 24, 0.4
_QUALITY = 88
_SIZE = 480, 640


def cut(source: Path, path: Path, part_s: tuple[float, float]) -> None:
    """A part of a clip, as a clip."""
    with open_source(source) as frames:
        rate = frames.rate or Fraction(30)
        with VideoSink(path, _SIZE, rate) as sink:
            for frame in frames:
                if part_s[0] <= frame.timestamp_s < part_s[1]:
                    sink.write(frame.image, frame.timestamp_s - part_s[0])


def photograph(display: str, size: tuple[int, int]) -> np.ndarray:
    """The upper left (H, W) px of an X display, as (H, W, 3) uint8 BGR."""
    command = ["ffmpeg", "-v", "error", "-f", "x11grab", "-draw_mouse", "0"]
    command += ["-video_size", f"{size[1]}x{size[0]}", "-i", display, "-frames:v", "1"]
    try:
        shot = subprocess.run(
            [*command, "-f", "image2pipe", "-c:v", "png", "-"], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise FraLiveError(f"ffmpeg, which photographs the window, failed: {error}.") from error
    image = cv2.imdecode(np.frombuffer(shot.stdout, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def colourful(image: np.ndarray, labels: LabelSet) -> int:
    """How many px have exactly the colour of an object: flags, meters and outlines have."""
    return sum(
        int((image == np.array(labels.colour(name), np.uint8)).all(axis=2).sum())
        for name in labels.objects
    )


def picture_window(clip: Path, folder: Path, model: str) -> np.ndarray:
    """The window at the best of some moments: with object, label, banner and figures."""
    part, labels = folder / "part.mp4", load_bundle(model).labels
    cut(clip, part, _PART_S)
    with x_display() as display:
        program = Program("live", part, "--repeat", "--debug", "--model", model, display=display)
        try:
            program.wait_for(FIRST_FRAME)
            time.sleep(6)  # the notes of the start are gone, the figures have settled
            shots = []
            for _ in range(_SHOTS):
                shots.append(photograph(display, _SIZE))
                time.sleep(_EVERY_S)
        finally:
            program.end()
    return max(shots, key=lambda shot: colourful(shot, labels))


def picture_page(clip: Path, model: str, width: int) -> bytes:
    """The page's Video tab with a recognized clip, as PNG."""
    with web_page("--model", model) as address, chromium() as browser:
        size = {"width": width, "height": 900}
        page = browser.new_context(viewport=size, device_scale_factor=1).new_page()
        page.set_default_timeout(900_000)
        page.goto(address)
        page.get_by_role("tab", name="Video").click()
        page.locator("#fl-upload input[type=file]").first.set_input_files(clip)
        page.get_by_role("button", name="Recognize").click()
        page.locator("#fl-table tr[data-seek]").first.wait_for()
        _seek(page, sum(_PART_S) / 2)
        return bytes(page.screenshot(full_page=True))


def _seek(page: Any, time_s: float) -> None:
    """Show a moment of the annotated video, paused."""
    page.wait_for_function("(document.querySelector('#fl-video video') || {}).readyState >= 2")
    page.evaluate(
        """time => new Promise((done) => {
          const video = document.querySelector("#fl-video video");
          video.pause();
          video.addEventListener("seeked", () => setTimeout(done, 500), { once: true });
          video.currentTime = time;
        })""",
        time_s,
    )


def main(arguments: list[str] | None = None) -> int:
    """Make them and say where they are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "docs", help="default: docs")
    parser.add_argument("--only", choices=("window", "page"))
    parser.add_argument("--width", type=int, default=1280, help="of the page, px (default: 1280)")
    parser.add_argument("--clip", type=Path, help="the demo's clip, where it was made before")
    parser.add_argument("--model", default="mobile")
    args = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="fra-live-pictures-") as name:
            folder, made = Path(name), {}
            clip = args.clip or folder / "demo.mp4"
            if args.clip is None:
                compose_clip(clip)
            if args.only != "page":
                made["window"] = picture_window(clip, folder, args.model)
            if args.only != "window":
                png = picture_page(clip, args.model, args.width)
                decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
                assert decoded is not None
                made["page"] = decoded
    except FraLiveError as error:
        print(f"make_pictures: {error}", file=sys.stderr)
        return 1
    args.folder.mkdir(parents=True, exist_ok=True)
    for what, image in made.items():
        path = args.folder / f"{what}.jpg"
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        path.write_bytes(jpeg.tobytes())
        print(f"{path}: {image.shape[1]}x{image.shape[0]} px, {len(jpeg) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
