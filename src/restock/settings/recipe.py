"""The recipe: all settings that a training reads. A search changes some of them, by path."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from restock.settings.base import View, checked, paths
from restock.settings.baselines import BaselineSettings
from restock.settings.evaluation import LossSettings
from restock.settings.features import FeatureSettings
from restock.settings.frequency import kind, periods_per_day
from restock.settings.model import ModelSettings
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings

# Features and folds are made once for a whole sweep.
SWEEPABLE = ("model.", "training.", "windows.")

# Defaults for each kind of frequency. They replace settings that are null.
RHYTHMS: dict[str, dict[str, Any]] = {
    "h": {
        "season": 24,
        "lags": (1, 2, 24),
        "rolling_windows": (6, 24, 168),
        "scale_window": 48,
        "lookback": 168,
    },
    "B": {
        "season": 5,
        "lags": (1, 5, 10),
        "rolling_windows": (5, 20, 65),
        "scale_window": 20,
        "lookback": 40,
    },
    "D": {
        "season": 7,
        "lags": (1, 7, 14),
        "rolling_windows": (7, 28, 91),
        "scale_window": 28,
        "lookback": 56,
    },
    "W": {
        "season": 52,
        "lags": (1, 2, 4),
        "rolling_windows": (4, 13, 26),
        "scale_window": 13,
        "lookback": 39,
    },
    "M": {
        "season": 12,
        "lags": (1, 2, 3),
        "rolling_windows": (3, 6, 12),
        "scale_window": 6,
        "lookback": 36,
    },
    "Q": {
        "season": 4,
        "lags": (1, 2, 4),
        "rolling_windows": (2, 4, 8),
        "scale_window": 4,
        "lookback": 16,
    },
    "Y": {
        "season": 1,
        "lags": (1, 2),
        "rolling_windows": (2, 3, 5),
        "scale_window": 3,
        "lookback": 10,
    },
}


class MixedForecasts(LossSettings, View):
    """The part of ``evaluation`` that a training reads: the loss, and what may be mixed in."""

    baselines: BaselineSettings
    """The simple forecasts that the network's forecast is mixed with."""


class Recipe(View):
    """All settings that a training reads. Paths are the same as in the whole configuration.

    Make one with :meth:`suited_to`, which fills in defaults that depend on the frequency.
    """

    features: FeatureSettings
    """The models' inputs besides the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How the network is fitted."""
    evaluation: MixedForecasts
    """The simple forecasts that may be mixed in."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Seed of all random numbers."""

    @classmethod
    def suited_to(cls, frequency: str, **groups: Any) -> Recipe:
        """Return a recipe whose lags, windows and seasons suit a frequency.

        Args:
            frequency: Frequency of the panel, such as ``W-SUN``.
            groups: Settings by group, as in conf/, such as ``model={"units": 8}``. All other
                settings have their defaults.

        Raises:
            ConfigError: If a setting is unknown or has a wrong value. The message names each.
        """
        tree = {name: {} for name in cls.model_fields if name != "seed"} | groups
        return checked(cls, suited(tree, frequency), "recipe")


def suited(tree: Mapping[str, Any], frequency: str) -> dict[str, Any]:
    """Replace settings that are null by the defaults for a frequency."""
    rhythm = rhythm_of(frequency)
    features = {name: rhythm[name] for name in ("lags", "rolling_windows", "scale_window")}
    features["seasonal_lag"] = rhythm["season"]
    evaluation = dict(tree.get("evaluation") or {})
    baselines = _filled(evaluation.get("baselines"), {"seasonal_period": rhythm["season"]})
    return {
        **tree,
        "features": _filled(tree.get("features"), features),
        "windows": _filled(tree.get("windows"), {"lookback": rhythm["lookback"]}),
        "evaluation": {**evaluation, "baselines": baselines},
    }


def rhythm_of(frequency: str) -> dict[str, Any]:
    """Return the defaults for a frequency."""
    if kind(frequency) != "min":
        return RHYTHMS.get(kind(frequency), RHYTHMS["W"])
    day = periods_per_day(frequency)
    return {
        "season": day,
        "lags": (1, 2, day),
        "rolling_windows": (day // 4, day, 7 * day),
        "scale_window": 2 * day,
        "lookback": min(2 * day, 192),
    }


def _filled(group: Mapping[str, Any] | None, defaults: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in (group or {}).items() if value is not None}
    return {**defaults, **given}


@cache
def sweepable_paths() -> tuple[str, ...]:
    """Return the paths of all settings that a search may change."""
    return tuple(path for path in paths(Recipe) if path.startswith(SWEEPABLE))
