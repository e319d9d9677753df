"""The losses: segmentation with partial labels, and the action head's."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from fra_live.annotations import IGNORE


def soft_targets(label_map: Tensor, labels: int, stride: int) -> Tensor:
    """Share of each label in every cell of the logits' grid.

    Thin objects keep their share, where nearest-neighbour sampling would drop them.

    Args:
        label_map: (N, H, W) uint8 with `IGNORE` where unknown.
        labels: |L|.
        stride: px a cell.

    Returns:
        (N, |L|, H / stride, W / stride) float32; sums to the known share of the cell.
    """
    index = label_map.long()
    known = index != IGNORE
    one_hot = F.one_hot(torch.where(known, index, 0), labels) * known[..., None]
    return F.avg_pool2d(one_hot.permute(0, 3, 1, 2).float(), stride)


def partial_label_loss(
    logits: Tensor, targets: Tensor, unannotated: Tensor, class_weights: Tensor, weight: Tensor
) -> Tensor:
    """Class-weighted cross-entropy in which "background" means "none of the annotated labels".

    A pixel that is background in a set which does not annotate label c may be c, so its loss is
    -log(P_background + sum of P_c over the unannotated c). Where everything is annotated this is
    plain cross-entropy.

    Args:
        logits: (N, |L|, h, w).
        targets: (N, |L|, h, w) shares of each label, as `soft_targets` gives them.
        unannotated: (N, |L|) bool.
        class_weights: (|L|,).
        weight: (N,) weight of each image.

    Returns:
        Scalar: the weighted mean over known pixels.
    """
    log_p = logits.log_softmax(dim=1)
    maybe = unannotated.clone()
    maybe[:, 0] = True
    hidden = torch.where(maybe[:, :, None, None], log_p, -torch.inf).logsumexp(dim=1)
    log_p = torch.cat([hidden[:, None], log_p[:, 1:]], dim=1)
    pixel_weight = targets * class_weights[None, :, None, None] * weight[:, None, None, None]
    return -(pixel_weight * log_p).sum() / pixel_weight.sum().clamp_min(1e-6)


def overlap_loss(
    logits: Tensor, targets: Tensor, unannotated: Tensor, smoothing: float = 4.0
) -> Tensor:
    """1 - Dice overlap of each label that an image shows, the background apart.

    Cross-entropy with class weights gives hills wider than a thin object; this loss is least where
    a region has the object's size, however few its pixels.

    Args:
        logits: (N, |L|, h, w).
        targets: (N, |L|, h, w) shares of each label; cells of unknown pixels sum to less than 1.
        unannotated: (N, |L|) bool; such labels are not asked for.
        smoothing: cells that an object of no size would count as.

    Returns:
        Scalar in 0..1: the mean over the labels of all images; 0 where there is none.
    """
    known = targets.sum(dim=1, keepdim=True)
    p = (logits.softmax(dim=1) * known)[:, 1:].flatten(2)
    t = targets[:, 1:].flatten(2)
    asked = (t.sum(dim=2) > 1.0) & ~unannotated[:, 1:]
    dice = (2 * (p * t).sum(dim=2) + smoothing) / (p.sum(dim=2) + t.sum(dim=2) + smoothing)
    return ((1 - dice) * asked).sum() / asked.sum().clamp_min(1)


def action_loss(action_logits: Tensor, actions: Tensor) -> Tensor:
    """Cross-entropy over the images whose action is known.

    Args:
        action_logits: (N, A + 1).
        actions: (N,) int64, -1 where unknown.
    """
    if bool((actions < 0).all()):
        return action_logits.sum() * 0.0
    return F.cross_entropy(action_logits, actions, ignore_index=-1, label_smoothing=0.05)
