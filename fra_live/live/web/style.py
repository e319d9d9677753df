"""How the page looks, and the scripts that it needs. Nothing comes from other servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_STATIC = Path(__file__).parent / "static"

LOGO = (
    '<svg viewBox="0 0 40 40" aria-hidden="true"><rect width="40" height="40" rx="10" '
    'fill="#0072b2"/><circle cx="17" cy="17" r="8.5" fill="none" stroke="#fff" '
    'stroke-width="2.6"/><rect x="21" y="20" width="11" height="13" rx="2.5" fill="#e69f00" '
    'stroke="#fff" stroke-width="1.6"/></svg>'
)


def css() -> str:
    """The style sheets, over Gradio's own."""
    return _read("page.css") + _read("camera.css")


def head() -> str:
    """What goes into the page's head; the sender is not run there but in a worker."""
    return (
        '<meta name="color-scheme" content="light dark">'
        f"<script>{_read('page.js')}{_read('camera.js')}</script>"
        f'<script id="fl-sender" type="text/plain">{_read("sender.js")}</script>'
    )


def theme() -> Any:
    """Gradio's plain theme with the machine's own fonts."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
        radius_size="lg",
    )


def _read(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
