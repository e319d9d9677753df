"""How the page looks, and the little script it needs. Nothing comes from other servers."""

from __future__ import annotations

from typing import Any

CSS = """
.gradio-container { width: 100%; max-width: 1320px !important; margin: 0 auto !important;
  padding: 0 16px 24px !important; }
.gradio-container > .main, .gradio-container main { max-width: none !important;
  padding: 0 !important; }
.fl-top { display: flex; align-items: center; gap: 14px; padding: 14px 2px 6px; flex-wrap: wrap; }
.fl-top svg { width: 38px; height: 38px; flex: none; }
.fl-top h1 { font-size: 1.45rem; line-height: 1.1; margin: 0; font-weight: 700; }
.fl-top p { margin: 2px 0 0; color: var(--body-text-color-subdued); font-size: .92rem; }
.fl-chip { margin-left: auto; font-size: .8rem; padding: 4px 12px; border-radius: 99px;
  border: 1px solid var(--border-color-primary); color: var(--body-text-color-subdued); }
.fl-split { gap: 18px !important; align-items: flex-start !important; }
#fl-live { min-height: 300px; background: #15181c; }
#fl-live button:has(img), #fl-live .image-frame { width: 100% !important; }
#fl-live img { width: 100% !important; height: auto !important; max-height: 62vh !important;
  object-fit: contain; }
.gradio-container .html-container { padding: 0 !important; }
#fl-camera { max-height: 240px; }
#fl-camera video { max-height: 200px; object-fit: contain; }
.fl-note { margin: 0; padding: 9px 14px; border-radius: 10px; font-size: 1rem;
  background: var(--block-background-fill); border: 1px solid var(--border-color-primary); }
.fl-note.bad { border-color: #d55e00; border-left-width: 6px; }
.fl-hint, .fl-empty, .fl-empty.fl-empty { color: var(--body-text-color-subdued);
  font-size: .88rem; margin: 4px 0; }
.fl-heading { align-items: center !important; }
.fl-heading > * { flex-grow: 0 !important; }
.fl-heading > :first-child { flex-grow: 1 !important; }
.fl-events { list-style: none; margin: 0; padding: 0; max-height: 340px; overflow-y: auto; }
.fl-events li { display: grid; grid-template-columns: 3rem 1fr auto 3rem; gap: 8px;
  align-items: baseline; margin: 0 0 5px; padding: 7px 10px; border-left: 6px solid;
  border-radius: 6px; background: var(--block-background-fill); }
.fl-events time, .fl-events em { font-style: normal; font-variant-numeric: tabular-nums;
  color: var(--body-text-color-subdued); text-align: right; }
.fl-events time { text-align: left; }
.fl-events span { font-weight: 600; }
.fl-events small, .fl-table small { font-weight: 400; color: var(--body-text-color-subdued); }
.fl-now { font-size: .72rem; padding: 1px 7px; margin-left: 4px; border-radius: 99px;
  color: #fff; background: #0072b2; }
.fl-dot { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 8px;
  border: 1px solid #0003; }
.prose .fl-facts, .prose .fl-table, .prose .fl-facts tr, .prose .fl-table tr { border: 0; }
.fl-table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.fl-table th, .fl-table td { padding: 7px 8px; text-align: right; border: 0;
  border-bottom: 1px solid var(--border-color-primary); }
.fl-table th:first-child, .fl-table td:first-child { text-align: left; }
.fl-table [data-seek], .fl-bar { cursor: pointer; }
.fl-table tr[data-seek]:hover, .fl-table tr[data-seek]:focus {
  background: var(--background-fill-secondary); outline: none; }
.fl-timeline .fl-row, .fl-bars .fl-row { display: grid; gap: 10px; align-items: center;
  grid-template-columns: 9.5rem 1fr; margin-bottom: 5px; }
.fl-bars .fl-row { grid-template-columns: 9.5rem 1fr 3.2rem; }
.fl-row.raised span, .fl-row.raised em { font-weight: 700; }
.fl-row em { font-style: normal; text-align: right; font-variant-numeric: tabular-nums; }
.fl-track, .fl-meter { position: relative; height: 22px; border-radius: 5px;
  background: var(--background-fill-secondary); border: 1px solid var(--border-color-primary); }
.fl-meter { height: 14px; }
.fl-meter b { position: absolute; inset: 0 auto 0 0; border-radius: 4px; }
.fl-meter i { position: absolute; top: -4px; bottom: -4px; width: 2px;
  background: var(--body-text-color); }
.fl-bar { position: absolute; top: 1px; bottom: 1px; min-width: 5px; border: 0; padding: 0;
  border-radius: 4px; }
.fl-bar:hover, .fl-bar:focus-visible { outline: 2px solid var(--body-text-color); }
.fl-axis { position: relative; height: 1.2rem; }
.fl-axis i { position: absolute; font-style: normal; font-size: .78rem;
  color: var(--body-text-color-subdued); transform: translateX(-50%); }
.fl-axis i:first-child { transform: none; }
.fl-steps { display: grid; gap: 14px; grid-template-columns: repeat(4, 1fr); }
.fl-steps figure { margin: 0; }
.fl-steps img { width: 100%; border-radius: 8px; display: block; }
.fl-steps figcaption { font-size: .86rem; padding: 6px 2px;
  color: var(--body-text-color-subdued); }
.fl-steps figcaption b { display: block; color: var(--body-text-color); }
.fl-facts { border-collapse: collapse; width: 100%; }
.fl-facts th, .fl-facts td { padding: 6px 8px 6px 0; text-align: left; vertical-align: top;
  border: 0; border-bottom: 1px solid var(--border-color-primary); }
.fl-facts th { font-weight: 500; color: var(--body-text-color-subdued); width: 45%; }
#fl-video video { max-height: 66vh; }
#fl-image img { width: 100% !important; max-height: 66vh !important; object-fit: contain; }
.fl-narrow { align-self: flex-start; width: auto !important; }
.fl-faces label { padding: 5px 9px !important; }
footer { display: none !important; }
@media (max-width: 900px) { .fl-steps { grid-template-columns: repeat(2, 1fr); } }
@media (max-width: 640px) {
  .gradio-container { padding: 0 8px 16px !important; }
  .fl-top p, .fl-chip { display: none; }
  .tab-container [role="tab"] { padding: 0 9px !important; }
  .fl-top { padding: 8px 2px 2px; }
  .fl-split { flex-direction: column; gap: 10px !important; }
  .fl-split > * { width: 100%; min-width: 0 !important; }
  #fl-live { min-height: 200px; }
  .fl-live .fl-stage, .fl-live .fl-side { display: contents !important; }
  .fl-live #fl-camera { order: -1; max-height: 170px; }
  .fl-live .form { order: 9; }
  #fl-camera video { max-height: 150px; }
  .fl-steps { grid-template-columns: 1fr; }
  .fl-timeline .fl-row { grid-template-columns: 1fr; gap: 2px; }
  .fl-bars .fl-row { grid-template-columns: 7.5rem 1fr 2.6rem; }
  .fl-table th, .fl-table td { padding: 6px 3px; font-size: .86rem; }
}
"""

HEAD = r"""
<meta name="color-scheme" content="light dark">
<script>
(() => {
  // Gradio leaves a refused camera without a word; people should read why, and try again.
  const reasons = {
    NotAllowedError: "The browser was not allowed to use the camera: allow it in the address " +
      "bar, then click the camera again.",
    NotFoundError: "No camera was found: plug one in, then click the camera again; or use the " +
      "Video and Image tabs.",
    NotReadableError: "The camera is in use by another program: close that, then click the " +
      "camera again.",
    OverconstrainedError: "The camera offers no fitting picture size: choose another camera.",
  };
  const tell = (text) => {
    const place = document.getElementById("fl-camera-note");
    if (!place) return;
    const note = document.createElement("p");
    note.className = "fl-note bad";
    note.setAttribute("role", "alert");
    note.textContent = text;
    place.querySelectorAll(".fl-note").forEach((old) => old.remove());
    if (text) place.append(note);
  };
  const devices = navigator.mediaDevices;
  if (devices) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (wanted) => ask(wanted).then(
      (stream) => { tell(""); return stream; },
      (error) => {
        tell(reasons[error.name] || `The camera cannot be used (${error.message}).`);
        return new Promise(() => {});
      });
  } else {
    const insecure = "Browsers give the camera to pages from this computer or over https only: " +
      "open the page there; the Video and Image tabs work here too.";
    const wait = setInterval(() => {
      if (document.getElementById("fl-camera-note")) { clearInterval(wait); tell(insecure); }
    }, 300);
  }
  // Gradio sends pictures by the clock. Here one is at work and one waits; more are left out, so
  // that a slow server gets the newest and nobody encodes or parses pictures that are not seen.
  const flow = { sent: 0, answered: 0, at: 0 };
  const send = window.fetch.bind(window);
  window.fetch = (what, how) => {
    if (!/\/stream\/[^/]+$/.test(String((what && what.url) || what))) return send(what, how);
    const now = performance.now();
    if (now - flow.at > 1500) flow.answered = flow.sent;
    if (flow.sent - flow.answered > 1) {
      return Promise.resolve(new Response('{"msg": "success"}', {
        headers: { "Content-Type": "application/json" } }));
    }
    flow.sent += 1;
    flow.at = now;
    return send(what, how);
  };
  new MutationObserver((changes) => {
    if (changes.some((change) => change.target.closest("#fl-live"))) {
      flow.answered = Math.max(flow.answered + 1, flow.sent - 1);
    }
  }).observe(document, { subtree: true, attributeFilter: ["src"] });
  const seek = (target) => {
    const video = document.querySelector("#fl-video video");
    if (!video) return;
    video.currentTime = Number(target.dataset.seek);
    video.scrollIntoView({ block: "nearest", behavior: "smooth" });
    video.play().catch(() => {});
  };
  document.addEventListener("click", (event) => {
    const target = event.target.closest && event.target.closest("[data-seek]");
    if (target) seek(target);
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target.closest && event.target.closest("tr[data-seek]");
    if (target && event.key === "Enter") seek(target);
  });
})();
</script>
"""

LOGO = (
    '<svg viewBox="0 0 40 40" aria-hidden="true"><rect width="40" height="40" rx="10" '
    'fill="#0072b2"/><circle cx="17" cy="17" r="8.5" fill="none" stroke="#fff" '
    'stroke-width="2.6"/><rect x="21" y="20" width="11" height="13" rx="2.5" fill="#e69f00" '
    'stroke="#fff" stroke-width="1.6"/></svg>'
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
