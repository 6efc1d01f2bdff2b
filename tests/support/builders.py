"""Small panels and tables for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.features.maker import FeatureMaker
from restock.settings.base import narrowed
from restock.settings.baselines import BaselineSettings
from restock.settings.evaluation import EvaluationSettings
from restock.settings.features import FeatureSettings
from restock.settings.recipe import Recipe
from restock.settings.tree import Settings, parse_settings
from restock.types.features import FeaturePanel, FeatureState
from restock.types.panel import DemandPanel

HORIZON = 3
LEVELS = [0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99]


def panel(
    num_series: int = 2, num_steps: int = 40, seed: int = 0, **changes: object
) -> DemandPanel:
    """Weekly Poisson demand around a level of its own per series, with every covariate role."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(3, 30, size=(num_series, 1))
    grid = pd.date_range("2020-01-05", periods=num_steps, freq="W-SUN").as_unit("s")
    fields: dict[str, object] = {
        "series_id": np.array([f"S{i:03d}" for i in range(num_series)], dtype=object),
        "timestamps": pd.DatetimeIndex(grid),
        "demand": rng.poisson(level, size=(num_series, num_steps)).astype(float),
        "in_stock": np.ones((num_series, num_steps), dtype=bool),
        "frequency": "W-SUN",
        "static": pd.DataFrame({"kind": np.resize(["a", "b"], num_series)}),
        "known_future": {"promo": rng.integers(0, 2, size=(num_series, num_steps)).astype(float)},
        "observed": {"price": rng.uniform(1, 2, size=(num_series, num_steps))},
    }
    return DemandPanel(**{**fields, **changes})  # type: ignore[arg-type]


def odd_demand(num_series: int = 5, num_steps: int = 50) -> np.ndarray:
    """Demand of series of odd kinds, the first five; the others are ordinary."""
    demand = panel(num_series, num_steps).demand.copy()
    demand[0] = np.nan  # no history at all
    demand[1] = 0.0
    demand[2] = 7.0
    demand[3, :-1] = np.nan  # one point
    demand[4, 10:30] = np.nan  # a hole
    return demand


def table(num_series: int = 3, num_steps: int = 60, seed: int = 0) -> pd.DataFrame:
    """A long table as a user might have it."""
    rng = np.random.default_rng(seed)
    grid = pd.date_range("2020-01-05", periods=num_steps, freq="W-SUN")
    parts = [
        pd.DataFrame(
            {
                "date": grid.strftime("%Y-%m-%d"),
                "store": f"store {i % 2}",
                "item": f"item {i}",
                "sales": rng.poisson(4 + 3 * i, size=num_steps),
                "promo": rng.integers(0, 2, size=num_steps),
            }
        )
        for i in range(num_series)
    ]
    return pd.concat(parts, ignore_index=True)


TINY_TREES = {"num_rows": 400, "num_iterations": 3}
DATA = {
    "name": "own",
    "source": {"kind": "file", "path": "own.csv"},
    "columns": {"timestamp": "date", "series": ["store", "item"], "demand": "sales"},
    "frequency": "W-SUN",
}


def settings(**groups: dict[str, object]) -> Settings:
    """Settings for tests that need no conf/: tiny, untracked."""
    tree: dict[str, object] = {
        "data": DATA,
        "features": {"seasonal_lag": 10},
        "windows": {"num_origins": 6},
        "model": {"units": 8, "quantile_levels": LEVELS},
        "training": {"max_steps": 2, "ensemble_size": 1},
        "search": {
            "name": "tiny",
            "num_trials": 2,
            "space": {"units": {"path": "model.units", "kind": "int", "low": 4, "high": 8}},
        },
        "evaluation": {
            "horizon": HORIZON,
            "num_folds": 2,
            "stride": 3,
            "num_tuning_folds": 1,
            "baselines": {"trees": TINY_TREES},
        },
        "inventory": {},
        "tracking": {"name": "none", "model_name": "own"},
        "engine": {},
    }
    for name, values in groups.items():
        group = tree[name]
        assert isinstance(group, dict)
        tree[name] = {**group, **values}
    return parse_settings(tree, where="test")


def recipe_of(**groups: dict[str, object]) -> Recipe:
    """What trainings in tests read."""
    return narrowed(Recipe, settings(**groups))


def features(**values: object) -> FeatureSettings:
    """Feature settings for weekly data."""
    return settings(features=values).features


def make_features(
    base: DemandPanel, settings: FeatureSettings, state: FeatureState, horizon: int
) -> FeaturePanel:
    """Features of a whole panel and the horizon after it."""
    rows = np.arange(base.num_series)
    maker = FeatureMaker(base, settings, state, horizon)
    return maker.make(rows, np.zeros_like(rows), base.num_steps + horizon)


def evaluation(**values: object) -> EvaluationSettings:
    """Evaluation settings for weekly data."""
    return settings(evaluation=values).evaluation


def baselines(**values: object) -> BaselineSettings:
    """Baseline settings for weekly data."""
    return settings(evaluation={"baselines": values}).evaluation.baselines


def promoted_panel(num_series: int = 40, num_steps: int = 80, seed: int = 0) -> DemandPanel:
    """Demand that a promotion trebles, beside a known-future column that is pure noise."""
    rng = np.random.default_rng(seed)
    shape = (num_series, num_steps)
    promo = rng.integers(0, 2, size=shape).astype(float)
    level = rng.uniform(10, 40, size=(num_series, 1))
    return panel(
        num_series,
        num_steps,
        seed,
        demand=rng.poisson(level * (1 + 2 * promo)).astype(float),
        known_future={"promo": promo, "noise": rng.normal(size=shape)},
        observed={},
    )
