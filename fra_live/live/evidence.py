"""One action of one person over time: a smoothed probability and a state with hysteresis.

It knows nothing of frames' contents or people. The smoothed probability decides whether there is
an event; when it began and ended is read off the raw probability, so smoothing costs no accuracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from fra_live.errors import FraLiveError
from fra_live.results import Box


@dataclass(frozen=True)
class EventParameters:
    """How probabilities become events; times in seconds of the source, whatever its frame rate.

    Attributes:
        time_constant_s: of the exponential smoothing.
        start_ratio: an event starts where the smoothed probability reaches this many times the
            result's threshold …
        end_ratio: … and ends where it falls below this many times the threshold.
        min_duration_s: shorter events are not raised.
        max_gap_s: two stretches of the same action this close together are one event.
        max_step_s: frames further apart than this (a lost camera) cannot share an event.
        takeover: an action of the same person replaces the current one when it is this many
            times as probable; 0 lets one person do several things at once.
        max_lost_s: a face not seen for so long belongs, when it returns, to a new person.
        max_shift: how far a face may move between frames, in sides of its box …
        max_shift_per_s: … and how much further for every second it was out of sight.
    """

    time_constant_s: float = 0.3
    start_ratio: float = 1.0
    end_ratio: float = 0.6
    min_duration_s: float = 0.4
    max_gap_s: float = 0.7
    max_step_s: float = 2.0
    takeover: float = 1.3
    max_lost_s: float = 2.0
    max_shift: float = 1.0
    max_shift_per_s: float = 3.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise FraLiveError(f"Event parameter {name} must be 0 or more, not {value}.")
        if self.time_constant_s == 0:
            raise FraLiveError("Event parameter time_constant_s must be more than 0.")
        if not 0 < self.end_ratio <= self.start_ratio:
            raise FraLiveError(
                "Event parameter end_ratio must be more than 0 and at most start_ratio "
                f"({self.start_ratio}), not {self.end_ratio}."
            )


class State(Enum):
    """Where an action stands."""

    IDLE = "idle"
    OPEN = "open"
    ENDING = "ending"  # fell, but may still come back within max_gap_s


@dataclass
class _Drift:
    """Sums how far a value lies on one side of a level; tells since when it has stayed there.

    This is the one-sided cumulative sum of change detection: a single frame to the contrary
    takes back what about one frame had added, so noise does not move `since_s`.
    """

    limit: float  # probability × s; bounds how much contrary evidence is needed to forget
    total: float = 0.0
    since_s: float | None = None

    def update(self, time_s: float, excess: float, weight_s: float) -> None:
        if self.since_s is None and excess < 0:
            return
        if self.since_s is None:
            self.since_s = time_s
        self.total = min(self.limit, self.total + excess * weight_s)
        if self.total < 0:
            self.reset()

    def reset(self) -> None:
        self.total, self.since_s = 0.0, None


@dataclass
class Peak:
    """The best of one stretch.

    Attributes:
        smoothed: highest smoothed probability.
        raw: highest probability of a frame.
        frame: index of that frame; −1 before the first.
        box_xyxy: the object's box there, frame px.
    """

    smoothed: float = 0.0
    raw: float = -1.0
    frame: int = -1
    box_xyxy: Box | None = None


@dataclass
class Evidence:
    """The state of one action of one person.

    Attributes:
        state: see `State`.
        smoothed: smoothed probability.
        last_s: time of the last observation; None before the first.
        start_s: start of the open or ending event.
        end_s: end of the ending event, as far as known.
        number: serial number of the open or ending event in its source.
    """

    parameters: EventParameters
    state: State = State.IDLE
    smoothed: float = 0.0
    last_s: float | None = None
    start_s: float = 0.0
    end_s: float = 0.0
    number: int = -1
    peak: Peak = field(default_factory=Peak)
    _rise: _Drift = field(init=False)
    _fall: _Drift = field(init=False)

    def __post_init__(self) -> None:
        limit = 0.5 * self.parameters.time_constant_s
        self._rise, self._fall = _Drift(limit), _Drift(limit)

    @property
    def rise_s(self) -> float | None:
        """Since when the raw probability has been in the upper part; None when it is not."""
        return self._rise.since_s

    def observe(
        self, time_s: float, raw: float, threshold: float, frame: int, box: Box | None
    ) -> None:
        """Take in one frame.

        Args:
            time_s: of the frame, never before the last one.
            raw: the action's probability, 0..1.
            threshold: the result's operating threshold.
            frame: index of the frame.
            box: the object's box in it, frame px.
        """
        step = 0.0 if self.last_s is None else time_s - self.last_s
        self.last_s = time_s
        self.smoothed += (1 - math.exp(-step / self.parameters.time_constant_s)) * (
            raw - self.smoothed
        )
        was_rising = self._rise.since_s is not None
        # A frame without a past counts a little; one after a long gap counts no more than usual.
        weight = min(max(step, 1e-3), 0.2)
        # The middle of the band, measured: it dates noisy and patchy actions best.
        level = threshold * (self.parameters.start_ratio + self.parameters.end_ratio) / 2
        self._rise.update(time_s, raw - level, weight)
        self._fall.update(time_s, level - raw, weight)
        if self.state is State.IDLE and not was_rising:
            self.peak = Peak()
        if raw > self.peak.raw:
            self.peak.raw, self.peak.frame, self.peak.box_xyxy = raw, frame, box
        self.peak.smoothed = max(self.peak.smoothed, self.smoothed)

    def may_open(self, threshold: float) -> bool:
        """Whether an event is due: long enough, and the action is still going on."""
        if self.rise_s is None or self.last_s is None:
            return False
        if self.smoothed < self.parameters.start_ratio * threshold:
            return False
        if self.state is State.ENDING:
            return self._bridges()
        long_enough = self.last_s - self.rise_s >= self.parameters.min_duration_s
        return self.state is State.IDLE and long_enough and self._fall.since_s is None

    def open(self, number: int) -> None:
        """Start an event, backdated to the raw probability's rise, or take up the ending one."""
        if self.state is State.IDLE:
            self.start_s = self.rise_s if self.rise_s is not None else (self.last_s or 0.0)
            self.number = number
        self.state = State.OPEN

    def settle(self, threshold: float) -> None:
        """Turn an open event into an ending one when the smoothed probability is too low."""
        if self.state is State.OPEN and self.smoothed < self.parameters.end_ratio * threshold:
            self.end(self.last_s or 0.0)

    def end(self, time_s: float) -> None:
        """End the open event where the raw probability fell, at the latest at `time_s`."""
        fall_s = self._fall.since_s
        self.end_s = max(self.start_s, time_s if fall_s is None else min(fall_s, time_s))
        self.state = State.ENDING
        self._rise.reset()

    def is_over(self, now_s: float) -> bool:
        """Whether an ending event can no longer be taken up."""
        if self.state is not State.ENDING or now_s - self.end_s <= self.parameters.max_gap_s:
            return False
        if self.rise_s is None or not self._bridges():
            return True
        # It rose in time; whether it will reach the start level is plain after a while.
        return now_s - self.rise_s > 3 * self.parameters.time_constant_s

    def close(self) -> None:
        """Forget the event."""
        self.state = State.IDLE
        # What rises at this moment is a stretch of its own, with a peak of its own.
        self.peak = Peak(self.smoothed) if self.rise_s is not None else Peak()

    def _bridges(self) -> bool:
        return self.rise_s is not None and self.rise_s - self.end_s <= self.parameters.max_gap_s
