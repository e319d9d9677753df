"""Events from probabilities whose true times are known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from fra_live.errors import FraLiveError
from fra_live.live.events import EventParameters, EventTracker, event_of_still
from fra_live.results import Candidate
from tests.live.traces import (
    LABELS,
    LEFT,
    RIGHT,
    TOLERANCE_S,
    result,
    run,
    scores,
    square,
    times_at,
    uneven_times,
)

TRUTH = [(1.0, 6.0), (8.5, 11.5)]


@pytest.mark.parametrize("noise", [0.0, 0.08, 0.2])
@pytest.mark.parametrize("times", [times_at(10, 13), times_at(30, 13), times_at(60, 13),
                                   uneven_times(13)], ids=["10", "30", "60", "vfr"])  # fmt: skip
@pytest.mark.parametrize("with_face", [False, True])
def test_start_and_end_lie_near_the_truth_at_every_rate(
    times: list[float], noise: float, with_face: bool
) -> None:
    for seed in range(3):
        rng, level = np.random.default_rng(seed), square(TRUTH, 0.85, 0.08)
        frames = []
        for t in times:
            p = float(np.clip(level(t) + rng.normal(0, noise), 0, 1))
            own = scores(drinking=p)
            frames.append(result(t, own, [(LEFT, own)] if with_face else []))
        events = run(EventTracker("clip", LABELS), frames)
        assert [e.action for e in events] == ["drinking", "drinking"], (seed, events)
        for event, (start, end) in zip(events, TRUTH, strict=True):
            assert abs(event.start_s - start) <= TOLERANCE_S, (seed, event)
            assert abs(event.end_s - end) <= TOLERANCE_S, (seed, event)
            assert event.person == (0 if with_face else None)
            assert event.source == "clip"


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_without_noise_the_times_are_those_of_the_frames(fps: int) -> None:
    times, level = times_at(fps, 9), square([(2.0, 7.0)], 0.9, 0.05)
    (event,) = run(
        EventTracker("clip", LABELS), [result(t, scores(phoning=level(t))) for t in times]
    )
    assert event.start_s == pytest.approx(2.0, abs=1e-9)
    assert event.end_s == pytest.approx(7.0, abs=1e-9)
    assert 0.88 < event.peak_score <= 0.9
    assert event.peak_frame == 2 * fps  # the first of equals


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_no_flicker_in_five_seconds(fps: int) -> None:
    rng = np.random.default_rng(fps)
    for _ in range(5):  # a fifth of the frames misses the action altogether
        frames = []
        for t in times_at(fps, 10):
            p = 0.9 if 2 <= t < 7 and rng.random() > 0.2 else 0.05
            frames.append(result(t, scores(smoking=p)))
        events = run(EventTracker("clip", LABELS), frames)
        assert len(events) == 1
        assert abs(events[0].start_s - 2) <= TOLERANCE_S
        assert abs(events[0].end_s - 7) <= TOLERANCE_S


@pytest.mark.parametrize("fps", [10, 30, 60])
@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        ([(2.0, 3.0), (3.5, 5.0)], [(2.0, 5.0)]),  # a gap within max_gap_s is bridged
        ([(2.0, 3.0), (4.2, 5.5)], [(2.0, 3.0), (4.2, 5.5)]),  # a longer one is not
        ([(2.0, 2.2)], []),  # shorter than min_duration_s
        ([(2.0, 2.2), (3.0, 3.2), (4.0, 4.2)], []),  # nor do short ones add up
        ([(0.0, 2.0)], [(0.0, 2.0)]),  # from the first frame
        ([(5.0, 9.0)], [(5.0, 8.0)]),  # to the last, at 8 s
    ],
)
def test_gaps_and_short_stretches(
    truth: list[tuple[float, float]], expected: list[tuple[float, float]], fps: int
) -> None:
    level = square(truth, 0.9, 0.05)
    frames = [result(t, scores(drinking=level(t))) for t in times_at(fps, 8)]
    events = run(EventTracker("clip", LABELS), frames)
    assert len(events) == len(expected)
    for event, (start, end) in zip(events, expected, strict=True):
        assert event.start_s == pytest.approx(start, abs=0.11)
        assert event.end_s == pytest.approx(end, abs=0.11)


def test_hysteresis_keeps_what_has_started_and_does_not_start_at_the_end_level() -> None:
    times = times_at(30, 10)
    between = [result(t, scores(drinking=0.42)) for t in times]  # 0.30 … 0.50
    assert run(EventTracker("clip", LABELS), between) == []
    sagging = [result(t, scores(drinking=0.9 if t < 2 else 0.42 if t < 6 else 0.0)) for t in times]
    (event,) = run(EventTracker("clip", LABELS), sagging)
    assert (event.start_s, event.end_s) == pytest.approx((0.0, 6.0), abs=0.05)


def test_levels_follow_the_threshold_of_the_results() -> None:
    times = times_at(30, 6)
    for threshold, count in [(0.3, 1), (0.5, 0)]:
        frames = [
            result(t, scores(drinking=0.4 if 1 <= t < 5 else 0.0), threshold=threshold)
            for t in times
        ]
        assert len(run(EventTracker("clip", LABELS), frames)) == count


def test_one_person_does_one_thing_until_another_is_clearly_more_probable() -> None:
    times = times_at(30, 8)
    rng = np.random.default_rng(1)
    close = [
        result(t, scores(smoking=0.42 + rng.normal(0, 0.05), drinking=0.36), threshold=0.3)
        for t in times
    ]
    assert [e.action for e in run(EventTracker("clip", LABELS), close)] == ["smoking"]
    changing = [
        result(t, scores(smoking=0.9) if t < 3 else scores(phoning=0.9) if t < 6 else scores())
        for t in times
    ]
    first, second = run(EventTracker("clip", LABELS), changing)
    assert (first.action, second.action) == ("smoking", "phoning")
    assert (first.start_s, first.end_s) == pytest.approx((0, 3), abs=0.05)
    assert (second.start_s, second.end_s) == pytest.approx((3, 6), abs=0.05)
    both = [result(t, scores(smoking=0.45, drinking=0.45), threshold=0.3) for t in times]
    free = EventTracker("clip", LABELS, EventParameters(takeover=0))
    assert {e.action for e in run(free, both)} == {"smoking", "drinking"}


def test_peak_frame_and_box() -> None:
    def cup(x: float, score: float, person: int | None = None) -> Candidate:
        return Candidate("drink", (x, 10.0, x + 20, 40.0), (), score, 0.9, person)

    frames = []
    for i, t in enumerate(times_at(30, 4)):
        p = 0.97 if i == 50 else 0.8 if 0.5 <= t < 3.5 else 0.1
        phone = Candidate("phone", (0.0, 0.0, 5.0, 5.0), (), 0.99, 0.9)
        frames.append(result(t, scores(drinking=p), (), [phone, cup(float(i), 0.6), cup(7, 0.2)]))
    (event,) = run(EventTracker("clip", LABELS), frames)
    assert event.peak_frame == 50
    assert event.box_xyxy == (50.0, 10.0, 70.0, 40.0)
    assert event.to_dict()["box_xyxy"] == [50.0, 10.0, 70.0, 40.0]

    shared = [cup(300.0, 0.9, 1), cup(100.0, 0.5, 0)]
    frames = [
        result(t, scores(), [(LEFT, scores(drinking=0.9)), (RIGHT, scores())], shared)
        for t in times_at(30, 2)
    ]
    (event,) = run(EventTracker("clip", LABELS), frames)
    assert event.box_xyxy == (100.0, 10.0, 120.0, 40.0)  # one's own, not the better of another


def test_active_events_appear_soon_stay_steady_and_are_reported_later() -> None:
    tracker = EventTracker("clip", LABELS)
    shown, ended = [], []
    for index, t in enumerate(times_at(30, 8)):
        own = scores(drinking=0.9 if 2 <= t < 6 else 0.05)
        ended += [(t, e) for e in tracker.update(result(t, own, [(LEFT, own)]), index)]
        shown += [(t, a) for a in tracker.active]
    steady = [t for t, a in shown if not a.ending]
    assert 2.3 < steady[0] < 2.6 and 6.0 < steady[-1] < 6.5
    assert np.diff(steady).max() < 0.04
    assert {a.number for _, a in shown} == {0} and {a.start_s for _, a in shown} == {2.0}
    first = shown[0][1]
    assert (first.action, first.object_label, first.person) == ("drinking", "drink", 0)
    assert first.face_xyxy == LEFT
    assert all(a.duration_s <= 4.0 + 0.34 for _, a in shown)
    ((reported_s, event),) = ended
    assert reported_s < 6 + 0.7 + 0.1 and event.end_s == pytest.approx(6.0)
    assert tracker.active == () and tracker.finish() == []


def test_everything_shown_as_active_is_reported() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        tracker, numbers, events = EventTracker("clip", LABELS), set(), []
        p = 0.0
        for index, t in enumerate(times_at(20, 30)):  # a random walk through both levels
            p = float(np.clip(p + rng.normal(0, 0.12), 0, 1))
            events += tracker.update(result(t, scores(smoking=p)), index)
            numbers |= {a.number for a in tracker.active}
        events += tracker.finish()
        assert len(numbers) == len(events)
        assert all(e.end_s - e.start_s >= 0.4 for e in events)
        for before, after in pairwise(events):
            assert after.start_s - before.end_s > 0.7


def test_frame_rate_does_not_change_the_smoothing() -> None:
    ends = []
    for fps in (10, 20, 40, 80):
        tracker = EventTracker("clip", LABELS)
        for i in range(int(fps * 1.5) + 1):
            tracker.update(result(i / fps, scores(drinking=0.8)), i)
        ends.append(tracker.active[0].score)
    assert ends == pytest.approx([0.8 * (1 - math.exp(-1.5 / 0.3))] * 4, abs=1e-9)


def test_time_that_jumps_repeats_or_is_no_number() -> None:
    tracker = EventTracker("clip", LABELS)
    high = scores(drinking=0.9)
    for index, t in enumerate(times_at(30, 3)):
        assert tracker.update(result(t, high), index) == []
    for odd in (math.nan, 2.9, 2.8, math.inf):  # taken as the last frame's time
        assert tracker.update(result(odd, high), 91) == []
    (lost,) = tracker.update(result(60.0, high), 92)  # the camera was away
    assert (lost.start_s, lost.end_s) == pytest.approx((0, 3), abs=0.05)
    for index, t in enumerate(times_at(30, 2)):
        tracker.update(result(61 + t, high), 93 + index)
    (looped,) = tracker.update(result(0.0, high), 200)  # a file that starts again
    assert (looped.start_s, looped.end_s) == pytest.approx((60, 63), abs=0.05)
    assert tracker.finish() == []


def test_scores_that_are_no_numbers_count_as_nothing() -> None:
    frames = [result(t, {"drinking": math.nan, "none": 1.0}) for t in times_at(30, 2)]
    assert run(EventTracker("clip", LABELS), frames) == []


def test_stills() -> None:
    cup = Candidate("drink", (1.0, 2.0, 3.0, 4.0), (), 0.6, 0.9)
    (event,) = event_of_still("a.jpg", LABELS, result(0, scores(drinking=0.8), (), [cup]))
    assert (event.action, event.person, event.box_xyxy) == ("drinking", None, cup.box_xyxy)
    assert event.start_s == event.end_s == 0
    assert event_of_still("a.jpg", LABELS, result(0, scores(drinking=0.4))) == []


@pytest.mark.parametrize(
    "wrong",
    [{"time_constant_s": 0}, {"end_ratio": 0}, {"end_ratio": 1.2}, {"max_gap_s": -1},
     {"min_duration_s": math.nan}],
)  # fmt: skip
def test_senseless_parameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(FraLiveError, match=next(iter(wrong))):
        EventParameters(**wrong)
