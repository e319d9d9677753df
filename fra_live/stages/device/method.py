"""The stages in the paper's order, for frames of one size, on one device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from fra_live.labels import LabelSet
from fra_live.parameters import Parameters
from fra_live.stages.classify import Classifier
from fra_live.stages.device.assign import owners
from fra_live.stages.device.candidates import MapComponents, Proposer, Regions, unite
from fra_live.stages.device.components import ROUNDS, Finder
from fra_live.stages.device.context import Context
from fra_live.stages.device.evidence import Evidence, Said
from fra_live.stages.device.features import Describer
from fra_live.stages.device.heads import Scoring
from fra_live.stages.device.parts import PartFinder, Parts
from fra_live.stages.device.preprocess import Pyramid, Resize
from fra_live.stages.device.ranking import Ranking, best_distinct
from fra_live.stages.device.refine import Cutter, Paster
from fra_live.stages.device.windows import WindowChoice, Windows
from fra_live.stages.preprocess import coarse_shape
from fra_live.stages.rank import Ranker

# (N, H, W, 3) uint8 → probabilities (N, |L|, h, w) and action logits (N, A + 1), both float32, on
# the device that the images lie on.
Network = Callable[[Tensor], tuple[Tensor, Tensor]]
# Makes one kernel of many, as `torch.compile` does: a function of tensors to the same, faster.
Fuse = Callable[[Callable[..., Any]], Callable[..., Any]]
LAST_STAGE = "classify"


@dataclass(frozen=True)
class Frame:
    """All that was found in one frame, on the device; M slots for candidates, S for body parts.

    Attributes:
        evidence: both maps and the networks' logits.
        windows: of Net_fine.
        components: of P_fine and of P_coarse.
        candidates: R, the most probable first; M slots.
        context: (M, 2·25·|L|) float32.
        overlaps: (M,) float32, predicted overlaps; -1 in empty slots.
        order: (q,) int64, which of the candidates are kept, best first; `kept` are these regions.
        masks: (q, max(n, n')) bool, each in px of its own map, the rest false.
        parts: faces and hands.
        person: (q,) int64, slot of each kept candidate's face.
        total: (A,) float32, S(I) before calibration.
        settled: () bool, false where components or duplicates needed more rounds.
    """

    evidence: Evidence
    windows: Windows
    components: tuple[MapComponents, MapComponents]
    candidates: Regions
    context: Tensor
    overlaps: Tensor
    order: Tensor
    kept: Regions
    masks: Tensor
    parts: Parts
    person: Tensor
    total: Tensor
    settled: Tensor


class Method:
    """The method for frames of one size; all constants are made here, once.

    Attributes:
        frame: (H, W) in px.
        coarse_shape, fine_shape: (h, w) of P_coarse and (h', w') of P_fine in px.
    """

    def __init__(
        self,
        coarse: Network,
        fine: Network,
        labels: LabelSet,
        parameters: Parameters,
        ranker: Ranker,
        classifier: Classifier,
        frame: tuple[int, int],
        device: torch.device,
        rounds: int = ROUNDS,
        fuse: Fuse | None = None,
    ):
        """Prepare for frames of (H, W) px; both networks run once, to see their maps' sizes.

        `rounds` limits what is iterated (components, duplicates), see `Frame.settled`; `fuse` is
        applied to all that is done between the networks.
        """
        self.frame, self.labels, self.parameters = frame, labels, parameters
        self._coarse, self._fine, self._rounds = coarse, fine, rounds
        stages: list[Callable[..., Any]] = [
            self._prepared, self._looked, self._merged, self._proposed, self._judged,
            self._concluded,
        ]  # fmt: skip
        self._stages = stages if fuse is None else [fuse(stage) for stage in stages]
        find = Finder.on(device, rounds)
        p = parameters
        seen = coarse_shape(frame, p.coarse_size)
        most = p.windows.max_windows
        whole = torch.full((1, *seen, 3), 127, dtype=torch.uint8, device=device)
        crops = torch.full((most, p.fine_size, p.fine_size, 3), 127, dtype=torch.uint8,
                           device=device)  # fmt: skip
        height, width = coarse(whole)[0].shape[2:]
        inside_height, inside_width = fine(crops)[0].shape[2:]
        self.coarse_shape = (int(height), int(width))
        self.fine_shape = coarse_shape(frame, p.map_size, multiple=8)
        inside = (int(inside_height), int(inside_width))
        self._resize = Resize(frame, seen, device)
        self._choose = WindowChoice(labels, p.windows, frame, self.coarse_shape, device, find)
        self._cut = Cutter(frame, p.fine_size, p.windows, device)
        self._levels = max(self._resize.levels, self._cut.levels)
        self._paste = Paster(frame, self.fine_shape, self.coarse_shape, inside, device)
        shapes = (self.fine_shape, self.coarse_shape)
        plain = replace(p.candidates, levels=0)  # P_coarse's px are too large for levels
        self._proposers = (
            Proposer(labels, p.candidates, frame, shapes[0], 0, device, find),
            Proposer(labels, plain, frame, shapes[1], 1, device, find),
        )
        self._context = Context(self.fine_shape, p.context, device)
        scale = [self.fine_shape[1] / frame[1], self.fine_shape[0] / frame[0]] * 2
        self._scale = torch.tensor(scale, dtype=torch.float32, device=device)
        self._rank = Ranking(ranker, labels, p.context.grid, frame, shapes, device)
        self._find_parts = PartFinder(labels, frame, self.fine_shape, device)
        self._describe = Describer(labels, shapes, device)
        self._score = Scoring(classifier, device)

    def steps(self, image: Tensor) -> Iterator[str | Frame]:
        """Run the method stage by stage, so that each can be timed or captured into a CUDA graph.

        Args:
            image: (H, W, 3) uint8 BGR.

        Yields:
            the name of each stage when it is done; for the last one, `LAST_STAGE`, all that was
            found.
        """
        prepare, look, merge, propose, judge, conclude = self._stages
        pyramid, small = prepare(image)
        yield "preprocess"
        maps, global_logits = self._coarse(small)
        yield "coarse"
        windows, crops = look(maps, pyramid)
        yield "windows"
        inside, window_logits = self._fine(crops)
        yield "fine"
        evidence = merge(maps, global_logits, inside, window_logits, windows)
        yield "refine"
        found, candidates, settled = propose(evidence, windows)
        yield "candidates"
        context = self._context(evidence.fine, candidates.boxes.float() * self._scale)
        yield "context"
        judged = judge(evidence, windows, found, candidates, context)
        yield "rank"
        kept, masks, person, total = conclude(evidence, windows, found, candidates, judged)
        overlaps, order, _, parts = judged
        yield Frame(evidence, windows, found, candidates, context, overlaps, order, kept, masks,
                    parts, person, total, settled)  # fmt: skip

    def _prepared(self, image: Tensor) -> tuple[Pyramid, Tensor]:
        """The frame's levels and Net_coarse's input."""
        pyramid = Pyramid.of(image, self._levels)
        return pyramid, self._resize(pyramid)

    def _looked(self, maps: Tensor, pyramid: Pyramid) -> tuple[Windows, Tensor]:
        """Windows and Net_fine's input."""
        windows = self._choose(maps[0].float())
        return windows, self._cut(pyramid, windows)

    def _merged(
        self, maps: Tensor, logits: Tensor, inside: Tensor, window_logits: Tensor, windows: Windows
    ) -> Evidence:
        """All that the networks said."""
        coarse = maps[0].float()
        fine = self._paste(coarse, inside.float(), windows)
        return Evidence(logits[0].float(), window_logits.float(), coarse, fine)

    def _proposed(
        self, evidence: Evidence, windows: Windows
    ) -> tuple[tuple[MapComponents, MapComponents], Regions, Tensor]:
        """Components of both maps, R, and whether all is settled."""
        finer, coarser = self._proposers
        found = finer.label(evidence.fine), coarser.label(evidence.coarse)
        candidates, settled = unite(
            finer.propose(evidence.fine, found[0]),
            coarser.propose(evidence.coarse, found[1]),
            self.parameters.candidates,
            self._rounds,
        )
        settled = settled & windows.settled
        for each in found:
            settled = settled & each.components.settled
        return found, candidates, settled

    def _judged(
        self, evidence: Evidence, windows: Windows, found: tuple[MapComponents, MapComponents],
        candidates: Regions, context: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Parts]:  # fmt: skip
        """Overlaps, which q are kept and whether there are as many; faces and hands."""
        parts, boxes = self._find_parts(found[0]), candidates.boxes.float()
        own = owners(boxes, candidates.valid, parts)
        overlaps = self._rank(context, candidates, own, Said.of(evidence), windows)
        p = self.parameters
        order, chosen = best_distinct(overlaps, boxes, p.top, p.candidates)
        return overlaps, order, chosen, parts

    def _concluded(
        self, evidence: Evidence, windows: Windows, found: tuple[MapComponents, MapComponents],
        candidates: Regions, judged: tuple[Tensor, Tensor, Tensor, Parts],
    ) -> tuple[Regions, Tensor, Tensor, Tensor]:  # fmt: skip
        """The kept regions, their masks, slots of their faces, and S(I)."""
        overlaps, order, chosen, parts = judged
        kept = candidates.pick(order, chosen)
        masks = region_masks(kept, found)
        own = owners(kept.boxes.float(), kept.valid, parts)
        rows = self._describe(
            kept, overlaps[order], masks, own, windows, Said.of(evidence), evidence.fine
        )
        # Without any candidate the first row speaks for the frame.
        first = torch.arange(len(order), device=order.device) == 0
        counted = kept.valid | (first & ~kept.valid.any())
        total = torch.where(counted[:, None], self._score(rows), -torch.inf).amax(dim=0)
        return kept, masks, own.slot, total


def region_masks(regions: Regions, found: tuple[MapComponents, MapComponents]) -> Tensor:
    """Masks of T regions, each in px of its own map; (T, max(n, n')) bool, the rest false."""
    longest = max(m.components.roots.shape[1] for m in found)
    masks = torch.zeros((), dtype=torch.bool, device=regions.root.device)
    for number, each in enumerate(found):
        roots = each.components.roots
        plane = regions.plane.clamp(max=len(roots) - 1)
        mask = roots.index_select(0, plane) == regions.root[:, None]
        mask = mask & (regions.valid & (regions.map == number))[:, None]
        masks = masks | pad(mask, (0, longest - mask.shape[1]))
    return masks
