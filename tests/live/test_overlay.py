"""The overlay on hand-made results: what changes, where, and what does not."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from fra_live.errors import FraLiveError
from fra_live.live.events import ActiveEvent
from fra_live.live.overlay import VIEWS, Hud, Overlay, OverlayOptions
from tests.live.overlay_scenes import (
    LABELS,
    QUIET,
    candidate,
    changed,
    event,
    person,
    picture,
    result,
)


def test_the_input_is_left_alone_and_the_output_is_of_its_kind() -> None:
    image = picture(480, 640)
    before = image.copy()
    found = result((480, 640), (candidate("phone", (200, 200, 260, 300)),), phoning=0.9)
    drawn = Overlay(LABELS).draw(image, found, (event("phoning"),), Hud(30, 40, {}, ("hello",)))
    assert np.array_equal(image, before)
    assert drawn.shape == image.shape and drawn.dtype == np.uint8
    assert drawn.flags.c_contiguous and not np.shares_memory(drawn, image)
    image.flags.writeable = False  # frames of some sources are
    flipped = picture(480, 640)[:, ::-1]  # and some are views
    for other in (image, flipped):
        Overlay(LABELS).draw(other, found)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
     np.zeros((0, 4, 3), np.uint8)],
)  # fmt: skip
def test_no_frame_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        Overlay(LABELS).draw(wrong, result((4, 4)))


@pytest.mark.parametrize("label", LABELS.objects)
def test_the_mask_takes_on_the_labels_colour_inside_the_outline_only(label: str) -> None:
    image, box = picture(480, 640), (300.0, 200.0, 380.0, 320.0)
    drawn = Overlay(LABELS, QUIET).draw(image, result((480, 640), (candidate(label, box),)))
    inside = (slice(210, 310), slice(310, 370))
    assert changed(image, drawn)[inside].mean() > 0.95
    mixed = 0.7 * image[inside] + 0.3 * np.array(LABELS.colour(label))
    assert np.abs(drawn[inside] - mixed).max() <= 1.5
    far = changed(image, drawn)
    far[150:330, 290:460] = False  # object and label
    assert not far.any()


def test_hatching_tells_objects_apart_without_colour() -> None:
    image, box = np.full((480, 640, 3), 128, np.uint8), (300.0, 200.0, 400.0, 320.0)
    options = OverlayOptions(banner=False, actions=False)
    patterns = []
    for label in LABELS.objects:
        drawn = Overlay(LABELS, options).draw(image, result((480, 640), (candidate(label, box),)))
        grey = cv2.cvtColor(drawn, cv2.COLOR_BGR2GRAY)[210:310, 310:390].astype(int)
        assert grey.std() > 2
        patterns.append(grey > grey.mean())
    for one, other in itertools.combinations(patterns, 2):
        assert 0.1 < (one != other).mean() < 0.9


def test_bold_thin_or_not_at_all() -> None:
    image, box = picture(480, 640), (300.0, 200.0, 380.0, 320.0)

    def ink(score: float, active: tuple[ActiveEvent, ...] | None, **actions: float) -> int:
        found = result((480, 640), (candidate("phone", box, score),), **actions)
        return int(changed(image, Overlay(LABELS, QUIET).draw(image, found, active)).sum())

    bold, thin = ink(0.8, ()), ink(0.3, ())
    assert bold > 80 * 120 and 2 * (80 + 120) < thin < 2000
    assert ink(0.1, ()) == 0
    assert ink(0.1, (event("phoning"),)) == bold  # it belongs to what goes on
    assert ink(0.3, (event("smoking"),)) == thin  # it does not
    assert ink(0.3, (event("phoning", ending=True),)) == thin
    assert ink(0.3, None, phoning=0.8) == bold  # nobody tracks events: the frame decides
    assert ink(0.3, (), phoning=0.8) == thin


def test_of_two_takes_on_the_same_object_one_is_drawn() -> None:
    image = picture(480, 640)
    one = candidate("phone", (300, 200, 380, 320), 0.8)
    twin = candidate("phone", (305, 205, 385, 325), 0.7)
    alone = Overlay(LABELS, QUIET).draw(image, result((480, 640), (one,)))
    both = Overlay(LABELS, QUIET).draw(image, result((480, 640), (one, twin)))
    assert np.array_equal(both, alone)


def test_faces_are_thin_and_can_be_left_out() -> None:
    image, box = picture(480, 640), (200.0, 100.0, 300.0, 220.0)
    found = result((480, 640), (), (person(box),))
    ink = changed(image, Overlay(LABELS, QUIET).draw(image, found))
    assert not ink[104:216, 204:296].any() and 300 < ink.sum() < 2000
    bare = OverlayOptions(banner=False, body_parts=False)
    assert np.array_equal(Overlay(LABELS, bare).draw(image, found), image)


def test_banner_and_panels_are_where_they_belong() -> None:
    image = picture(480, 640)
    found = result((480, 640), phoning=0.9)
    overlay = Overlay(LABELS)
    for active in (None, (event("phoning"),)):
        ink = changed(image, overlay.draw(image, found, active))
        assert ink[400:, :250].sum() > 5000
        assert not ink[:380].any() and not ink[:, 330:].any()
    assert np.array_equal(overlay.draw(image, found, ()), image)
    ink = changed(image, overlay.draw(image, found, (), Hud(30.0, 41.5)))
    assert ink[:100, :160].mean() > 0.5 and ink[10:60, 500:].mean() > 0.5
    assert not ink[200:].any()
    two = (event("phoning"), event("drinking"))
    ink = changed(image, overlay.draw(image, found, two))
    assert ink[350:400, :200].mean() > 0.5


def test_messages_and_help_are_shown() -> None:
    image, found = picture(480, 640), result((480, 640))
    plain = Overlay(LABELS).draw(image, found, (), Hud(30, 40))
    told = Overlay(LABELS).draw(image, found, (), Hud(30, 40, {}, ("camera lost",)))
    assert changed(plain, told)[100:250, :200].sum() > 1000
    keys = tuple(f"{k}\twhat {k} does" for k in "abcdefghijklmnopqrstuvwxyz")
    Overlay(LABELS).draw(image, found, (), Hud(None, None, {}, keys))  # more than there is room
    long = Overlay(LABELS).draw(image, found, (), Hud(30, 40, {}, ("word " * 100,)))
    assert not changed(image, long)[:, 636:].any()  # shortened, with a margin


@pytest.mark.parametrize(
    ("shape", "view"),
    [((h, w), v) for (h, w) in [(1, 1), (1, 300), (300, 1), (2, 3), (7, 5), (16, 16), (40, 400),
                                (96, 96), (97, 1500), (240, 320), (721, 1283)]
     for v in VIEWS],
)  # fmt: skip
def test_any_size_and_view(shape: tuple[int, int], view: int) -> None:
    height, width = shape
    box = (width * 0.3, height * 0.3, width * 0.6, height * 0.9)
    found = result(
        shape,
        (candidate("phone", box), candidate("drink", (-50, -50, -10, -10))),
        (person((0, 0, width * 0.4, height * 0.4), phoning=0.9),),
        explained=True,
        phoning=0.9,
    )
    image = picture(height, width)
    overlay = Overlay(LABELS, OverlayOptions(view=view, faces="pixelate"))
    drawn = overlay.draw(image, found, (event("phoning"),), Hud(3, 4, {}, ("a", "b\tc")))
    assert drawn.shape == image.shape
    assert height * width < 100 or changed(image, drawn).any()


@pytest.mark.parametrize("view", [2, 3, 4, 5])
def test_method_views(view: int) -> None:
    found = result((480, 640), (candidate("phone", (160, 120, 320, 240)),), explained=True)
    image = picture(480, 640)
    options = OverlayOptions(view=view, banner=False)
    overlay = Overlay(LABELS, options)
    assert overlay.needs_explanation and not Overlay(LABELS).needs_explanation
    drawn = overlay.draw(image, found)
    blue, green, red = (int(v) for v in drawn[160:200, 180:300].mean(axis=(0, 1)))
    if view in (2, 4):  # the phone is where the map says, in its colour
        b, g, r = LABELS.colour("phone")
        assert np.abs(np.array([blue - b, green - g, red - r])).max() < 70
    elif view == 3:  # bright inside the window, dim outside
        assert np.array_equal(drawn[200:300, 250:400], image[200:300, 250:400])
        assert drawn[20:100, 480:600].mean() < 0.5 * image.mean()
    else:  # four panels
        quarters = [drawn[y : y + 230, x : x + 310].astype(int) for y in (0, 245) for x in (0, 325)]
        for one, other in itertools.combinations(quarters, 2):
            assert np.abs(one - other).mean() > 3
    told = Overlay(LABELS, options).draw(image, result((480, 640)))
    assert changed(image, told).any()  # says that there is no explanation


def test_faces_that_act_in_no_event_are_hidden() -> None:
    image = picture(480, 640)
    acting, idle = (100.0, 100.0, 180.0, 200.0), (400.0, 100.0, 480.0, 200.0)
    found = result(
        (480, 640), (), (person(acting, phoning=0.9), person(idle, phoning=0.1)), phoning=0.9
    )
    before = image[120:180, 410:470].astype(float)
    for how in ("pixelate", "blur"):
        options = OverlayOptions(faces=how, banner=False, body_parts=False)
        for active in ((event("phoning", acting),), None):
            drawn = Overlay(LABELS, options).draw(image, found, active)
            ink = changed(image, drawn)
            assert not ink[:, :300].any()
            assert ink[120:180, 410:470].mean() > 0.9
            after = drawn[120:180, 410:470].astype(float)
            assert after.std() < 0.4 * before.std()  # the detail is gone
        everyone = Overlay(LABELS, options).draw(image, found, ())
        assert changed(image, everyone)[120:180, 110:170].mean() > 0.9


def test_wrong_options_are_refused() -> None:
    with pytest.raises(FraLiveError, match="view 6"):
        OverlayOptions(view=6)
    with pytest.raises(FraLiveError, match="smudge"):
        OverlayOptions(faces="smudge")


def test_the_caches_stay_bounded() -> None:
    overlay, image = Overlay(LABELS), picture(120, 160)
    for i in range(700):
        overlay.draw(image, result((120, 160)), (), Hud(i, 2 * i, {}, (f"message {i}",)))
    tools = overlay._tools
    assert len(tools.lettering._widths) <= 512 and len(tools.factors) <= 128
