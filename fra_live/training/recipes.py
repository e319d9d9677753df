"""Every number of the trainings, in one place, with the paper's section or the reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from fra_live.errors import DataError
from fra_live.stages.windows import WindowParameters

Stage = Literal["coarse", "fine"]


@dataclass(frozen=True)
class NetworkRecipe:
    """How one network is trained.

    Attributes:
        builder: a key of `fra_live.networks.BUILDERS`.
        size: px; square root of the area at which Net_coarse sees an image, or the side at
            which Net_fine sees a window.
        epochs: passes over the images (paper: 100, from a few hundred images).
        batch: images an iteration.
        backbone_rate, head_rate: peak learning rates (paper: 1e-4 for all, constant).
        frozen_blocks: first blocks of the backbone that keep their ImageNet weights.
        action_weight: weight of the action head's loss.
        overlap_weight: weight of the overlap loss; 0, the paper's, leaves it out.
        averaging: decay of the exponential moving average of the weights, an iteration.
        fc_channels: width of VGG-16's fc6 and fc7; 0 takes the paper's 4096.
        run_size: px, as `size`, at which the finished network runs; 0: as it was trained. Views
            are enlarged at random in training, so that one somewhat larger than `size` shows
            objects as large as training did: measured better.
    """

    builder: str
    size: int
    epochs: int
    batch: int = 8
    backbone_rate: float = 4e-4
    head_rate: float = 2e-3
    weight_decay: float = 1e-2
    frozen_blocks: int = 0
    action_weight: float = 0.3
    overlap_weight: float = 0.0
    averaging: float = 0.99
    fc_channels: int = 0
    run_size: int = 0

    @property
    def runs_at(self) -> int:
        """Px at which the finished network runs."""
        return self.run_size or self.size

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints and the manifest."""
        return asdict(self)


@dataclass(frozen=True)
class Recipe:
    """The recipes of both networks.

    Attributes:
        folds: the networks are trained this many times without one fold of the images each, so
            that ranker and classifier learn from features of unseen images. 0: the paper's way,
            from features of the training images themselves.
        refit: with folds, the networks on all images go on from the first fold's, for these
            shares (of Net_coarse, of Net_fine) of the epochs, which costs less than anew.
        refit_rate: share of the learning rates then.
        max_windows: m of section 3.1 at run time.
    """

    coarse: NetworkRecipe
    fine: NetworkRecipe
    folds: int = 2
    refit: tuple[float, float] = (0.5, 0.7)
    refit_rate: float = 0.75
    max_windows: int = WindowParameters.max_windows


_MOBILE = "decoder_mobilenet_v1"
RECIPES: dict[str, Recipe] = {
    # 1.6 times as fast with the first three blocks frozen; they hold edges and colours, which
    # a few hundred photos do not improve.
    "mobile": Recipe(
        coarse=NetworkRecipe(_MOBILE, size=256, epochs=24, frozen_blocks=3),
        # The model that ships came to its overlap loss late: 48 epochs without it, 12 with half of
        # it, 12 with the whole. Half of it from the beginning is untried.
        fine=NetworkRecipe(
            _MOBILE, size=224, epochs=72, frozen_blocks=3, overlap_weight=0.5, run_size=256
        ),
        refit=(1.083, 1.278),  # 26 and 92 epochs
        max_windows=3,  # held out, at 256 px, as good as five
    ),
    # For a first look at some dozens of images of one's own: minutes on two CPU cores.
    "quick": Recipe(
        coarse=NetworkRecipe(_MOBILE, size=192, epochs=40, frozen_blocks=3),
        fine=NetworkRecipe(_MOBILE, size=160, epochs=60, frozen_blocks=3),
    ),
    # Section 3.4: FCN-8s over VGG-16, lr 1e-4, 100 epochs, 500 px images.
    "vgg16": Recipe(
        coarse=NetworkRecipe("fcn8s_vgg16", 512, 100, 1, 1e-4, 1e-4, averaging=0.0),
        fine=NetworkRecipe("fcn8s_vgg16", 224, 100, 4, 1e-4, 1e-4, averaging=0.0),
        folds=0,
    ),
}


def recipe(name: str, epochs: int | None = None) -> Recipe:
    """A recipe by name.

    Args:
        name: a key of `RECIPES`.
        epochs: of both networks, instead of the recipe's own.

    Raises:
        DataError: there is no such recipe, or there are no epochs.
    """
    try:
        found = RECIPES[name]
    except KeyError:
        raise DataError(f"There is no recipe '{name}'; there are {sorted(RECIPES)}.") from None
    if epochs is None:
        return found
    if epochs < 1:
        raise DataError(f"A network is trained for 1 epoch or more, not {epochs}.")
    return replace(
        found,
        coarse=replace(found.coarse, epochs=epochs),
        fine=replace(found.fine, epochs=epochs),
    )
