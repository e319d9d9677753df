"""The Image tab."""

from __future__ import annotations

import logging
from html import escape
from typing import Any

import gradio as gr

from fra_live.errors import FraLiveError
from fra_live.live.hud import spoken
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.controls import Controls, session_key
from fra_live.live.web.payloads import data_url, jpeg, upload_path
from fra_live.live.web.pieces import action_bars, note
from fra_live.live.web.sessions import Sessions
from fra_live.live.web.still import STEPS, Still, annotate_still
from fra_live.video.sinks import write_image

_log = logging.getLogger(__name__)


def build_image(sessions: Sessions, controls: Controls) -> None:
    """Lay out the tab and connect it; it recognizes as soon as there is an image."""
    labels = sessions.recognizer.labels
    with gr.Row(elem_classes="fl-split"):
        with gr.Column(scale=3, min_width=280, elem_classes="fl-side"):
            upload = gr.Image(
                sources=["upload", "webcam", "clipboard"],
                label="Your image",
                elem_id="fl-image-upload",
                height=260,
            )
            threshold, _, faces = controls.build(views=False)
        with gr.Column(scale=7, min_width=300, elem_classes="fl-stage"):
            told = gr.HTML(note("Choose an image or take a photo."), elem_id="fl-image-note")
            picture = gr.Image(
                label="What was found", interactive=False, elem_id="fl-image",
                buttons=["fullscreen"], alt_text="The image with what was recognized",
            )  # fmt: skip
            bars = gr.HTML(elem_id="fl-image-bars")
    steps = gr.HTML(elem_id="fl-steps")
    sheet = gr.DownloadButton(
        "All steps as one picture (PNG)", size="sm", visible=False, elem_classes="fl-narrow"
    )
    shown = [told, picture, bars, steps, sheet]

    def recognize(sent: Any, threshold: float, faces: str, request: gr.Request) -> list[Any]:
        nothing = [None, "", "", gr.update(visible=False)]
        session = sessions.of(session_key(request))
        path = session.take(upload_path(sent))
        if path is None:
            return [note("Choose an image or take a photo."), *nothing]
        try:
            options = OverlayOptions(faces=Controls.hiding(faces))
            still = annotate_still(path, path.name, session.recognizer.at(threshold), options)
            folder = session.new_folder()
            saved, annotated = folder / "steps.png", folder / "annotated.jpg"
            write_image(saved, still.sheet)
            write_image(annotated, still.annotated)
        except FraLiveError as error:
            return [note(str(error), "bad"), *nothing]
        except Exception:
            _log.exception("an uploaded image")
            return [note("Something failed on the server.", "bad"), *nothing]
        return [
            note(_said(still)),
            str(annotated),
            action_bars(labels, still.result),
            _figures(still),
            gr.update(value=str(saved), visible=True),
        ]

    for event in (upload.change, threshold.release, faces.change):
        event(
            recognize,
            [upload, threshold, faces],
            shown,
            preprocess=False,
            trigger_mode="always_last",
            show_progress_on=picture,
            api_visibility="private",
        )


def _said(still: Still) -> str:
    action, probability = still.result.best_action
    named = f"{spoken(action)}, {100 * probability:.0f} %"
    if probability >= still.result.threshold:
        return f"{named}."
    return f"No action: the most probable ({named}) is below the threshold."


def _figures(still: Still) -> str:
    panels = "".join(
        f'<figure><img src="{data_url(jpeg(panel))}" alt="{escape(title)}">'
        f"<figcaption><b>{number}. {escape(title)}</b> {escape(text)}</figcaption></figure>"
        for number, (panel, (title, text)) in enumerate(zip(still.steps, STEPS, strict=True), 1)
    )
    return f'<h3>How it got there</h3><div class="fl-steps">{panels}</div>'
