"""Recognizers side by side: the same results in the same order, and nothing lost or left over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fra_live.pool import RecognizerPool, load_pool, recognize_all
from fra_live.recognizer import Recognizer
from fra_live.video.base import Frame
from tests.tiny import scene


@pytest.fixture(scope="module")
def pool(mobile_bundle: Path) -> RecognizerPool:
    return load_pool(mobile_bundle, threads=2, workers=2)


def film(count: int) -> Iterator[Frame]:
    actions = ("drinking", "phoning", "none")
    for i in range(count):
        yield Frame(scene(actions[i % 3], (60 + 8 * (i % 4), 80), i)[0], i / 25, i)


def test_results_are_those_of_one_recognizer_in_order(pool: RecognizerPool) -> None:
    together = list(recognize_all(pool, film(9)))
    alone = list(recognize_all(pool.recognizers[0], film(9)))
    assert [frame.index for frame, _ in together] == list(range(9))
    for (_, result), (frame, expected) in zip(together, alone, strict=True):
        assert result.timestamp_s == frame.timestamp_s
        got, wanted = result.to_dict(), expected.to_dict()
        del got["stages_ms"], wanted["stages_ms"]
        assert got == wanted


def test_both_work_at_once(pool: RecognizerPool) -> None:
    meeting, before = threading.Barrier(2), [r.segment for r in pool.recognizers]
    try:
        for recognizer, segment in zip(pool.recognizers, before, strict=True):

            def meet(*arguments: object, segment=segment) -> object:  # type: ignore[no-untyped-def]
                meeting.wait(timeout=20)  # passes only while the other one is at work too
                return segment(*arguments)

            recognizer.segment = meet
        assert len(list(pool.map(film(4)))) == 4
    finally:
        for recognizer, segment in zip(pool.recognizers, before, strict=True):
            recognizer.segment = segment


def test_frames_are_taken_as_they_are_needed(pool: RecognizerPool) -> None:
    taken = 0

    def count() -> Iterator[Frame]:
        nonlocal taken
        for frame in film(20):
            taken += 1
            yield frame

    results = pool.map(count())
    next(results)
    assert taken == 3
    results.close()
    assert taken == 3
    assert len(list(pool.map(film(2)))) == 2  # all recognizers are free again


def test_what_the_source_raises_comes_after_its_frames(pool: RecognizerPool) -> None:
    def torn() -> Iterator[Frame]:
        yield from film(2)
        raise OSError("torn")

    results = pool.map(torn())
    assert [next(results)[0].index, next(results)[0].index] == [0, 1]
    with pytest.raises(OSError, match="torn"):
        next(results)


def test_a_frame_that_fails_fails_in_its_turn(pool: RecognizerPool) -> None:
    def bad() -> Iterator[Frame]:
        yield from film(1)
        yield Frame(np.zeros((4, 4), np.uint8), 1.0, 1)
        yield from film(3)

    results = pool.map(bad())
    next(results)
    with pytest.raises(ValueError, match="A frame is"):
        next(results)
    assert len(list(pool.map(film(3)))) == 3


def test_the_threshold_is_everybodys(pool: RecognizerPool) -> None:
    before = pool.threshold
    pool.threshold = 0.9
    assert {r.threshold for r in pool.recognizers} == {0.9}
    pool.threshold = before
    assert pool(scene("drinking", (60, 80), 1)[0]).threshold == before


def test_one_thread_is_one_recognizer(mobile_bundle: Path) -> None:
    assert len(load_pool(mobile_bundle, threads=1).recognizers) == 1
    with pytest.raises(ValueError, match="at least one"):
        RecognizerPool([])


def test_closing_closes_each(pool: RecognizerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    monkeypatch.setattr(Recognizer, "close", lambda self: closed.append(self))
    with pool as entered:
        assert entered is pool
    assert closed == list(pool.recognizers)
