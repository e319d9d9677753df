"""The page: the right images, in the right order, in one safe file."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fra_live.annotations import read_annotations
from fra_live.evaluation.evaluate import Judgement, judge_all, summarise
from fra_live.evaluation.page import Group, Section, Tile, render_page
from fra_live.evaluation.report import BEST, WORST, choose, write_report
from fra_live.results import Candidate
from fra_live.samples import Sample

VOID = {"meta", "img", "br"}


class Balance(HTMLParser):
    """Fails on a tag that is not closed in its turn, and collects addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe")
        for name, value in attributes:
            if name in ("src", "href"):
                self.addresses.append(str(value))
            if name == "id":
                assert value not in self.anchors
                self.anchors.add(str(value))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def judgement(
    name: str, action: str, drinking: float, label: str = "drink", overlap: float | None = 0.9
) -> Judgement:
    sample = Sample(Path(name), 60, 80, action, frozenset(), ())
    phoning = (1 - drinking) * 0.9
    actions = {"drinking": drinking, "phoning": phoning, "none": 1 - drinking - phoning}
    candidate = Candidate(label, (1, 1, 9, 9), (), drinking, 0.9)
    overlaps = None if overlap is None else np.array([overlap])
    return Judgement(sample, actions, actions, (candidate,), overlaps, {})


def names(judgements: Any) -> list[str]:
    return [j.sample.path.name for j in judgements]


def test_the_choice(recognizer: Any) -> None:
    judgements = [
        judgement("sure", "drinking", 0.9),
        judgement("weak", "drinking", 0.55),
        judgement("sure but of the wrong object", "drinking", 0.95, label="phone"),
        judgement("wrong", "phoning", 0.8, overlap=0.2),
        judgement("more wrong", "phoning", 0.85, label="phone"),
        judgement("alarm", "none", 0.7, overlap=None),
        judgement("quiet", "none", 0.5, overlap=None),
        judgement("lost", "drinking", 0.6, overlap=0.4999),
    ]
    choice = choose(judgements, recognizer.labels, 0.6)
    assert names(choice.best["drinking"]) == ["sure", "lost", "weak"]
    assert names(choice.best["phoning"]) == []
    assert names(choice.wrong) == ["more wrong", "wrong"]
    assert names(choice.weak)[:2] == ["weak", "lost"]
    assert names(choice.alarms) == ["alarm"]
    assert names(choice.lost) == ["wrong", "lost"]


def test_the_choice_is_limited(recognizer: Any) -> None:
    many = [judgement(f"{i}", "drinking", 0.6 + i / 1000, overlap=0.1) for i in range(50)]
    choice = choose(many, recognizer.labels, 0.5)
    assert names(choice.best["drinking"]) == [f"{49 - i}" for i in range(BEST)]
    assert len(choice.lost) == WORST


def test_a_page_from_photos(make_set: Any, recognizer: Any, tmp_path: Path) -> None:
    drink = ("drink", (30, 20, 50, 40))
    entries: list[dict[str, Any]] = [
        {"action": "drinking", "painted": [drink]},
        {"action": "phoning", "painted": [drink], "true": [("phone", (60, 5, 70, 15))]},
        {"action": "none", "painted": [drink], "annotated": [], "true": []},
    ]
    data = read_annotations(make_set(entries), recognizer.labels)
    judgements = judge_all(recognizer, data)
    figures = summarise(judgements, recognizer.labels, recognizer.threshold)
    path = tmp_path / "page.html"
    steps: list[tuple[int, int]] = []
    write_report(path, recognizer, judgements, figures, "colours on photos.json",
                 lambda *step: steps.append(step))  # fmt: skip
    text = path.read_text(encoding="utf-8")
    parser = Balance()
    parser.feed(text)
    parser.close()
    assert not parser.open
    links = [a for a in parser.addresses if a.startswith("#")]
    assert {a[1:] for a in links} <= parser.anchors
    pictures = [a for a in parser.addresses if not a.startswith("#")]
    # a detection and its object; one wrong, one weak, one alarm, one lost
    assert len(pictures) == 2 + 4
    assert all(a.startswith("data:image/jpeg;base64,") for a in pictures)
    assert "http:" not in text
    assert "https:" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text
    assert "width=device-width" in text
    assert steps == [(i, 5) for i in range(1, 6)]
    assert "photo_2.png" in text
    assert "true: Phoning" in text


def test_names_are_escaped_and_empty_groups_say_so(recognizer: Any) -> None:
    figures = summarise([], recognizer.labels, 0.5)
    tile = Tile([np.zeros((4, 4, 3), np.uint8)], '"><script>alert(1)</script>.png', "<b>", "&")
    sections = [Section("<i>S", "x", [Group("A, b", "", [tile]), Group("Empty", "", [])])]
    text = render_page("<u>title", figures, sections)
    for raw in ("<script", "<u>", "<i>S", "<b></figcaption"):
        assert raw not in text
    assert re.search(r'class="none">None\.<', text)
    parser = Balance()
    parser.feed(text)
    assert not parser.open


def test_a_page_that_cannot_be_written(recognizer: Any, tmp_path: Path) -> None:
    from fra_live.errors import SinkError

    figures = summarise([], recognizer.labels, 0.5)
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError):
        write_report(tmp_path / "file" / "page.html", recognizer, [], figures, "t")
