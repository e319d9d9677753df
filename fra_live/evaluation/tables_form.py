"""What a table is: rows of average precision on one or more sets, and trends with their noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fra_live.evaluation.metrics import average_precision, mean
from fra_live.evaluation.tables_paper import printed

RESAMPLES = 400


@dataclass(frozen=True)
class Measured:
    """What one row of a table gave on one set.

    Attributes:
        scores: (N, A) float32, S(I) of each image.
        kinds: (N,) index of the action; images of no action are left out before.
    """

    scores: np.ndarray
    kinds: np.ndarray

    def ap(self) -> list[float]:
        """Average precision of each action; NaN where an action has no image."""
        return [
            average_precision(self.scores[:, c].tolist(), (self.kinds == c).tolist())
            for c in range(self.scores.shape[1])
        ]

    def resampled(self, weights: np.ndarray) -> np.ndarray:
        """Mean AP when images count more or less than once.

        Args:
            weights: (R, N) how often each image counts, in each of R resamples.

        Returns:
            (R,) float64, over the actions that have an image.
        """
        found = []
        for c in range(self.scores.shape[1]):
            order = np.argsort(-self.scores[:, c], kind="stable")
            ends = np.append(np.diff(self.scores[order, c]) != 0, True)  # equal scores: one step
            counts = weights[:, order].astype(np.float64)
            seen = np.cumsum(counts, axis=1)[:, ends]
            hits = np.cumsum(counts * (self.kinds[order] == c), axis=1)[:, ends]
            steps = np.diff(hits, prepend=0.0, axis=1)
            precision = hits / np.maximum(seen, 1e-12)
            total = hits[:, -1:]
            share = np.divide(steps, total, out=np.full_like(steps, np.nan), where=total > 0)
            found.append((share * precision).sum(axis=1))
        return np.asarray(np.nanmean(np.array(found), axis=0))

    def figures(self, actions: Sequence[str]) -> dict[str, float | None]:
        """Average precision by action, and "mean"; None where an action has no image."""
        return named(self.ap(), actions)


def named(ap: Sequence[float], actions: Sequence[str]) -> dict[str, float | None]:
    """Average precisions by name, with their "mean"; None stands for NaN."""
    known = [None if np.isnan(v) else float(v) for v in ap]
    return {"mean": mean(known), **dict(zip(actions, known, strict=True))}


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: what was used.
        figures: name of a set → "mean" and the actions → average precision.
    """

    name: str
    figures: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Trend:
    """Something that the paper found, and whether it is found here.

    Attributes:
        claim: in words.
        measured_on: name of the set.
        difference: by how much the mean AP of what should win is ahead.
        interval: 95 % of that difference over resampled images; None where it was not resampled.
    """

    claim: str
    measured_on: str
    difference: float
    interval: tuple[float, float] | None = None

    @property
    def verdict(self) -> str:
        """In words: "holds" or "does not hold", and whether that is within the noise."""
        said = "holds" if self.difference > 0 else "does not hold"
        if self.interval is not None and self.interval[0] <= 0 <= self.interval[1]:
            said += ", within the noise"
        return said

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "claim": self.claim,
            "measured_on": self.measured_on,
            "difference": self.difference,
            "interval": self.interval,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Table:
    """A table of the paper, measured here.

    Attributes:
        key: "table1", "table2" …, also the name of its files.
        title: for people.
        actions: the columns after the mean.
        rows: in the paper's order.
        trends: what the paper reads from the table.
        note: what differs from the paper.
    """

    key: str
    title: str
    actions: tuple[str, ...]
    rows: tuple[Row, ...]
    trends: tuple[Trend, ...] = ()
    note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def lines(self) -> list[tuple[str, str, Mapping[str, float | None]]]:
        """Row, source ("paper" or the name of a set) and figures, the paper's line first."""
        out: list[tuple[str, str, Mapping[str, float | None]]] = []
        for row in self.rows:
            paper = printed(self.key, row.name, self.actions)
            if paper is not None:
                out.append((row.name, "paper", paper))
            out += [(row.name, source, figures) for source, figures in row.figures.items()]
        return out

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows: dict[str, dict[str, Any]] = {}
        for name, source, figures in self.lines():
            rows.setdefault(name, {})[source] = dict(figures)
        trends = [trend.to_dict() for trend in self.trends]
        kept = {"title": self.title, "note": self.note, "rows": rows, "trends": trends}
        return kept | dict(self.extra)


def lead(claim: str, measured_on: str, first: Measured, second: Measured, seed: int = 0) -> Trend:
    """How far the first is ahead of the second, with the interval over resampled images.

    Args:
        first: what should win.
        second: on the same images, in the same order.
    """
    count = len(first.kinds)
    weights = np.random.default_rng(seed).multinomial(count, np.ones(count) / count, RESAMPLES)
    low, high = np.percentile(first.resampled(weights) - second.resampled(weights), [2.5, 97.5])
    difference = float(np.nanmean(first.ap()) - np.nanmean(second.ap()))
    return Trend(claim, measured_on, difference, (float(low), float(high)))
