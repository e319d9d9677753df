"""Training of Net_coarse and Net_fine (sections 3.1 and 3.4)."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from fra_live.errors import DataError
from fra_live.labels import LabelSet
from fra_live.networks import SegmentationNetwork, build_network
from fra_live.stages.windows import Window, WindowParameters
from fra_live.training.batches import Batch, BatchMaker, class_weights
from fra_live.training.images import TrainingImage
from fra_live.training.loss import action_loss, overlap_loss, partial_label_loss, soft_targets
from fra_live.training.recipes import NetworkRecipe, Stage


def _one_cycle(step: int, total: int) -> float:
    """Share of the peak rate: linear rise over a tenth, cosine fall to a hundredth."""
    warm = max(1, total // 10)
    if step < warm:
        return 0.1 + 0.9 * step / warm
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _save(path: Path, state: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def save_network(path: Path, network: SegmentationNetwork, labels: LabelSet, recipe: NetworkRecipe,
                 stage: Stage) -> None:  # fmt: skip
    """Write weights with what is needed to rebuild the network."""
    state = {k: v.clone() for k, v in network.state_dict().items()}
    info = {"labels": labels.to_dict(), "recipe": recipe.to_dict(), "stage": stage}
    _save(path, {"weights": state, **info})


def build_for(
    recipe: NetworkRecipe, labels: LabelSet, frozen_blocks: int = 0
) -> SegmentationNetwork:
    """The network that a recipe asks for, with random weights."""
    options = {"fc_channels": recipe.fc_channels} if recipe.fc_channels else {}
    return build_network(
        recipe.builder, len(labels.names), len(labels.actions),
        frozen_blocks=frozen_blocks, **options,
    )  # fmt: skip


def load_network(path: Path) -> tuple[SegmentationNetwork, LabelSet, NetworkRecipe]:
    """Read what `save_network` wrote; the network comes in evaluation mode.

    Raises:
        DataError: the file is missing or no network of ours.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        labels = LabelSet.from_dict(saved["labels"])
        recipe = NetworkRecipe(**saved["recipe"])
        network = build_for(recipe, labels)
        network.load_state_dict(saved["weights"])
    except Exception as error:  # torch.load raises many kinds
        raise DataError(f"{path} is no trained network of fra_live: {error}.") from error
    return network.eval(), labels, recipe


def _saved(path: Path, labels: LabelSet, device: torch.device) -> dict[str, Any]:
    """A result or checkpoint, when it is of the same labels and actions."""
    try:
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch.load raises many kinds
        raise DataError(f"{path} cannot be read: {error}; remove it to train anew.") from error
    now = labels.to_dict()
    if json.dumps(saved.get("labels", now)) != json.dumps(now):
        raise DataError(
            f"{path} was trained with other labels or actions; remove it or give another folder."
        )
    return saved


def train_network(
    stage: Stage,
    images: Sequence[TrainingImage],
    labels: LabelSet,
    recipe: NetworkRecipe,
    network: SegmentationNetwork,
    folder: Path,
    *,
    name: str | None = None,
    windows: WindowParameters | None = None,
    predicted: Sequence[list[Window]] | None = None,
    seed: int = 0,
) -> SegmentationNetwork:
    """Train one network; resumes from `folder`/`name`.checkpoint after every epoch.

    Args:
        stage: "coarse" sees whole images, "fine" sub-windows.
        images: the training images.
        labels: the label set.
        recipe: see `NetworkRecipe`.
        network: with pretrained weights loaded.
        folder: where `name`.pt (the result) and `name`.checkpoint go.
        windows: run-time choice of windows, for "fine".
        predicted: windows of Net_coarse for each image, for "fine".
        seed: of augmentation and order.

    Returns:
        The network with averaged weights, in evaluation mode.

    Raises:
        DataError: the loss is no longer a number, and the checkpoint before it is kept; or the
            folder holds a training with other labels.
    """
    name = name or stage
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, result = folder / f"{name}.checkpoint", folder / f"{name}.pt"
    if result.exists():
        network.load_state_dict(_saved(result, labels, torch.device("cpu"))["weights"])
        return network.eval()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(network).eval()
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    others = [p for n, p in network.named_parameters() if not n.startswith("backbone.")]
    optimizer = torch.optim.AdamW(
        [{"params": backbone, "peak": recipe.backbone_rate},
         {"params": others, "peak": recipe.head_rate}],
        lr=recipe.head_rate, weight_decay=recipe.weight_decay,
    )  # fmt: skip
    batches = BatchMaker(stage, images, labels, recipe, windows or WindowParameters(),
                         predicted or [[] for _ in images], seed)  # fmt: skip
    total, first = recipe.epochs * len(batches), 0
    if checkpoint.exists():
        saved = _saved(checkpoint, labels, device)
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["epoch"]
    weights = torch.tensor(class_weights(images, labels), dtype=torch.float32, device=device)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns) as progress:
        task = progress.add_task(f"Net_{name}", total=total, completed=first * len(batches),
                                 figures="")  # fmt: skip
        for epoch in range(first, recipe.epochs):
            network.train()
            torch.manual_seed(100_003 * seed + epoch)  # dropout, the same after a resumption
            losses = []
            for i, batch in enumerate(batches.epoch(epoch)):
                step = epoch * len(batches) + i
                for group in optimizer.param_groups:
                    group["lr"] = group["peak"] * _one_cycle(step, total)
                segmentation, overlap, action = _losses(network, batch, weights, device)
                loss = (
                    segmentation + recipe.overlap_weight * overlap + recipe.action_weight * action
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                slope = torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                if not torch.isfinite(loss.detach() + slope):  # a slope may fail before its loss
                    kept = f"the state before it is in {checkpoint}" if epoch else "nothing is lost"
                    raise DataError(
                        f"The loss of Net_{name} is no number any more in epoch {epoch + 1} "
                        f"(loss {float(loss)}, slope {float(slope)}); {kept}: lower the "
                        "learning rate."
                    )
                optimizer.step()
                # Early on the average follows closely, or it would hold the start for long.
                _average(averaged, network, min(recipe.averaging, (1 + step) / (10 + step)))
                losses.append([float(part.detach()) for part in (segmentation, overlap, action)])
                progress.update(task, advance=1)
            mean = np.mean(losses, axis=0)
            figures = (
                f"epoch {epoch + 1}/{recipe.epochs} loss {mean[0]:.3f} overlap {mean[1]:.3f} "
                f"action {mean[2]:.3f}"
            )
            progress.update(task, figures=figures)
            if not progress.console.is_terminal:
                progress.console.print(f"Net_{name}: {figures}")
            state = {"network": network.state_dict(), "averaged": averaged.state_dict(),
                     "optimizer": optimizer.state_dict(), "epoch": epoch + 1,
                     "labels": labels.to_dict()}  # fmt: skip
            _save(checkpoint, state)
    averaged.to("cpu")
    save_network(result, averaged, labels, recipe, stage)
    checkpoint.unlink(missing_ok=True)
    return averaged


def _losses(
    network: SegmentationNetwork, batch: Batch, weights: Tensor, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    pixels, maps, unannotated, weight, actions = batch
    x = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).to(device).float()
    output = network(x.contiguous(memory_format=torch.channels_last))
    targets = soft_targets(torch.from_numpy(maps).to(device), len(weights), network.stride)
    hidden = torch.from_numpy(unannotated).to(device)
    segmentation = partial_label_loss(
        output.logits, targets, hidden, weights, torch.from_numpy(weight).to(device)
    )
    overlap = overlap_loss(output.logits, targets, hidden)
    known = torch.from_numpy(actions).to(device)
    return segmentation, overlap, action_loss(output.action_logits, known)


@torch.no_grad()
def _average(averaged: torch.nn.Module, network: torch.nn.Module, decay: float) -> None:
    pairs = zip(averaged.state_dict().values(), network.state_dict().values(), strict=True)
    for old, new in pairs:
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)
