"""The lines of text in the window: lasting states first, then passing notes, then the help."""

from __future__ import annotations

import time
from collections import deque

from fra_live.live.keys import HOTKEYS

_NOTE_S = 5.0
_MOST_NOTES = 3


class StatusLines:
    """Passing notes, each shown for five seconds, and the help."""

    def __init__(self) -> None:
        self.help = False
        self._notes: deque[tuple[str, float]] = deque(maxlen=_MOST_NOTES)

    def note(self, text: str) -> None:
        """Show a sentence for a while; a repeated one stands longer, not twice."""
        kept = [n for n in self._notes if n[0] != text]
        self._notes.clear()
        self._notes.extend([*kept, (text, time.monotonic() + _NOTE_S)])

    def lines(self, lasting: list[str]) -> tuple[str, ...]:
        """All lines to show now.

        Args:
            lasting: states that are shown for as long as they last.
        """
        now = time.monotonic()
        while self._notes and self._notes[0][1] < now:
            self._notes.popleft()
        notes = [text for text, _ in self._notes]
        return (*lasting, *notes, *(help_lines() if self.help else ()))


def help_lines() -> list[str]:
    """A line a key: its name, a tab, what it does."""
    return [f"{hotkey.name}\t{hotkey.command.value}" for hotkey in HOTKEYS]


def clock(seconds: float) -> str:
    """Minutes and seconds: 0:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
