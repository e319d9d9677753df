"""The Video tab."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr

from fra_live.errors import FraLiveError
from fra_live.live.overlay import OverlayOptions
from fra_live.live.web.clip import annotate_clip
from fra_live.live.web.controls import Controls, session_key
from fra_live.live.web.payloads import upload_path
from fra_live.live.web.pieces import clock, event_table, note, timeline
from fra_live.live.web.sessions import Sessions

_log = logging.getLogger(__name__)
_AT_ONCE = 2  # videos of all sessions together; more wait in a queue


def build_video(
    sessions: Sessions, max_minutes: float, max_upload_mb: float, controls: Controls
) -> None:
    """Lay out the tab and connect it.

    Args:
        sessions: of the page.
        max_minutes: longer videos are refused.
        max_upload_mb: told to the visitor; Gradio refuses larger uploads.
        controls: defaults of the sliders.
    """
    labels = sessions.recognizer.labels
    with gr.Row(elem_classes="fl-split"):
        with gr.Column(scale=3, min_width=280, elem_classes="fl-side"):
            upload = gr.Video(
                sources=["upload"], label="Your video", elem_id="fl-upload", height=240
            )
            gr.HTML(
                f'<p class="fl-hint">Up to {max_minutes:g} minutes and {max_upload_mb:g} MB. '
                "It is deleted when you close this page.</p>"
            )
            threshold, view, faces = controls.build()
            with gr.Row():
                start = gr.Button("Recognize", variant="primary", min_width=120)
                stop = gr.Button("Stop", variant="stop", min_width=80, visible=False)
        with gr.Column(scale=7, min_width=300, elem_classes="fl-stage"):
            told = gr.HTML(note("Choose a video, then press Recognize."), elem_id="fl-video-note")
            copy = gr.Video(
                label="Annotated video", interactive=False, elem_id="fl-video", buttons=["download"]
            )
            with gr.Column(visible=False) as found:
                gr.Markdown("### When")
                line = gr.HTML(elem_id="fl-timeline")
                gr.Markdown("### Events")
                table = gr.HTML(elem_id="fl-table")
                with gr.Row(elem_classes="fl-downloads"):
                    video_file = gr.DownloadButton("Video (mp4)", size="sm", min_width=110)
                    table_file = gr.DownloadButton("Events (CSV)", size="sm", min_width=110)
                    lines_file = gr.DownloadButton("Events (JSONL)", size="sm", min_width=110)
    shown = [told, copy, found, line, table, video_file, table_file, lines_file]

    def recognize(
        sent: Any,
        threshold: float,
        view: float,
        faces: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 – Gradio finds it there
    ) -> list[Any]:
        nothing = [None, gr.update(visible=False), *(None for _ in shown[3:])]
        session = sessions.of(session_key(request))
        path = session.take(upload_path(sent))
        if path is None:
            return [note("There is no video yet: choose one first.", "bad"), *nothing]
        if not session.working.acquire(blocking=False):
            raise gr.Error("A video of yours is at work already; stop it first.", duration=8)
        try:
            session.stopping.clear()
            progress(0.0, desc="Opening the video")
            recognizer, reserves = sessions.engines.of(session_key(request))
            clip = annotate_clip(
                path,
                path.name,
                session.new_folder(),
                recognizer.at(threshold),
                OverlayOptions(view=int(view), faces=Controls.hiding(faces)),
                max_minutes=max_minutes,
                stopping=session.stopping,
                progress=lambda share, said: progress(share or 0.0, desc=said),
                reserves=reserves,
            )
        except FraLiveError as error:
            return [note(str(error), "bad"), *nothing]
        except Exception:
            _log.exception("an uploaded video")
            return [note("Something failed on the server.", "bad"), *nothing]
        finally:
            session.working.release()
        for notice in clip.notices:
            _log.warning("%s", notice)
        count = len(clip.events)
        said = f"{count} event{'' if count == 1 else 's'} in {clock(clip.duration_s)}."
        said += f" {clip.problem}" if clip.problem else " Click one to see it." if count else ""
        return [
            note(said),
            str(clip.video),
            gr.update(visible=True),
            timeline(labels, clip.events, clip.duration_s),
            event_table(labels, clip.events),
            str(clip.video),
            str(clip.table),
            str(clip.lines),
        ]

    def halt(request: gr.Request) -> None:
        sessions.of(session_key(request)).stopping.set()

    def buttons(working: bool) -> tuple[Any, Any]:
        return gr.update(interactive=not working), gr.update(visible=working)

    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    start.click(lambda: buttons(True), None, [start, stop], **quick).then(
        recognize,
        [upload, threshold, view, faces],
        shown,
        concurrency_limit=_AT_ONCE,
        preprocess=False,
        show_progress_on=copy,
        api_visibility="private",
    ).then(lambda: buttons(False), None, [start, stop], **quick)
    stop.click(halt, None, None, **quick)
