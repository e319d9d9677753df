"""What the window remembers from one time to the next: a small JSON in the user's config folder.

A missing, damaged or unwritable file is never an error: the defaults stand in for it.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)
_MAX_BYTES = 10_000
_SIDES = range(160, 16_385)  # px; what a window may measure


@dataclass(frozen=True)
class WindowSettings:
    """What is remembered.

    Attributes:
        size: (width, height) of the picture in px of the screen; None: as large as the source.
        full_screen: whether the window filled the screen.
    """

    size: tuple[int, int] | None = None
    full_screen: bool = False


def config_folder() -> Path:
    """Where fra-live keeps settings: $XDG_CONFIG_HOME/fra-live, by default ~/.config/fra-live."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    # The XDG specification says that a relative path is to be ignored.
    if base and Path(base).is_absolute():
        return Path(base) / "fra-live"
    return Path.home() / ".config" / "fra-live"


def read_settings(path: Path | None = None) -> WindowSettings:
    """Read the settings; what cannot be used is replaced by its default.

    Args:
        path: the file; by default window.json in `config_folder`.
    """
    try:
        path = path or config_folder() / "window.json"
        if path.stat().st_size > _MAX_BYTES:
            return WindowSettings()
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError, RecursionError):
        return WindowSettings()
    if not isinstance(data, dict):
        return WindowSettings()
    return WindowSettings(_size(data.get("size")), data.get("full_screen") is True)


def write_settings(settings: WindowSettings, path: Path | None = None) -> None:
    """Write the settings, whole or not at all.

    Args:
        settings: what to remember.
        path: the file; by default window.json in `config_folder`.
    """
    try:
        path = path or config_folder() / "window.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_text(json.dumps(asdict(settings)) + "\n", encoding="utf-8")
        part.replace(path)
    except (OSError, RuntimeError) as error:
        _log.info("The window's size is not remembered: %s", error)


def _size(value: Any) -> tuple[int, int] | None:
    if isinstance(value, list) and len(value) == 2:
        width, height = value
        if width in _SIDES and height in _SIDES and isinstance(width, int | float):
            return int(width), int(height)
    return None
