"""The About tab: the model, what runs it and why, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import gradio as gr

from fra_live import __version__
from fra_live.live.hud import spoken
from fra_live.live.web.sharing import SharedRecognizer
from fra_live.runtime.bundle import Bundle

_PRIVACY = (
    "Pictures are worked on by the computer that serves this page and go nowhere else. Camera "
    "pictures are never stored; uploads and results are deleted when the page is closed."
)


def build_about(recognizer: SharedRecognizer) -> None:
    """Lay out the tab."""
    bundle: Bundle = recognizer.bundle
    engine = recognizer.engine
    rows = {
        "Model": bundle.name,
        "Runs on": f"{engine.backend}, {engine.precision}",
        "Chosen because": engine.reason,
        "Actions": ", ".join(spoken(a) for a in recognizer.labels.action_names),
        "Threshold": f"{bundle.threshold:.2f}",
        "Version": f"fra-live {__version__}",
    }
    with gr.Row(elem_classes="fl-split"):
        with gr.Column(scale=4, min_width=280):
            gr.HTML("<h3>This page</h3>" + _table(rows.items()))
            figures = bundle.manifest.get("figures")
            if isinstance(figures, Mapping) and figures:
                gr.HTML("<h3>Measured</h3>" + _table(_flat(figures)), elem_id="fl-figures")
            gr.HTML(f'<p class="fl-hint">{_PRIVACY}</p>')
        with gr.Column(scale=6, min_width=300):
            gr.Markdown(_card(bundle), elem_id="fl-card", sanitize_html=True)


def _card(bundle: Bundle) -> str:
    path = bundle.folder / "MODEL_CARD.md"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return f"### Model card\n\nThe model {bundle.name} brings no model card."


def _table(rows: Any) -> str:
    body = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows
    )
    return f'<table class="fl-facts">{body}</table>'


def _flat(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested figures as rows of a name and a number."""
    for key, value in figures.items():
        name = f"{above} · {_words(key)}" if above else spoken(_words(key))
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        elif isinstance(value, list | tuple):
            yield name, ", ".join(_figure(v) for v in value)
        else:
            yield name, _figure(value)


def _words(key: str) -> str:
    return key.replace("_", " ")


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)
