"""Recipes by name."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from fra_live.commands import train
from fra_live.errors import DataError
from fra_live.training.recipes import RECIPES, NetworkRecipe, recipe


def test_by_name() -> None:
    assert recipe("mobile") is RECIPES["mobile"]
    with pytest.raises(DataError, match=r"no recipe 'tiny'; there are \['mobile', 'quick', 'vgg"):
        recipe("tiny")


def test_the_command_offers_them_all() -> None:
    assert sorted(train.RECIPES) == sorted(RECIPES)


def test_other_epochs() -> None:
    mine = recipe("quick", 3)
    assert mine.coarse.epochs == mine.fine.epochs == 3
    assert replace(mine.coarse, epochs=RECIPES["quick"].coarse.epochs) == RECIPES["quick"].coarse
    with pytest.raises(DataError, match="for 1 epoch or more, not 0"):
        recipe("quick", 0)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_sizes_suit_the_networks(name: str) -> None:
    for part in (RECIPES[name].coarse, RECIPES[name].fine):
        assert part.size % 32 == 0
        assert NetworkRecipe(**part.to_dict()) == part == NetworkRecipe(**asdict(part))


def test_the_papers_numbers() -> None:
    paper = RECIPES["vgg16"]
    for part in (paper.coarse, paper.fine):
        assert (part.builder, part.epochs) == ("fcn8s_vgg16", 100)
        assert part.backbone_rate == part.head_rate == 1e-4
        assert part.fc_channels == 0  # 4096
    assert paper.folds == 0
