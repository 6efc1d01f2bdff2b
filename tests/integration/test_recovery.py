"""On simulated demand the trained network finds the parameters that the demand was drawn with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from restock.forecasters.bundle import load_bundle
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.settings.base import narrowed
from restock.settings.recipe import Recipe
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel
from support.builders import HORIZON, LEVELS, panel, recipe_of, settings
from support.bundles import save
from support.networks import train as train_to

SERIES, STEPS, END, SEASON = 40, 120, 100, 13
UPLIFT, SWING = 1.6, 0.5
SOLD, SIZE = 0.3, 4.0  # share of periods with demand, and its mean in them


def fitted(ensemble: LstmEnsemble) -> LstmEnsemble:
    """Train all steps of a recipe."""
    steps = ensemble.recipe.training.max_steps
    assert steps is not None
    train_to(ensemble, steps)
    return ensemble


def train(base: DemandPanel, steps: int, **features: object) -> LstmEnsemble:
    chosen = settings(
        features={"calendar": [], "seasonal_lag": 0, **features},
        windows={"num_origins": 26},
        model={"units": 24, "dropout": 0.1, "quantile_levels": LEVELS},
        training={
            "max_steps": steps,
            "learning_rate": 0.01,
            "batch_size": 8,
        },
        evaluation={"horizon": 6},
    )
    recipe = narrowed(Recipe, chosen)
    return fitted(LstmEnsemble(recipe, 6, base, np.full(base.num_series, END)))


@pytest.fixture(autouse=True, scope="module")
def threads() -> None:
    backend.prepare(0, 1)  # before the first operation


@pytest.fixture(scope="module")
def promoted() -> tuple[DemandPanel, np.ndarray, LstmEnsemble]:
    """Seasonal demand with promotions, the season of each period, and a network of it."""
    rng = np.random.default_rng(0)
    level = rng.uniform(30, 90, size=(SERIES, 1))
    season = 1 + SWING * np.sin(2 * np.pi * np.arange(STEPS) / SEASON)
    promo = (rng.random((SERIES, STEPS)) < 0.3).astype(float)
    demand = rng.poisson(level * season * np.where(promo > 0, UPLIFT, 1.0)).astype(float)
    base = panel(
        SERIES,
        STEPS,
        demand=demand,
        known_future={"promo": promo},
        observed={},
        static=pd.DataFrame(),
    )
    return base, season, train(base, 60, seasonal_lag=SEASON)


def with_promotions(base: DemandPanel, value: float) -> DemandPanel:
    promo = base.known_future["promo"].copy()
    promo[:, END + 1 :] = value
    return panel(
        SERIES,
        STEPS,
        demand=base.demand,
        known_future={"promo": promo},
        observed={},
        static=pd.DataFrame(),
    )


def predict_on(training: LstmEnsemble, base: DemandPanel) -> DemandForecast:
    """Forecast another panel with a network: its future promotions are others."""
    from restock.features.maker import feature_source
    from restock.forecasters.assemble import PanelNetwork
    from restock.windows.sequences import WindowMaker

    (member,) = training.members
    source = feature_source(base, training.recipe.features, training.state, 6)
    windows = WindowMaker(
        source, base.first_seen, training.state.typical_scale, 6, training.recipe.windows
    )
    network = PanelNetwork(
        member.trained.predict_on_batch,
        windows,
        base,
        training.state,
        np.array(LEVELS),
        training.recipe.model.likelihood,
    )
    return network.predict(np.full(SERIES, END))


def test_the_effect_of_a_promotion_is_found(
    promoted: tuple[DemandPanel, np.ndarray, LstmEnsemble],
) -> None:
    base, _, training = promoted
    always = predict_on(training, with_promotions(base, 1.0)).point
    never = predict_on(training, with_promotions(base, 0.0)).point
    assert np.median(always / never) == pytest.approx(UPLIFT, rel=0.12)


def test_the_season_is_found(promoted: tuple[DemandPanel, np.ndarray, LstmEnsemble]) -> None:
    base, season, training = promoted
    said = predict_on(training, with_promotions(base, 0.0)).point
    shape = np.median(said / said.mean(axis=1, keepdims=True), axis=0)
    truth = season[END + 1 : END + 7]
    np.testing.assert_allclose(shape, truth / truth.mean(), atol=0.15)
    assert np.ptp(truth / truth.mean()) > 0.6  # there is something to find


def test_the_rate_of_intermittent_demand_is_found() -> None:
    rng = np.random.default_rng(1)
    shape = (4 * SERIES, STEPS)
    demand = np.where(rng.random(shape) < SOLD, 1 + rng.poisson(SIZE - 1, size=shape), 0.0)
    base = panel(
        4 * SERIES, STEPS, demand=demand, known_future={}, observed={}, static=pd.DataFrame()
    )
    forecast = train(base, 320).predict(np.full(4 * SERIES, END))
    at = {level: forecast.quantiles[:, :, LEVELS.index(level)] for level in (0.6, 0.8, 0.9)}
    assert (at[0.6] == 0).mean() > 0.9  # demand is zero in 70 % of the periods
    assert (at[0.8] > 0).mean() > 0.9
    # P(demand <= 4 | sold) is 0.65, P(demand <= 5 | sold) is 0.82: the 0.9 quantile is 5 (0.94).
    assert np.median(at[0.9]) == pytest.approx(5, abs=1)
    totals = np.where(rng.random((20_000, 6)) < SOLD, 1 + rng.poisson(SIZE - 1, (20_000, 6)), 0)
    drawn = np.sort(totals.sum(axis=1))
    for level in (0.5, 0.75, 0.9):
        said = forecast.cumulative[:, -1, LEVELS.index(level)]
        reached = np.searchsorted(drawn, said, side="right") / len(drawn)
        assert reached.mean() == pytest.approx(level, abs=0.08)


def test_the_level_of_a_kind_is_found_for_a_product_that_was_never_sold(tmp_path: Path) -> None:
    """A cold start follows its static columns, whatever the network is mixed with."""
    rng, kinds = np.random.default_rng(5), ["small"] * SERIES + ["large"] * SERIES
    level = np.repeat([[5.0], [100.0]], SERIES, axis=0)
    demand = rng.poisson(level, size=(2 * SERIES, STEPS)).astype(float)
    new = [0, 1, 2 * SERIES - 1]  # small, of an unknown kind, large
    demand[new] = np.nan
    static = pd.DataFrame({"kind": kinds})
    base = panel(2 * SERIES, STEPS, demand=demand, static=static, known_future={}, observed={})
    training = train(base, 400)
    weights = Combination({"lstm": 0.5, "ses": 0.3, "naive": 0.2}, LEVELS, LEVELS)
    save(training, tmp_path / "bundle", weights)
    unknown = replace(base, static=static.assign(kind=["small", "other", *kinds[2:]]))
    said = load_bundle(tmp_path / "bundle").predict(unknown, np.full(2 * SERIES, END))
    small, other, large = said.at(0.5)[new].mean(axis=1)
    assert small == pytest.approx(5, rel=0.3)
    assert large == pytest.approx(100, rel=0.3)
    assert small < other < 1.1 * large


def test_the_share_of_extra_zeros_is_found() -> None:
    """Demand is independent from period to period: only its distribution can be learned."""
    zero_share, mean_where_not, dispersion = 0.6, 5.0, 0.2
    rng, shape = np.random.default_rng(3), (60, 130)
    rate = rng.gamma(1 / dispersion, dispersion * mean_where_not, size=shape)
    demand = (rng.poisson(rate) * (rng.random(shape) >= zero_share)).astype(float)
    base = panel(*shape, demand=demand, observed={}, known_future={})
    recipe = recipe_of(
        model={"likelihood": "zero_inflated_negative_binomial", "dropout": 0.0},
        training={
            "max_steps": 400,
            "learning_rate": 0.01,
            "batch_size": 16,
        },
    )
    ensemble = fitted(LstmEnsemble(recipe, HORIZON, base, np.full(60, 120)))
    batch = ensemble.members[0].windows.prediction_batch(np.arange(60), np.full(60, 119))
    answer = np.asarray(ensemble.network().predict_on_batch(batch.inputs()), dtype=float)
    relative, spread, share = np.moveaxis(answer[:, 0, :, 0], -1, 0)  # of each step
    mean = relative * batch.scale[:, :1]
    size = 1 / dispersion
    true_zero = zero_share + (1 - zero_share) * (size / (size + mean_where_not)) ** size
    usual = nbinom.pmf(0, 1 / spread, 1 / (1 + spread * mean / (1 - share)))
    zero = share + (1 - share) * usual
    assert zero.mean() == pytest.approx(true_zero, abs=0.04)
    assert mean.mean() == pytest.approx((1 - zero_share) * mean_where_not, rel=0.12)
    # A plain negative binomial has no such gap between 0 and what is sold when something is.
    assert share.mean() == pytest.approx(zero_share, abs=0.1)
