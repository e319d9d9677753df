"""Works with patience in four places at once, as a process of its own that is to be stopped.

Says "working" once each waits for what only comes with a line of input, and at the end what became
of each, as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np

from fra_live.crew import recognize_side_by_side
from fra_live.live.loop import LiveLoop
from fra_live.results import FrameResult
from fra_live.video.base import Frame
from fra_live.video.threads import ReadAhead, WriteBehind
from tests.live.loop_parts import FakeCamera, SlowRecognizer, make_result

PATIENCE_S = 3.0
IMAGE = np.zeros((32, 32, 3), np.uint8)
begun, go_on = threading.Barrier(5), threading.Event()


def work() -> None:
    begun.wait(20)
    go_on.wait()


def recognize(image: np.ndarray, **options: object) -> FrameResult:
    work()
    return make_result(image)


def in_the_crew() -> None:
    frames = [Frame(IMAGE, 0.0, 0)]
    list(recognize_side_by_side([recognize], frames, patience_s=lambda: PATIENCE_S))


def in_the_loop() -> None:
    def on_call(call: int) -> None:
        if call == 2:  # the first may take longer
            work()

    with LiveLoop(FakeCamera(30), SlowRecognizer(on_call=on_call), hang_s=PATIENCE_S) as loop:
        for _ in range(3):
            assert loop.get() is not None


def reading() -> None:
    def slowly() -> Iterator[int]:
        work()
        yield 1

    with ReadAhead(slowly(), patience_s=PATIENCE_S) as ahead:
        assert list(ahead) == [1]


def writing() -> None:
    with WriteBehind(lambda _: work(), patience_s=PATIENCE_S) as behind:
        behind.put(1)


def main() -> int:
    became: dict[str, str] = {}

    def note(deed: Callable[[], None]) -> None:
        try:
            deed()
        except Exception as error:
            became[deed.__name__] = f"{type(error).__name__}: {error}"
        else:
            became[deed.__name__] = "done"

    threads = [
        threading.Thread(target=note, args=(deed,))
        for deed in (in_the_crew, in_the_loop, reading, writing)
    ]
    for thread in threads:
        thread.start()
    begun.wait(20)
    print("working", flush=True)
    sys.stdin.readline()
    go_on.set()
    for thread in threads:
        thread.join()
    print(json.dumps(became))
    return 0


if __name__ == "__main__":
    sys.exit(main())
