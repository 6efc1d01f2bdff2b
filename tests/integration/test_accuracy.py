"""On short panels with a season, what is chosen is hardly worse than the best that stood there.

Its name puts it before longer files, so that the last minutes of the suite are not its own.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from restock.evaluation.backtest import run_backtest
from restock.evaluation.selection import folds_with_demand
from restock.forecasters.baselines.make import make_baselines
from restock.settings.folds import FoldSettings
from restock.training.bundle import fit_bundle
from restock.types.panel import DemandPanel
from support.builders import panel, recipe_of

WEEKS, SERIES, HORIZON = 68, 60, 6
BASELINES = {
    "names": ["seasonal_naive", "moving_median", "ets", "boosted_trees"],
    "seasonal_period": 52,
    "trees": {"num_rows": 3000, "num_iterations": 20},
}


def seasonal_panel(seed: int) -> DemandPanel:
    """1.3 years of products whose groups have strong seasons of their own."""
    rng = np.random.default_rng(seed)
    grid = pd.DatetimeIndex(pd.date_range("2021-01-03", periods=WEEKS, freq="W-SUN").as_unit("s"))
    angle = 2 * np.pi * grid.day_of_year.to_numpy() / 365.25
    kind = np.resize(np.arange(3), SERIES)
    waves = np.stack([np.cos(angle), np.sin(angle)])
    season = np.exp((rng.normal(0, 0.5, (1, 2)) + rng.normal(0, 0.3, (3, 2)))[kind] @ waves)
    level = np.exp(rng.normal(3, 0.8, (SERIES, 1)) + rng.normal(0, 0.03, (SERIES, WEEKS)).cumsum(1))
    demand = rng.poisson(level * season * rng.gamma(8, 1 / 8, season.shape)).astype(float)
    static = pd.DataFrame({"kind": np.array(list("abc"))[kind]})
    return panel(
        SERIES, WEEKS, timestamps=grid, demand=demand, static=static, known_future={}, observed={}
    )


def regret(seed: int) -> float:
    """What the answer loses to the best model that stood for choice, known in hindsight."""
    shown = seasonal_panel(seed)
    folds = folds_with_demand(shown, FoldSettings(horizon=HORIZON, num_folds=1))
    recipe = recipe_of(
        features={"seasonal_lag": 52}, model={"units": 16}, windows={"num_origins": 12},
        training={"max_steps": 60, "learning_rate": 0.01}, evaluation={"baselines": BASELINES},
    )  # fmt: skip
    fitted = fit_bundle(recipe, shown, folds)
    levels = np.array(recipe.model.quantile_levels)
    settings = recipe.evaluation.baselines
    models = make_baselines(settings, HORIZON, recipe.features, levels, recipe.seed)
    answers = [partial(fitted.predict, shown), fitted.ensemble.predict]
    for name, model in models.items():
        own = fitted.others.get(name) or model.fit(shown, folds.test.train_end)
        answers.append(partial(own.predict, shown))
    losses = [run_backtest(one, shown, folds.test, 1).scores()["sql"] for one in answers]
    return losses[0] / min(losses) - 1


def test_the_mean_regret_of_twenty_panels_is_at_most_three_percent() -> None:
    assert np.mean([regret(seed) for seed in range(20)]) <= 0.03
