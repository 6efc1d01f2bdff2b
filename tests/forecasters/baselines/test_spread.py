"""Baselines that are a point forecast: quantiles from their own past errors."""

from __future__ import annotations

import numpy as np
import pytest

from restock.forecasters.baselines.points import quantile_of_known
from restock.forecasters.baselines.simple import point_forecasts
from restock.forecasters.baselines.spread import Baseline
from support.builders import LEVELS, panel
from support.builders import baselines as settings_of

NAMES = list(point_forecasts(settings_of()))


def fitted(name: str, horizon: int = 3) -> Baseline:
    points = point_forecasts(settings_of(seasonal_period=4, moving_window=3))
    return Baseline(horizon, np.array(LEVELS), points[name], 60)


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_does_not_move_when_only_the_future_changes(name: str) -> None:
    base = panel(3, 60)
    demand = base.demand.copy()
    demand[:, 41:] = 1e6
    origins = np.full(3, 40)
    before = fitted(name).predict(base, origins)
    after = fitted(name).predict(panel(3, 60, demand=demand), origins)
    np.testing.assert_array_equal(before.quantiles, after.quantiles)
    np.testing.assert_array_equal(before.cumulative, after.cumulative)


@pytest.mark.parametrize("name", NAMES)
def test_quantiles_spread_and_cover_about_what_they_say(name: str) -> None:
    base = panel(40, 130, seed=1)
    hits, rows = 0, 0
    for origin in (100, 110, 120):
        forecast = fitted(name).predict(base, np.full(40, origin))
        actual = base.demand[:, origin + 1 : origin + 4]
        hits += int(((actual >= forecast.at(0.1)) & (actual <= forecast.at(0.9))).sum())
        rows += actual.size
        assert (forecast.at(0.9) > forecast.at(0.1)).all()  # a repeated point would be a bug
    # Independent Poisson demand: 80 % nominal; 360 points have a standard error of 2 points.
    assert 0.72 < hits / rows < 0.90


def test_the_total_is_wider_than_a_step_and_narrower_than_a_sum_of_quantiles() -> None:
    forecast = fitted("moving_median").predict(panel(20, 120), np.full(20, 100))
    step = (forecast.at(0.9) - forecast.at(0.1)).sum(axis=1)
    place = [LEVELS.index(0.1), LEVELS.index(0.9)]
    total = forecast.cumulative[:, -1, place[1]] - forecast.cumulative[:, -1, place[0]]
    assert total.mean() < step.mean()
    assert total.mean() > (forecast.at(0.9) - forecast.at(0.1))[:, 0].mean()


def test_a_series_without_history_is_forecast_from_the_others() -> None:
    demand = panel(4, 60).demand.copy()
    demand[0] = np.nan
    demand[1] = 0.0
    for name in NAMES:
        forecast = fitted(name).predict(panel(4, 60, demand=demand), np.full(4, 59))
        assert forecast.point[0, 0] > 0
        assert (forecast.point[1] == 0).all()


def test_quantiles_of_known_values_agree_with_numpy() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 30))
    values[1, 5:] = np.nan
    values[2, 1:] = np.nan
    levels = np.array([0.05, 0.5, 0.9])
    np.testing.assert_allclose(
        quantile_of_known(values, levels), np.nanquantile(values, levels, axis=1).T
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_fitted_baseline_answers_alone_as_it_does_among_others(name: str) -> None:
    demand = panel(12, 60).demand.copy()
    demand[0] = np.nan  # no history
    demand[1] = 0.0
    demand[2, :45] = np.nan  # young: few errors of its own
    base = panel(12, 60, demand=demand)
    model = fitted(name).fit(base, np.full(12, 50))
    together = model.predict(base, np.full(12, 55))
    for row in range(4):
        alone = model.predict(base.take(np.array([row])), np.array([55]))
        for part in ("point", "quantiles", "cumulative"):
            np.testing.assert_allclose(
                getattr(alone, part)[0], getattr(together, part)[row], rtol=1e-12
            )
    of_the_request = fitted(name).predict(base.take(np.array([2])), np.array([55]))
    assert (of_the_request.quantiles[0] != together.quantiles[2]).any()  # so the test can fail


@pytest.mark.parametrize("name", NAMES)
def test_what_is_pooled_reads_nothing_after_the_training_end(name: str) -> None:
    base = panel(6, 60)
    demand = base.demand.copy()
    demand[:, 41:] = 1e6
    ends = np.full(6, 40)
    before, after = (fitted(name).fit(of, ends).pool for of in (base, panel(6, 60, demand=demand)))
    assert before is not None
    assert after is not None
    for part, values in vars(before).items():
        np.testing.assert_array_equal(values, getattr(after, part))
