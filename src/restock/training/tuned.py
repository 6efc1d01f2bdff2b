"""Replace configured values by those that the tuner has found."""

from __future__ import annotations

from typing import Any

from restock.errors import ConfigError
from restock.settings.base import replace_at, value_at
from restock.settings.recipe import Recipe
from restock.types import layout
from restock.types.folds import Folds


def tuned_recipe(recipe: Recipe, tuned: dict[str, Any], folds: Folds) -> tuple[Recipe, int | None]:
    """Replace the swept values of a recipe by the tuner's best.

    Args:
        recipe: The configured recipe.
        tuned: The result that stage tune wrote.
        folds: Folds of the current panel.

    Returns:
        The recipe, and the best number of steps; None if trials saw a sample of the series, which
        says little of how long all of them are to be trained.

    Raises:
        ConfigError: If the tuner used other folds or other configured values. The message names
            the values.
    """
    if tuned.get("cut") != folds.tuning_cut:
        raise ConfigError(
            f"{layout.TUNING} was tuned on other folds or for another horizon. Run `restock tune` "
            "again, or set training.use_tuned=false."
        )
    given = {path: value_at(recipe, path) for path in tuned["configured"]}
    differing = [
        f"{path}={value} was given, but training.use_tuned=true replaces it by the tuned value "
        f"{tuned['best'][path]}"
        for path, value in given.items()
        if value != tuned["configured"][path]
    ]
    if differing:
        differing.append("Add training.use_tuned=false to train these values.")
        raise ConfigError("\n".join(differing))
    num_series = len(folds.test.train_end)
    steps = tuned["steps"] if tuned.get("num_series", num_series) == num_series else None
    return replace_at(recipe, tuned["best"]), steps
