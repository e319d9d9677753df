"""The whole page: a heading and four tabs."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from fra_live.live.web.about import build_about
from fra_live.live.web.controls import Controls, session_key
from fra_live.live.web.guard import only_uploads
from fra_live.live.web.image import build_image
from fra_live.live.web.sessions import Limits, Sessions
from fra_live.live.web.style import LOGO
from fra_live.live.web.video import build_video
from fra_live.live.web.webcam import build_webcam, token_of

TITLE = "fra-live"
_KEPT_S = 3600  # files of sessions that never said good-bye


def build_page(sessions: Sessions, limits: Limits, controls: Controls) -> Any:
    """Lay out the page.

    Returns:
        A `gradio.Blocks`, ready to be launched.
    """
    engine = sessions.recognizer.engine
    chip = f"{sessions.recognizer.bundle.name} · {engine.backend} {engine.precision}"
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(600, _KEPT_S), fill_width=True
    ) as page:
        gr.HTML(
            f'<header class="fl-top">{LOGO}<div><h1>fra-live</h1><p>Sees what people do with '
            "cups, cigarettes, toothbrushes, phones: live, with the object outlined.</p></div>"
            f'<span class="fl-chip">{escape(chip)}</span></header>'
        )
        with gr.Tabs():
            with gr.Tab("Webcam", id="webcam"):
                token = build_webcam(sessions, controls)
            with gr.Tab("Video", id="video"):
                build_video(sessions, limits.minutes, limits.upload_mb, controls)
            with gr.Tab("Image", id="image"):
                build_image(sessions, controls)
            with gr.Tab("About", id="about"):
                build_about(sessions.recognizer)

        def leave(request: gr.Request) -> None:
            sessions.close(session_key(request))

        def arrive(request: gr.Request) -> str:
            return token_of(sessions, controls, request)

        page.load(
            arrive, None, token, queue=False, show_progress="hidden", api_visibility="private"
        )
        page.unload(leave)
    only_uploads(page)
    return page
