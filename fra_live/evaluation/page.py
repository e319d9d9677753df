"""The report's HTML: one file, nothing loaded from elsewhere, no script.

It reads on a phone and in the dark; images are JPEGs inside the page.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import cv2
import numpy as np

from fra_live.evaluation.printing import figure, percent
from fra_live.live.hud import spoken

_QUALITY = 82  # of the JPEGs

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1d20;--soft:#646a73;--line:#e3e5e8;--page:#fff;
--card:#f6f7f8;--bar:#1668b0;--rail:#e3e6ea}
@media(prefers-color-scheme:dark){:root{--ink:#eceef0;--soft:#9aa1ab;--line:#2c3036;--page:#131518;
--card:#1c1f23;--bar:#58a6e8;--rail:#2b3036}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main,header,nav>div{max-width:76rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}
header{padding-top:clamp(1.5rem,5vw,3.5rem)}
h1{font-size:clamp(1.6rem,5vw,2.4rem);line-height:1.15;letter-spacing:-.02em;margin:0 0 .3rem}
h2{font-size:clamp(1.35rem,3.5vw,1.75rem);letter-spacing:-.015em;margin:3.5rem 0 .2rem}
h3{font-size:1.08rem;margin:2rem 0 .1rem}
p{margin:0 0 1rem;color:var(--soft);max-width:44rem}
nav{position:sticky;top:0;z-index:1;margin-top:1.5rem;background:var(--page);
border-bottom:1px solid var(--line)}
nav>div{display:flex;gap:1.4rem;overflow-x:auto;white-space:nowrap;scrollbar-width:none}
nav a{padding:.8rem 0;color:var(--soft);text-decoration:none;font-size:.93rem}
nav a:hover,nav a:focus-visible{color:var(--ink)}
.keys{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;
margin:1.6rem 0 0}
.key{background:var(--card);border-radius:.7rem;padding:.9rem 1.1rem}
.key b{display:block;font-size:1.75rem;line-height:1.2;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
.key span{color:var(--soft);font-size:.88rem}
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(21rem,100%),1fr));
gap:1rem 3rem;align-items:start}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.95rem}
caption{text-align:left;font-weight:650;padding:1.6rem 0 .4rem}
th{font-weight:400;color:var(--soft);text-align:right;padding:.35rem 0 .35rem .8rem;
font-size:.85rem}
th:first-child,td:first-child{text-align:left;padding-left:0}
td{text-align:right;padding:.42rem 0 .42rem .8rem;border-top:1px solid var(--line);
white-space:nowrap}
td.bar{width:36%}
.rail{display:block;height:.5rem;border-radius:.25rem;background:var(--rail);overflow:hidden}
.rail i{display:block;height:100%;background:var(--bar)}
tr.mean td{font-weight:650}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(15rem,100%),1fr));
gap:1.3rem 1rem;margin-top:.8rem}
.grid.two{grid-template-columns:repeat(auto-fill,minmax(min(16rem,100%),1fr))}
figure{margin:0;min-width:0}
.pictures{display:flex;gap:2px;height:11.5rem;border-radius:.5rem;overflow:hidden;
background:var(--card)}
.pictures img{display:block;min-width:0;height:100%;width:100%;object-fit:contain}
.two .pictures{height:9rem}
.two .pictures img:first-child{flex:1;object-fit:cover;object-position:50% 30%}
.two .pictures img+img{flex:none;width:auto;aspect-ratio:1}
figcaption{font-size:.88rem;line-height:1.35;padding-top:.4rem;display:flex;flex-wrap:wrap;
justify-content:space-between;gap:0 .6rem}
figcaption span{color:var(--soft)}
figcaption span.name{flex-basis:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
font-size:.8rem}
.none{color:var(--soft);font-style:italic}
footer{padding:3rem 0 4rem;color:var(--soft);font-size:.85rem}
@media(max-width:34rem){.grid:not(.two){grid-template-columns:1fr 1fr;gap:1rem .7rem}
.grid:not(.two) .pictures{height:8.2rem}.two .pictures{height:12rem}
.key:last-child:nth-child(odd){grid-column:1/-1}}
@media print{nav{position:static}}
"""


@dataclass(frozen=True)
class Tile:
    """One image of the page.

    Attributes:
        pictures: one or two (h, w, 3) uint8 BGR, side by side.
        name: the file's name.
        said: what the model said of it.
        true: what is true; "" where that goes without saying.
    """

    pictures: Sequence[np.ndarray] = field(repr=False)
    name: str
    said: str
    true: str = ""


@dataclass(frozen=True)
class Group:
    """Tiles under a heading."""

    name: str
    note: str
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Section:
    """Groups under a larger heading."""

    name: str
    note: str
    groups: Sequence[Group]


def render_page(title: str, figures: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """The whole page as HTML.

    Args:
        title: of the page.
        figures: of `fra_live.evaluation.evaluate.summarise`.
        sections: what to show below the figures.
    """
    targets: list[tuple[str, ...]] = []
    for section in sections:
        targets += [(section.name,), *((section.name, group.name) for group in section.groups)]
    links = "".join(f'<a href="#{_anchor(*names)}">{escape(names[-1])}</a>' for names in targets)
    body = "".join(_section(section) for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{escape(title)}</h1>"
        f"<p>{figures['n']} photos, measured by fra-live evaluate.</p>{_keys(figures)}</header>"
        f'<nav aria-label="Contents"><div><a href="#figures">Figures</a>{links}</div></nav><main>'
        f'<h2 id="figures">Figures</h2>{_tables(figures)}{body}'
        "<footer>The photos belong to whoever took them.</footer></main></body></html>\n"
    )


def _anchor(*names: str) -> str:
    return escape("-".join(names).lower().replace(" ", "-").replace(",", ""), quote=True)


def _keys(figures: Mapping[str, Any]) -> str:
    none, place = figures["none"], figures["mean_localisation"]
    keys = (
        (figure(figures["mean_ap"]), "mean average precision"),
        (percent(none["recall_at_that_threshold"]), "of the actions raised and named right"),
        (percent(none["false_alarm_rate"]), f"false alarms on {none['n']} photos of no action"),
        (percent(place["top1_iou50"]), "objects found by the best candidate"),
        (percent(place["top3_iou50"]), "objects found by the best three"),
    )
    cells = "".join(f'<div class="key"><b>{v}</b><span>{escape(k)}</span></div>' for v, k in keys)
    return f'<div class="keys">{cells}</div>'


def _bar(value: float | None) -> str:
    share = 0.0 if value is None else 100 * value
    return f'<td class="bar"><span class="rail"><i style="width:{share:.1f}%"></i></span></td>'


def _table(caption: str, heads: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(name: str, cells: Sequence[str], bar: float | None = None, mean: bool = False) -> str:
    tone = ' class="mean"' if mean else ""
    shown = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr{tone}><td>{escape(name)}</td>{_bar(bar)}{shown}</tr>"


def _tables(figures: Mapping[str, Any]) -> str:
    actions = [_row(spoken(a), [figure(v)], v) for a, v in figures["ap"].items()]
    actions.append(_row("Mean", [figure(figures["mean_ap"])], figures["mean_ap"], True))
    objects = []
    for name, row in figures["localisation"].items():
        shares = [percent(row["top1_iou50"]), percent(row["top3_iou50"])]
        objects.append(_row(spoken(name), shares, row["top1_iou50"]))
    place = figures["mean_localisation"]
    shares = [percent(place["top1_iou50"]), percent(place["top3_iou50"])]
    objects.append(_row("Mean", shares, place["top1_iou50"], True))
    outlines = [_row(spoken(n), [figure(v)], v) for n, v in figures["iou"].items()]
    outlines.append(
        _row("Mean of objects", [figure(figures["mean_iou"])], figures["mean_iou"], True)
    )
    return (
        '<div class="tables">'
        + _table("Actions, average precision", ("", "", "AP"), actions)
        + _table("Objects, boxes with IoU .5 or more", ("", "", "best", "best three"), objects)
        + _table("Outlines", ("", "", "IoU"), outlines)
        + "</div>"
    )


def _section(section: Section) -> str:
    groups = "".join(
        f'<h3 id="{_anchor(section.name, g.name)}">{escape(g.name)}</h3>'
        + (f"<p>{escape(g.note)}</p>" if g.note else "")
        + _grid(g.tiles)
        for g in section.groups
    )
    return (
        f'<h2 id="{_anchor(section.name)}">{escape(section.name)}</h2>'
        f"<p>{escape(section.note)}</p>{groups}"
    )


def _grid(tiles: Sequence[Tile]) -> str:
    if not tiles:
        return '<p class="none">None.</p>'
    two = " two" if any(len(tile.pictures) > 1 for tile in tiles) else ""
    return f'<div class="grid{two}">{"".join(map(_tile, tiles))}</div>'


def _tile(tile: Tile) -> str:
    what = ", ".join(filter(None, (tile.name, tile.said, tile.true)))
    said = (what, "the object, weighted by its probability")
    pictures = "".join(
        f'<img src="{_data(p)}" width="{p.shape[1]}" height="{p.shape[0]}" loading="lazy" '
        f'alt="{escape(alt, quote=True)}">'
        for p, alt in zip(tile.pictures, said, strict=False)
    )
    true = f"<span>{escape(tile.true)}</span>" if tile.true else ""
    return (
        f'<figure><div class="pictures">{pictures}</div><figcaption>{escape(tile.said)}{true}'
        f'<span class="name">{escape(tile.name)}</span></figcaption></figure>'
    )


def _data(picture: np.ndarray) -> str:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
