"""Figure 2 drawn: the size of the object against average precision."""

from __future__ import annotations

import io

from fra_live.errors import MissingExtraError
from fra_live.evaluation.printing import figure, words
from fra_live.evaluation.tables_paper import FIGURE_2
from fra_live.evaluation.tables_sizes import THIRDS, Sizes

_INK = "#1f2933"
_COLOURS = ("#7b8794", "#0072b2", "#d55e00", "#009e73")
_MARKS = ("o", "s", "D", "^")


def draw_sizes(sizes: Sizes) -> bytes:
    """Figure 2 as PNG: classes by the size of their object, and thirds by size.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("Drawing figures", "train") from error
    drawn = Figure(figsize=(10, 4.2), dpi=150, layout="constrained")
    left, right = drawn.subplots(1, 2, width_ratios=[1.15, 1])
    actions = sorted(sizes.share, key=lambda action: sizes.share[action])
    x = [100 * sizes.share[action] for action in actions]
    for i, (method, row) in enumerate(sizes.ap.items()):
        left.plot(
            x, [row[action] for action in actions], marker=_MARKS[i % 4], ms=7, lw=1.2,
            color=_COLOURS[i % 4], label=method,
        )  # fmt: skip
    low = min(min(row[a] for a in actions) for row in sizes.ap.values())
    left.set_xscale("log")
    left.set_ylim(max(0.0, low - 0.12), 1.02)
    for i, (position, action) in enumerate(zip(x, actions, strict=True)):
        left.annotate(
            words(action), (position, 0), xycoords=("data", "axes fraction"),
            xytext=(0, 6 + 11 * (i % 2)), textcoords="offset points",
            ha="center", fontsize=8, color=_INK,
        )  # fmt: skip
    left.margins(x=0.15)
    left.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    left.xaxis.set_minor_formatter(lambda value, _: f"{value:g} %" if value < 20 else "")
    left.tick_params(axis="x", which="both", labelsize=8)
    left.set_xlabel("median share of the image that the object covers")
    left.set_ylabel("average precision")
    left.set_title("classes", fontsize=10)
    width = 0.8 / max(1, len(sizes.thirds))
    for i, (method, row) in enumerate(sizes.thirds.items()):
        at = [k + (i - (len(sizes.thirds) - 1) / 2) * width for k in range(len(THIRDS))]
        heights = [row.get(third, 0.0) for third in THIRDS]
        bars = right.bar(at, heights, width * 0.92, color=_COLOURS[i % 4], label=method)
        right.bar_label(bars, [figure(v) if v else "–" for v in heights], fontsize=8, padding=2)
    right.set_xticks(range(len(THIRDS)), [f"{third} objects" for third in THIRDS])
    right.set_ylim(0, 1.1)
    right.set_ylabel("mean average precision")
    right.set_title("each class in thirds by the size of its object", fontsize=10)
    right.legend(frameon=False, fontsize=8, loc="lower center", ncols=len(sizes.thirds),
                 bbox_to_anchor=(0.5, -0.27))  # fmt: skip
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e4e7eb", lw=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(colors=_INK)
    drawn.suptitle(
        f"The smaller the object, the harder the action (paper, 40 classes: "
        f"{FIGURE_2['small']:.3f} for small objects, {FIGURE_2['large']:.2f} for large ones)",
        fontsize=10, color=_INK,
    )  # fmt: skip
    data = io.BytesIO()
    drawn.savefig(data, format="png")
    return data.getvalue()
