"""Real-time recognition of face-related actions, with the action object outlined.

>>> import fra_live
>>> recognizer = fra_live.load("mobile")
>>> result = recognizer(frame)  # (H, W, 3) uint8 BGR
>>> result.action, result.candidates[0].box_xyxy
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from fra_live.errors import FraLiveError

if TYPE_CHECKING:
    from fra_live.labels import LabelSet
    from fra_live.pool import load_pool
    from fra_live.recognizer import Recognizer, load
    from fra_live.results import BodyPart, Candidate, Event, FrameResult, Person
    from fra_live.streaming import stream

try:
    __version__ = version("fra-live")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0.0.0"

__all__ = [
    "BodyPart",
    "Candidate",
    "Event",
    "FraLiveError",
    "FrameResult",
    "LabelSet",
    "Person",
    "Recognizer",
    "load",
    "load_pool",
    "stream",
]

_HOMES = {
    "BodyPart": "results",
    "Candidate": "results",
    "Event": "results",
    "FrameResult": "results",
    "LabelSet": "labels",
    "Person": "results",
    "Recognizer": "recognizer",
    "load": "recognizer",
    "load_pool": "pool",
    "stream": "streaming",  # not of its own name: the module would hide the function
}


def __getattr__(name: str) -> Any:
    """Import on first use: `import fra_live` itself costs no OpenCV and no OpenVINO."""
    if name in _HOMES:
        return getattr(import_module(f"fra_live.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'fra_live' has no attribute '{name}'")
