from __future__ import annotations

import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import fra_live
from fra_live.demo import DEMO_ACTIONS, compose_clip, match, run_demo
from fra_live.demo import clip as clip_module
from fra_live.demo.gestures import GESTURES
from fra_live.demo.portrait import load_portrait
from fra_live.demo.relief import KEEP
from fra_live.demo.scene import DURATION_S, MOVE_S, RATE, SIZE, Scene, camera, hand_motion
from fra_live.demo.sound import tone
from fra_live.errors import MissingExtraError

pytest.importorskip("skimage", reason="the portrait comes with scikit-image")


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def _gaps() -> list[tuple[float, float]]:
    starts = [0.0, *(a.end_s for a in DEMO_ACTIONS)]
    ends = [*(a.start_s for a in DEMO_ACTIONS), DURATION_S]
    return list(zip(starts, ends, strict=True))


def test_true_actions_are_five_and_apart() -> None:
    assert {a.action for a in DEMO_ACTIONS} == set(GESTURES)
    assert len(DEMO_ACTIONS) == 5
    assert all(a.end_s - a.start_s >= 3.5 for a in DEMO_ACTIONS)
    assert all(end - start >= 1.5 for start, end in _gaps())


def test_hands_come_and_go_at_the_true_times(scene: Scene) -> None:
    for action in DEMO_ACTIONS:
        gesture = scene.gestures[action.action]
        assert hand_motion(gesture, action, action.start_s - MOVE_S) is None
        assert hand_motion(gesture, action, action.end_s + MOVE_S) is None
        for edge in (action.start_s, action.end_s):  # half-way
            motion = hand_motion(gesture, action, edge)
            assert motion is not None
            assert 100 < np.hypot(*(motion @ (*gesture.contact, 1) - gesture.contact)) < 160
        held = hand_motion(gesture, action, (action.start_s + action.end_s) / 2)
        assert held is not None
        assert np.hypot(*(held @ (*gesture.contact, 1) - gesture.contact)) < 8


def _plain(scene: Scene, index: int) -> np.ndarray:
    """The frame without hands and grain, drawn another way."""
    view = camera(index / RATE)
    photo = load_portrait().image
    return np.asarray(cv2.warpAffine(photo, view, SIZE[::-1], flags=cv2.INTER_CUBIC))


def test_nothing_is_drawn_between_actions(scene: Scene) -> None:
    for start, end in _gaps():
        index = round((start + end) / 2 * RATE)
        difference = cv2.absdiff(scene.frame(index), _plain(scene, index))
        assert cv2.blur(difference, (15, 15)).max() < 25


@pytest.mark.parametrize("action", DEMO_ACTIONS, ids=lambda a: a.action)
def test_the_object_is_at_the_mouth_or_ear(scene: Scene, action) -> None:
    index = round((action.start_s + action.end_s) / 2 * RATE)
    x, y = camera(index / RATE) @ (*scene.gestures[action.action].contact, 1)
    box = np.s_[int(y) - 15 : int(y) + 15, int(x) - 15 : int(x) + 15]
    difference = cv2.absdiff(scene.frame(index), _plain(scene, index))
    assert difference[box].mean() > 8
    assert (cv2.blur(difference, (15, 15)).max(axis=2) > 30).mean() > 0.03


def test_frames_do_not_border_on_the_photo(scene: Scene) -> None:
    for index in range(0, round(DURATION_S * RATE), 10):
        corners = cv2.invertAffineTransform(camera(index / RATE)) @ np.array(
            [[0, SIZE[1], 0, SIZE[1]], [0, 0, SIZE[0], SIZE[0]], [1, 1, 1, 1]]
        )
        assert corners.min() > 0
        assert corners.max() < 512
        # The lower edge of a drawn arm must stay out of sight.
        assert all(corners[1].max() < g.area[3] - 8 for g in scene.gestures.values())


def test_drawing_is_deterministic(scene: Scene) -> None:
    assert np.array_equal(scene.frame(620), scene.frame(620))
    again = GESTURES["smoking"](load_portrait())
    assert np.array_equal(again.layer, scene.gestures["smoking"].layer)
    x0, y0, x1, y1 = again.area
    assert again.layer.shape == ((y1 - y0) * KEEP, (x1 - x0) * KEEP, 4)
    assert (again.layer[..., :3] <= again.layer[..., 3:]).all()  # premultiplied


def test_sound_is_quiet_but_there() -> None:
    samples = tone(3.0)
    assert len(samples) == 3 * 48000
    assert -45 < 20 * np.log10(samples[48000:96000].std()) < -25
    assert abs(samples[:100]).max() < 1e-3


def test_clip_has_pictures_sound_and_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: Scene
) -> None:
    monkeypatch.setattr(clip_module, "DURATION_S", 2.0)
    monkeypatch.setattr(clip_module, "Scene", lambda: scene)
    calls: list[tuple[int, int]] = []
    path = tmp_path / "demo.mp4"
    truth = compose_clip(path, lambda done, total: calls.append((done, total)))
    assert truth == DEMO_ACTIONS
    assert calls == [(i, 60) for i in range(1, 61)]
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == "h264"
        assert (video.height, video.width) == SIZE
        assert video.duration * video.time_base == 2
        assert abs(float(audio.duration * audio.time_base) - 2) < 0.1
        frames = [f.to_ndarray(format="bgr24") for f in container.decode(video)]
    assert len(frames) == 60
    assert cv2.absdiff(frames[59], scene.frame(59)).mean() < 6


def test_without_scikit_image_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MissingExtraError, match=r"fra-live\[demo\]"):
        load_portrait()


def _event(action: str, start_s: float, end_s: float) -> dict[str, object]:
    return {"action": action, "start_s": start_s, "end_s": end_s, "peak_score": 0.9}


@pytest.mark.parametrize(
    ("events", "recognized", "left"),
    [
        ([], 0, 0),
        ([_event("drinking", 1.7, 5.6)], 1, 0),
        ([_event("drinking", 1.7, 5.8)], 0, 0),  # seen, but it ends too late
        ([_event("phoning", 1.7, 5.2)], 0, 1),  # another action
        ([_event("drinking", 7.4, 11.0)], 0, 1),  # another time
        ([_event("drinking", 1.6, 2.0), _event("drinking", 2.1, 5.1)], 1, 1),  # the longer counts
        ([_event(*action) for action in DEMO_ACTIONS], 5, 0),
    ],
)
def test_events_are_compared_with_the_truth(events, recognized: int, left: int) -> None:
    sightings, false_events = match(events)
    assert [s.truth for s in sightings] == DEMO_ACTIONS
    assert sum(s.in_time for s in sightings) == recognized
    assert false_events == left


def test_the_model_finds_the_actions_at_the_right_times(
    tmp_path: Path, mobile_bundle: Path
) -> None:
    report = run_demo(tmp_path, fra_live.load(mobile_bundle))
    assert len(report.recognized) >= 3, report.to_dict()
    assert report.false_events <= 1
    for path in (report.clip, report.annotated):
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            assert video.frames == 900
            assert video.duration * video.time_base == DURATION_S
            assert len(container.streams.audio) == 1
