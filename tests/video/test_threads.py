"""Reading ahead and writing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fra_live.video.threads import ReadAhead, WriteBehind


def test_reading_ahead_keeps_order_and_is_bounded() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with ReadAhead(items(), capacity=3) as ahead:
        got = []
        for number in ahead:
            got.append(number)
            assert len(taken) <= number + 1 + 3 + 1  # those inside, and the one in hand
    assert got == list(range(100))


def test_an_error_comes_after_what_was_read() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("broken")

    got = []
    with pytest.raises(OSError, match="broken"), ReadAhead(items()) as ahead:
        got.extend(ahead)
    with pytest.raises(OSError, match="broken"), ReadAhead(items()) as ahead:
        for number in ahead:
            got.append(number)
    assert got[-1] == 1


def test_leaving_ends_the_reading_thread() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 0

    before = threading.active_count()
    with ReadAhead(endless()) as ahead:
        next(iter(ahead))
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_writing_behind_finishes_all() -> None:
    written: list[int] = []
    with WriteBehind(written.append, capacity=2) as behind:
        for number in range(50):
            behind.put(number)
    assert written == list(range(50))


def test_an_error_in_writing_reaches_the_giver() -> None:
    def write(number: int) -> None:
        if number == 3:
            raise OSError("full")

    with pytest.raises(OSError, match="full"), WriteBehind(write, capacity=2) as behind:
        for number in range(1000):
            behind.put(number)
    with pytest.raises(OSError, match="full"), WriteBehind(write) as behind:
        behind.put(3)  # found out only when leaving


def test_an_error_outside_drops_the_rest() -> None:
    begun, go, written = threading.Event(), threading.Event(), []

    def write(number: int) -> None:
        begun.set()
        go.wait(5)
        written.append(number)

    with pytest.raises(KeyError), WriteBehind(write) as behind:
        for number in range(4):
            behind.put(number)
        assert begun.wait(20)  # else the first would be dropped as well
        threading.Timer(0.05, go.set).start()
        raise KeyError
    assert written == [0]
