"""What all tabs ask for: threshold, view, faces; and whose request it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from fra_live.live.hud import spoken
from fra_live.live.overlay import VIEWS

_FACES = {"Show": "", "Pixelate": "pixelate", "Blur": "blur"}
_WORDS = {"": "Show", "pixelate": "Pixelate", "blur": "Blur"}


@dataclass(frozen=True)
class Controls:
    """Where the controls stand at first.

    Attributes:
        threshold: raise an action from this probability on.
        view: 1 to 5.
        faces: "", "pixelate" or "blur".
    """

    threshold: float
    view: int = 1
    faces: str = ""

    def build(self, views: bool = True) -> tuple[Any, Any, Any]:
        """Lay them out; returns threshold, view and faces."""
        threshold = gr.Slider(
            0.05, 0.95, round(self.threshold, 2), step=0.01, label="Threshold",
            info="An action is raised from this probability on.",
        )  # fmt: skip
        view = gr.Radio(
            [(spoken(name), number) for number, name in VIEWS.items()], value=self.view,
            label="View", visible=views, elem_classes="fl-choice",
        )  # fmt: skip
        faces = gr.Radio(
            list(_FACES), value=_WORDS[self.faces], label="Faces without an action",
            elem_classes="fl-choice",
        )  # fmt: skip
        return threshold, view, faces

    @staticmethod
    def hiding(choice: str) -> str:
        """The overlay's word for a choice of the radio buttons."""
        return _FACES.get(choice, "")


def session_key(request: gr.Request) -> str:
    """What tells one browser tab from another."""
    return str(request.session_hash)
