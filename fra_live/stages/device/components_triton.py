"""Connected components by union-find in two Triton kernels; exact in one pass, whatever the shape.

Every px starts as its own parent. `_merge` joins each px of a mask with its earlier neighbours:
the later of two roots is pointed at the earlier one by an atomic minimum, and where another thread
was quicker the join goes on with what that thread wrote. `_flatten` follows the pointers.
"""

from __future__ import annotations

import torch
import triton  # type: ignore[import-untyped]
import triton.language as tl  # type: ignore[import-untyped]
from torch import Tensor

_BLOCK = 256


@triton.jit
def _root(parents, at):  # type: ignore[no-untyped-def]
    # Volatile: another thread's join must be seen. An older value is an ancestor too, only lower.
    above = tl.load(parents + at, volatile=True)
    while tl.max((above != at).to(tl.int32), axis=0) > 0:
        at = above
        above = tl.load(parents + at, volatile=True)
    return at


@triton.jit
def _join(parents, a, b, joined):  # type: ignore[no-untyped-def]
    # Idle lanes work on px 0 twice, which is a root for good.
    a = tl.where(joined, a, 0)
    b = tl.where(joined, b, 0)
    while tl.max((a != b).to(tl.int32), axis=0) > 0:
        a = _root(parents, a)
        b = _root(parents, b)
        low = tl.minimum(a, b)
        high = tl.maximum(a, b)
        differ = low != high
        before = tl.atomic_min(parents + high, low, mask=differ)
        again = differ & (before != high)
        a = tl.where(again, low, 0)
        b = tl.where(again, before, 0)


@triton.jit  # type: ignore[untyped-decorator]
def _merge(masks, parents, total, height, width, EIGHT: tl.constexpr, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    px = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = px < total
    x = px % width
    y = (px // width) % height
    here = tl.load(masks + px, mask=inside, other=0) != 0
    left = here & (x > 0)
    left = left & (tl.load(masks + px - 1, mask=left, other=0) != 0)
    _join(parents, px, px - 1, left)
    up = here & (y > 0)
    above = up & (tl.load(masks + px - width, mask=up, other=0) != 0)
    _join(parents, px, px - width, above)
    if EIGHT:
        west = up & (x > 0)
        west = west & (tl.load(masks + px - width - 1, mask=west, other=0) != 0)
        _join(parents, px, px - width - 1, west)
        east = up & (x + 1 < width)
        east = east & (tl.load(masks + px - width + 1, mask=east, other=0) != 0)
        _join(parents, px, px - width + 1, east)


@triton.jit  # type: ignore[untyped-decorator]
def _flatten(parents, roots, total, size, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    px = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = px < total
    root = _root(parents, tl.where(inside, px, 0))
    tl.store(roots + px, (root % size).to(tl.int64), mask=inside)


def unite(masks: Tensor, width: int, connectivity: int = 8) -> Tensor:
    """Roots of the components of each mask; see `Components.roots`.

    Args:
        masks: (P, n) bool, contiguous or not; P·n below 2³¹.
        width: px in a row.
        connectivity: 4 or 8 neighbours.

    Returns:
        (P, n) int64.
    """
    count, size = masks.shape
    total = count * size
    flat = masks.contiguous().view(torch.uint8)
    parents = torch.arange(total, dtype=torch.int32, device=masks.device)
    roots = torch.empty((count, size), dtype=torch.int64, device=masks.device)
    blocks = (triton.cdiv(total, _BLOCK),)
    eight = connectivity == 8
    with torch.cuda.device(masks.get_device()):
        _merge[blocks](flat, parents, total, size // width, width, EIGHT=eight, BLOCK=_BLOCK)
        _flatten[blocks](parents, roots, total, size, BLOCK=_BLOCK)
    return roots
