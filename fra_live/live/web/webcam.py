"""The Webcam tab; the browser's part of it is static/camera.js."""

from __future__ import annotations

import gradio as gr

from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.camera import READY
from fra_live.live.web.controls import Controls, session_key
from fra_live.live.web.pieces import event_list, note
from fra_live.live.web.sessions import Sessions

_STAGE = """
<div id="fl-live">
  <img id="fl-picture" alt="The camera's picture with what was recognized">
  <div id="fl-idle">
    <button id="fl-start" class="fl-button" type="button">Start the camera</button>
    <p>Its pictures go to the computer that serves this page, and are not stored.</p>
  </div>
</div>
<div class="fl-bar-of-camera">
  <button id="fl-stop" class="fl-button" type="button" hidden>Stop</button>
  <select id="fl-cameras" class="fl-button" aria-label="Camera" hidden></select>
  <label><input id="fl-mirror" type="checkbox" checked> As in a mirror</label>
  <button id="fl-full" class="fl-button" type="button" hidden>Full screen</button>
</div>
"""
_HEADING = """
<div class="fl-title"><h3>Events</h3>
<button id="fl-clear" class="fl-button" type="button">Clear</button></div>
"""


def build_webcam(sessions: Sessions, controls: Controls) -> gr.HTML:
    """Lay out the tab and connect it.

    Args:
        sessions: of the page.
        controls: defaults of the sliders.

    Returns:
        An unseen place for `token`, to be filled when the page is loaded.
    """
    labels = sessions.recognizer.labels
    with gr.Row(elem_classes=["fl-split", "fl-camera-tab"]):
        with gr.Column(scale=7, min_width=300, elem_classes="fl-stage"):
            gr.HTML(_STAGE)
            gr.HTML(note(READY), elem_id="fl-status")
            gr.HTML(_HEADING)
            gr.HTML(f'<div id="fl-list">{event_list(labels, (), (), 0)}</div>', elem_id="fl-events")
            token = gr.HTML("", elem_classes="fl-unseen")
        with gr.Column(scale=3, min_width=280, elem_classes="fl-side"):
            threshold, view, faces = controls.build()

    def choose(threshold: float, view: float, faces: str, request: gr.Request) -> None:
        options = OverlayOptions(view=int(view), faces=Controls.hiding(faces))
        sessions.of(session_key(request)).camera.choose(float(threshold), options)

    for control in (threshold, view, faces):
        control.change(
            choose, [threshold, view, faces], None, queue=False, show_progress="hidden",
            trigger_mode="always_last", api_visibility="private",
        )  # fmt: skip
    return token


def token_of(sessions: Sessions, controls: Controls, request: gr.Request) -> str:
    """What lets this browser tab's camera in, for the place that `build_webcam` returns."""
    session = sessions.of(session_key(request))
    options = OverlayOptions(view=controls.view, faces=controls.faces)
    session.camera.choose(controls.threshold, options)
    return f'<span id="fl-token" data-token="{session.token}"></span>'
