"""What a training reads. What a search may change is a path into it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from restock.settings.base import View, checked, paths
from restock.settings.baselines import BaselineSettings
from restock.settings.features import FeatureSettings
from restock.settings.model import ModelSettings
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings

# Features and folds are made once for a whole sweep.
SWEEPABLE = ("model.", "training.", "windows.")

# What suits a frequency, by its first letter: where a setting is null, this is taken.
RHYTHMS: dict[str, dict[str, Any]] = {
    "h": {"season": 24, "lags": (1, 2, 24), "rolling_windows": (6, 24, 168), "scale_window": 48},
    "D": {"season": 7, "lags": (1, 7, 14), "rolling_windows": (7, 28, 91), "scale_window": 28},
    "W": {"season": 52, "lags": (1, 2, 4), "rolling_windows": (4, 13, 26), "scale_window": 13},
    "M": {"season": 12, "lags": (1, 2, 3), "rolling_windows": (3, 6, 12), "scale_window": 6},
    "Q": {"season": 4, "lags": (1, 2, 4), "rolling_windows": (2, 4, 8), "scale_window": 4},
    "Y": {"season": 1, "lags": (1, 2), "rolling_windows": (2, 3, 5), "scale_window": 3},
}


class MixedForecasts(View):
    """What of ``evaluation`` a training reads."""

    baselines: BaselineSettings
    """The simple forecasts that the network's is mixed with."""


class Recipe(View):
    """Everything that decides what is trained. Its paths are those of the whole configuration."""

    features: FeatureSettings
    """What the models are shown beside the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How it is fitted."""
    evaluation: MixedForecasts
    """The simple forecasts that may be mixed in."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Where all random numbers start from."""

    @classmethod
    def suited_to(cls, frequency: str, **groups: Any) -> Recipe:
        """Return a recipe whose rhythms (lags, windows, seasons) suit a frequency.

        Args:
            frequency: Of the panel, such as ``W-SUN``.
            groups: Settings by group, as in conf/; what is not said has its default.

        Raises:
            ConfigError: Naming each setting that cannot be used.
        """
        tree = {name: {} for name in cls.model_fields if name != "seed"} | groups
        return checked(cls, suited(tree, frequency), "recipe")


def suited(tree: Mapping[str, Any], frequency: str) -> dict[str, Any]:
    """Fill settings that are null with what a frequency suggests."""
    rhythm = RHYTHMS.get(frequency[:1], RHYTHMS["W"])
    features = {name: rhythm[name] for name in ("lags", "rolling_windows", "scale_window")}
    features["seasonal_lag"] = rhythm["season"]
    evaluation = dict(tree.get("evaluation") or {})
    baselines = _filled(evaluation.get("baselines"), {"seasonal_period": rhythm["season"]})
    return {
        **tree,
        "features": _filled(tree.get("features"), features),
        "evaluation": {**evaluation, "baselines": baselines},
    }


def _filled(group: Mapping[str, Any] | None, defaults: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in (group or {}).items() if value is not None}
    return {**defaults, **given}


@cache
def sweepable_paths() -> tuple[str, ...]:
    """Return what a search may change, by path."""
    return tuple(path for path in paths(Recipe) if path.startswith(SWEEPABLE))
