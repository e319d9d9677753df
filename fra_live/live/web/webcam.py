"""The Webcam tab."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr

from fra_live.errors import FraLiveError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.camera import READY
from fra_live.live.web.controls import Controls, session_key
from fra_live.live.web.payloads import camera_bytes, picture
from fra_live.live.web.pieces import event_list, note
from fra_live.live.web.sessions import Sessions

STREAM_EVERY_S = 1 / 20
_CAMERA = {"video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "facingMode": "user"}}
_log = logging.getLogger(__name__)


def build_webcam(sessions: Sessions, most_streams: int, controls: Controls) -> None:
    """Lay out the tab and connect it.

    Args:
        sessions: of the page.
        most_streams: cameras that are served at the same time; more wait in a queue.
        controls: defaults of the sliders.
    """
    labels = sessions.recognizer.labels
    with gr.Row(elem_classes=["fl-split", "fl-live"]):
        with gr.Column(scale=7, min_width=300, elem_classes="fl-stage"):
            shown = gr.Image(
                show_label=False,
                interactive=False,
                buttons=["fullscreen"],
                elem_id="fl-live",
                alt_text="The camera's picture with what was recognized",
            )
            status = gr.HTML(note(READY), elem_id="fl-status")
            gr.HTML("", elem_id="fl-camera-note")
            with gr.Row(elem_classes="fl-heading"):
                gr.Markdown("### Events")
                clear = gr.Button("Clear", size="sm", variant="secondary", min_width=70)
            events = gr.HTML(event_list(labels, (), (), 0), elem_id="fl-events")
        with gr.Column(scale=3, min_width=280, elem_classes="fl-side"):
            camera = gr.Image(
                sources=["webcam"],
                streaming=True,
                label="Camera",
                elem_id="fl-camera",
                webcam_options=gr.WebcamOptions(mirror=True, constraints=_CAMERA),
            )
            threshold, view, faces = controls.build()

    def update(
        sent: Any, threshold: float, view: float, faces: str, request: gr.Request
    ) -> tuple[Any, Any, Any]:
        data = camera_bytes(sent)
        if not data:
            return gr.skip(), gr.skip(), gr.skip()
        try:
            options = OverlayOptions(view=int(view), faces=Controls.hiding(faces))
            answer = sessions.of(session_key(request)).camera.update(data, threshold, options)
        except FraLiveError as error:
            return gr.skip(), gr.skip(), note(str(error), "bad")
        except Exception:
            _log.exception("a camera's picture")
            return gr.skip(), gr.skip(), note("Something failed on the server.", "bad")
        return picture(answer.jpeg), answer.events, note(answer.status)

    def rest(request: gr.Request) -> tuple[str, str]:
        listed, told = sessions.of(session_key(request)).camera.rest()
        return listed, note(told)

    def forget(request: gr.Request) -> str:
        return sessions.of(session_key(request)).camera.clear()

    camera.stream(
        update,
        [camera, threshold, view, faces],
        [shown, events, status],
        stream_every=STREAM_EVERY_S,
        concurrency_limit=most_streams,
        preprocess=False,
        postprocess=False,
        show_progress="hidden",
        api_visibility="private",
    )
    gr.Timer(2.0).tick(
        rest, None, [events, status], show_progress="hidden", queue=False, api_visibility="private"
    )
    clear.click(forget, None, events, queue=False, api_visibility="private")
