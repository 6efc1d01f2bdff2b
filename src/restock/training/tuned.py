"""What the tuner has found, in the place of what was configured."""

from __future__ import annotations

from typing import Any

from restock.errors import ConfigError
from restock.settings.base import replace_at, value_at
from restock.settings.recipe import Recipe
from restock.types import layout
from restock.types.folds import Folds


def tuned_recipe(recipe: Recipe, tuned: dict[str, Any], folds: Folds) -> tuple[Recipe, int]:
    """Replace the swept values of a recipe by the tuner's best.

    Args:
        recipe: As configured.
        tuned: What stage tune wrote.
        folds: Of the panel at hand.

    Returns:
        The recipe, and the epochs that the tuner has found best.

    Raises:
        ConfigError: If it was tuned on other folds or from other values, naming both.
    """
    if tuned.get("cut") != folds.tuning_cut:
        raise ConfigError(
            f"{layout.TUNING} was tuned on other folds or for another horizon. Tune again, or set "
            "training.use_tuned=false."
        )
    given = {path: value_at(recipe, path) for path in tuned["configured"]}
    differing = [
        f"{path}={value} was given, but training.use_tuned=true replaces it by the tuned value "
        f"{tuned['best'][path]}"
        for path, value in given.items()
        if value != tuned["configured"][path]
    ]
    if differing:
        differing.append("Add training.use_tuned=false to train what you say.")
        raise ConfigError("\n".join(differing))
    return replace_at(recipe, tuned["best"]), tuned["epochs"]
