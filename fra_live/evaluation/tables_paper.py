"""The paper's own figures, with the names of its tables, to stand beside what is measured.

Average precision in 0..1: first the mean, then drinking, smoking, blowing bubbles, brushing
teeth, phoning, as printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ACTIONS = ("drinking", "smoking", "blowing_bubbles", "brushing_teeth", "phoning")

# Section 2, fc6 features of regions that an oracle gives.
TABLE_1 = {
    "global": (0.58, 0.54, 0.58, 0.74, 0.57, 0.45),
    "face": (0.69, 0.61, 0.57, 0.82, 0.72, 0.76),
    "object box": (0.76, 0.87, 0.80, 0.79, 0.55, 0.81),
    "masked object": (0.82, 0.91, 0.78, 0.85, 0.66, 0.88),
    "global + face + box": (0.88, 0.90, 0.92, 0.91, 0.80, 0.90),
    "all": (0.91, 0.94, 0.93, 0.93, 0.85, 0.90),
}

# Section 4, all of the features but one.
TABLE_2 = {
    "all but global": (0.845, 0.840, 0.889, 0.913, 0.743, 0.839),
    "all but face": (0.851, 0.836, 0.907, 0.909, 0.751, 0.851),
    "all but coarse": (0.856, 0.842, 0.898, 0.907, 0.771, 0.865),
    "all but fine": (0.830, 0.818, 0.841, 0.905, 0.753, 0.835),
    "all but object": (0.848, 0.801, 0.895, 0.905, 0.780, 0.860),
    "all": (0.865, 0.845, 0.910, 0.914, 0.786, 0.868),
}

# Section 4, each feature by itself.
TABLE_3 = {
    "coarse": (0.636, 0.593, 0.692, 0.720, 0.551, 0.623),
    "global": (0.642, 0.601, 0.623, 0.789, 0.660, 0.537),
    "fine": (0.668, 0.565, 0.816, 0.697, 0.513, 0.749),
    "face": (0.699, 0.658, 0.578, 0.829, 0.686, 0.742),
    "object": (0.743, 0.776, 0.744, 0.851, 0.606, 0.738),
}

TABLES: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "table1": TABLE_1,
    "table2": TABLE_2,
    "table3": TABLE_3,
}

# Figure 2: mean AP of the baseline over Stanford-40's classes of small and of large objects.
FIGURE_2 = {"small": 0.375, "large": 0.87}


def printed(table: str, row: str, actions: Iterable[str]) -> dict[str, float] | None:
    """The paper's figures of one row, as "mean" and by action.

    Returns:
        None where the paper has no such row, or where the model knows other actions: a mean over
        other actions cannot be compared.
    """
    names = tuple(actions)
    figures = TABLES.get(table, {}).get(row)
    if figures is None or set(names) != set(ACTIONS):
        return None
    by_action = dict(zip(ACTIONS, figures[1:], strict=True))
    return {"mean": figures[0], **{name: by_action[name] for name in names}}
