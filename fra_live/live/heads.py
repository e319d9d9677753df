"""Faces that belong to one head: what a cup or a hand cuts a face into, and specks beside it.

A face is a connected region of the probability map (`stages/regions.py`), so an object held before
it can leave two, and each would act as a person of its own. Two people cheek to cheek are told from
that by the shape of both boxes together, which no head has.
"""

from __future__ import annotations

from collections.abc import Sequence

from fra_live.results import Box

_TOUCHING = 0.12  # largest gap within a head, in sides of its larger piece
_HEAD = (0.75, 1.9)  # height / width of a head's box; upright or somewhat turned
_SPECK = 0.1  # of the larger face's area: smaller, and this near, it is hair or a hand …
_NEAR = 0.6  # … sides of the larger face


def heads(faces: Sequence[Box]) -> list[tuple[int, ...]]:
    """Group the faces of a frame by head.

    Args:
        faces: boxes in frame px, in any order.

    Returns:
        Indices of each head's faces, the largest face first; heads by their largest face's index.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(faces)), key=lambda i: -_area(faces[i])):
        home = next((g for g in groups if _one_head(faces[g[0]], faces[index])), None)
        if home is None:
            groups.append([index])
        else:
            home.append(index)
    return sorted((tuple(group) for group in groups), key=lambda group: group[0])


def around(boxes: Sequence[Box]) -> Box:
    """The box around boxes, one or more."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _one_head(large: Box, small: Box) -> bool:
    """Whether the smaller of two faces is a piece of the larger one, or a speck beside it."""
    side = max(large[2] - large[0], large[3] - large[1], 1.0)
    across = max(large[0] - small[2], small[0] - large[2], 0.0)
    down = max(large[1] - small[3], small[1] - large[3], 0.0)
    gap = max(across, down) / side
    if _area(small) < _SPECK * _area(large):
        return gap <= _NEAR
    x0, y0, x1, y1 = around((large, small))
    low, high = _HEAD
    return gap <= _TOUCHING and low * (x1 - x0) <= y1 - y0 <= high * (x1 - x0)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
