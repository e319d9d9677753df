"""Runs the window on a source with a stand-in recognizer, as a process of its own.

Usage: window_program.py SOURCE FOLDER [text] [hang]; events go to FOLDER/events.jsonl.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2

from fra_live.errors import FraLiveError
from fra_live.live.window import WindowOptions, event_line, run_window
from tests.live.loop_parts import SlowRecognizer


def main() -> int:
    cv2.setNumThreads(1)
    source, folder, modes = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]

    def on_call(call: int) -> None:
        print("frame", call, flush=True)
        if "hang" in modes and call == 3:
            time.sleep(60)

    options = WindowOptions(
        window="text" not in modes,
        events=folder / "events.jsonl",
        folder=folder,
        repeat="repeat" in modes,
        record="record" in modes,
        hang_s=0.5 if "hang" in modes else 60,
    )
    try:
        return run_window(
            source,
            lambda: SlowRecognizer(0.005, drinking=(0.3, 1e9), on_call=on_call),
            options,
            say=lambda text: print("said", text, flush=True),
            tell_event=lambda event: print("event", event_line(event), flush=True),
        )
    except FraLiveError as error:
        print("error", error, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
