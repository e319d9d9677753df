"""Step 6, ranking, on the device: what the regression reads, its arithmetic, and the choice of q.

See `stages.rank`. A ranker of an older bundle reads the context alone; its number of features
tells which it is.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fra_live.labels import LabelSet
from fra_live.stages.candidates import CandidateParameters
from fra_live.stages.device.assign import Owners, nearest_windows, positions
from fra_live.stages.device.candidates import Regions, box_iou
from fra_live.stages.device.evidence import FLOOR, Said, log_odds
from fra_live.stages.device.heads import Regression
from fra_live.stages.device.windows import Windows
from fra_live.stages.rank import TIE, Ranker


class Ranking:
    """`recognizer.describe_for_ranking` and a `Ranker` for maps of one size."""

    def __init__(
        self, ranker: Ranker, labels: LabelSet, grid: int, frame: tuple[int, int],
        shapes: tuple[tuple[int, int], tuple[int, int]], device: torch.device,
    ):  # fmt: skip
        """Prepare the constants.

        Args:
            ranker: the regression.
            labels: names of the channels.
            grid: cells a side of the context.
            frame: (H, W) in px.
            shapes: (h', w') of P_fine and (h, w) of P_coarse.
            device: where the maps are.
        """
        self._regression = Regression(ranker, device)
        self._context_alone = ranker.mean.size == 2 * grid**2 * len(labels.names)
        self._names = len(labels.names)
        objects = list(labels.object_channels)
        self._objects = torch.tensor(objects, device=device)
        rest = [channel for channel in range(self._names) if channel not in objects]
        self._rest = torch.tensor(rest, device=device)
        self._frame_area = float(frame[0] * frame[1])
        self._shapes_differ = float(shapes[0] != shapes[1])
        belongs = np.zeros((len(objects), len(labels.actions) + 1), bool)
        for action, name in enumerate(labels.actions.values()):
            belongs[labels.objects.index(name), action] = True
        belongs[~belongs.any(axis=1), -1] = True  # "none", for an object of no action
        self._belongs = torch.from_numpy(belongs).to(device)

    def __call__(
        self, context: Tensor, regions: Regions, own: Owners, said: Said, windows: Windows
    ) -> Tensor:
        """Predicted overlaps of M candidates.

        Args:
            context: (M, 2 · grid² · |L|) float32.
            regions: the candidates.
            own: their faces.
            said: what the networks said.
            windows: Net_fine's windows.

        Returns:
            (M,) float32 in 0..1; -1 in empty slots.
        """
        features = context
        if not self._context_alone:
            boxes = torch.where(regions.valid[:, None], regions.boxes, 0.0).float()
            label = regions.channel[:, None] == self._objects
            features = torch.cat([
                self._own_context(context, regions.channel),
                positions(boxes, own),
                own.seen.float().expand(len(boxes), 1),
                self._said_of_label(label, regions.channel, said, windows, boxes),
                self._shape(regions, boxes),
                label.float(),
            ], dim=1)  # fmt: skip
        return torch.where(regions.valid, self._regression(features), -1.0)

    def _own_context(self, context: Tensor, channel: Tensor) -> Tensor:
        """`stages.rank.own_context`; (M, C · grid²) float32."""
        count = len(context)
        short = log_odds(context[:, : context.shape[1] // 2]).view(count, -1, self._names)
        places = channel[:, None, None]
        own = short.gather(2, places.expand(-1, short.shape[1], 1))
        rivals = torch.where(self._objects == places, -math.inf, short[:, :, self._objects])
        highest = rivals.amax(dim=2, keepdim=True).clamp(min=FLOOR)
        planes = torch.cat([own, highest, short[:, :, self._rest]], dim=2)
        return planes.transpose(1, 2).reshape(count, -1)

    def _said_of_label(
        self, label: Tensor, channel: Tensor, said: Said, windows: Windows, boxes: Tensor
    ) -> Tensor:
        """What the whole image says about each candidate's label; (M, 9) float32."""
        near = said.windows.index_select(0, nearest_windows(boxes, windows))
        best = torch.where(windows.valid[:, None], said.windows, -math.inf).amax(dim=0)
        mine = self._belongs.index_select(0, label.int().argmax(dim=1))
        maxima = [said.fine, said.coarse]
        columns = [m.index_select(0, channel) for m in maxima]
        columns += [
            column - m.index_select(0, self._objects).amax()
            for column, m in zip(columns, maxima, strict=True)
        ]
        columns += [
            torch.where(mine, rows, -math.inf).amax(dim=1) for rows in (said.whole, near, best)
        ]
        columns += [said.whole[-1].expand(len(channel)), near[:, -1]]
        return torch.stack(columns, dim=1)

    def _shape(self, regions: Regions, boxes: Tensor) -> Tensor:
        """Size and form of each candidate; (M, 6) float32."""
        sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3)
        aspect = (sides[:, 0] / sides[:, 1]).log()
        size = (sides.prod(dim=1) / self._frame_area).log() / 2
        other = regions.map.float() * self._shapes_differ
        probability = log_odds(regions.probability.float())
        filled = regions.filled.float()
        return torch.stack([probability, filled, size, aspect, aspect.abs(), other], dim=1)


def best_distinct(
    overlaps: Tensor, boxes: Tensor, top: int, parameters: CandidateParameters
) -> tuple[Tensor, Tensor]:
    """`stages.rank.best_distinct`: the best, without those that show what a better one shows.

    Args:
        overlaps: (M,) float32, -1 in empty slots.
        boxes: (M, 4), x0, y0, x1, y1.
        top: q, how many are kept at most.
        parameters: `consensus` and `distinct_iou` of these.

    Returns:
        (min(q, M),) int64, best first, and as many bool, whether there is one.
    """
    iou = box_iou(boxes).to(overlaps.dtype)
    px = torch.arange(len(overlaps), device=overlaps.device)
    held = overlaps >= 0
    likely = torch.where(held, parameters.consensus * overlaps, -1e9).softmax(dim=0)
    covered = torch.zeros_like(overlaps)
    left, chosen, valid = held, [], []
    for _ in range(min(top, len(overlaps))):
        asked = overlaps
        if parameters.consensus:
            asked = torch.maximum(iou, covered) @ likely + TIE * overlaps
        place = torch.where(left, asked, -1.0).argmax(dim=0, keepdim=True)
        valid.append(left.index_select(0, place))
        near = iou.index_select(0, place)[0]
        covered = torch.maximum(covered, near)
        left = left & (near <= parameters.distinct_iou) & (px != place)
        chosen.append(place)
    return torch.cat(chosen), torch.cat(valid)
