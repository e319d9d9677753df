"""The window's keys: what they do, as the help lists it, and what OpenCV reports for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Command(Enum):
    """What a key asks for; the value is the help's text."""

    PAUSE = "pause, go on"
    STEP = "one frame on"
    SNAPSHOT = "save a picture"
    RECORD = "record, stop recording"
    MIRROR = "mirror"
    VIEW = "picture, coarse, windows, fine, all"
    THRESHOLD_UP = "raise fewer actions"
    THRESHOLD_DOWN = "raise more actions"
    NEXT_CAMERA = "next camera"
    FULL_SCREEN = "full screen"
    HELP = "this help"
    QUIT = "quit"


@dataclass(frozen=True)
class Hotkey:
    """A key or a group of keys with one meaning.

    Attributes:
        name: as the help shows it.
        characters: what OpenCV may report for it.
        command: what it does.
    """

    name: str
    characters: str
    command: Command


ESCAPE = "\x1b"
HOTKEYS = (
    Hotkey("space", " ", Command.PAUSE),
    Hotkey(".", ".", Command.STEP),
    Hotkey("1 - 5", "12345", Command.VIEW),
    Hotkey("+", "+=", Command.THRESHOLD_UP),
    Hotkey("-", "-_", Command.THRESHOLD_DOWN),
    Hotkey("m", "m", Command.MIRROR),
    Hotkey("s", "s", Command.SNAPSHOT),
    Hotkey("r", "r", Command.RECORD),
    Hotkey("c", "c", Command.NEXT_CAMERA),
    Hotkey("f", "f", Command.FULL_SCREEN),
    Hotkey("h", "h?", Command.HELP),
    Hotkey("q, Esc", "q" + ESCAPE, Command.QUIT),
)
_BY_CHARACTER = {c: hotkey.command for hotkey in HOTKEYS for c in hotkey.characters}

# X keysyms of the number pad, as GTK reports them.
_KEYPAD = {0xFFAB: "+", 0xFFAD: "-", 0xFFAE: ".", **{0xFFB0 + i: str(i) for i in range(1, 6)}}


def character(code: int) -> str:
    """The character of a key.

    Args:
        code: what `cv2.waitKeyEx` gave; −1 for no key.

    Returns:
        The character, letters in lower case; "" for no key and for keys without one. Arrow and
        function keys have none: their low byte alone would pass for a letter.
    """
    if code < 0:
        return ""
    code &= 0xFFFF  # above are modifiers: Shift, Ctrl, NumLock
    if code in _KEYPAD:
        return _KEYPAD[code]
    return chr(code).lower() if 0 < code < 128 else ""


def command(code: int) -> tuple[Command | None, str]:
    """What a key asks for.

    Args:
        code: what `cv2.waitKeyEx` gave.

    Returns:
        The command, None where the key has no meaning, and its character.
    """
    pressed = character(code)
    return _BY_CHARACTER.get(pressed), pressed
