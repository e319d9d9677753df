"""Films: Net_fine looks where the last frame had its windows, while Net_coarse is still at work.

Both networks then run at the same time on half the cores each, which they use better than one
after the other on all of them. Where Net_coarse finds that the windows were guessed wrong (a new
face, a cut), Net_fine looks again, so nothing is missed: that frame only takes longer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.runtime.engine import Engine
from fra_live.segmenter import Look, Segmenter, StageClock
from fra_live.stages.preprocess import Pyramid
from fra_live.stages.refine import crop_windows
from fra_live.stages.windows import Window

_SHIFT = 0.1  # of its side by which a window may have moved
_GROWTH = 1.2  # by which its side may have changed


def stands_for(guess: Window, wanted: Window) -> bool:
    """Whether a guessed window shows what the wanted one would, nearly in the same place."""
    reach = _SHIFT * wanted.side
    return (
        abs(guess.x - wanted.x) <= reach
        and abs(guess.y - wanted.y) <= reach
        and 1 / _GROWTH <= guess.side / wanted.side <= _GROWTH
    )


class FollowingSegmenter(Segmenter):
    """A segmenter for the frames of one film in their order; it holds a thread of its own."""

    def __init__(
        self,
        coarse: Engine,
        fine: Engine,
        labels: LabelSet,
        parameters: Parameters,
        backend: str = "in use",
    ) -> None:
        """See `Segmenter`."""
        super().__init__(coarse, fine, labels, parameters, backend)
        self._thread: ThreadPoolExecutor | None = None
        self._shape = (0, 0)
        self._guess: list[Window] = []

    def close(self) -> None:
        """End the thread; the next frame starts another and guesses nothing."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        self._thread, self._shape = None, (0, 0)

    def _look(self, pyramid: Pyramid, small: np.ndarray, clock: StageClock) -> Look:
        if pyramid.shape != self._shape:
            look = super()._look(pyramid, small, clock)
            self._shape, self._guess = pyramid.shape, look.windows
            return look
        guess = self._guess
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "coarse")
        beside = self._thread.submit(self._run, self.coarse, small)
        try:
            with clock("windows"):
                crops = crop_windows(pyramid, guess, self.parameters.fine_size)
            with clock("fine"):
                inside, window_logits = self._run(self.fine, crops)
        finally:
            with clock("coarse"):  # what is left of it once Net_fine is done
                probabilities, logits = beside.result()
        coarse = probabilities[0]
        with clock("windows"):
            wanted = self._guess = self._windows(coarse, pyramid)
            shown = [next((i for i, g in enumerate(guess) if stands_for(g, w)), -1) for w in wanted]
        if min(shown) >= 0:
            kept = list(dict.fromkeys(shown))  # in the wanted order: faces' windows come first
            if kept != list(range(len(guess))):  # else all of them stand, and nothing is copied
                guess = [guess[i] for i in kept]
                inside, window_logits = inside[kept], window_logits[kept]
            return Look(coarse, logits[0], guess, inside, window_logits)
        with clock("windows"):
            crops = crop_windows(pyramid, wanted, self.parameters.fine_size)
        with clock("fine"):
            inside, window_logits = self._run(self.fine, crops)
        return Look(coarse, logits[0], wanted, inside, window_logits)
