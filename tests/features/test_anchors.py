"""Anchors: textbook recursions, written out once more as plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from restock.features.anchors import SMOOTHERS, Smoother, make_anchors, recent_median

PERIOD = 4
UNIT = 0.5


def series(num_steps: int = 30) -> np.ndarray:
    rng = np.random.default_rng(0)
    season = np.resize([8.0, 3.0, 12.0, 5.0], num_steps)
    return season + np.linspace(0, 6, num_steps) + rng.normal(0, 0.5, num_steps)


def by_loop(demand: np.ndarray, smoother: Smoother, horizon: int) -> list[float]:
    """Holt-Winters in error-correction form, its season started from the first one's deviations."""
    values = np.log1p(demand / UNIT) if smoother.ratios else demand
    level, trend, season = values[0], 0.0, [0.0] * PERIOD
    for step in range(1, len(values)):
        place = step % PERIOD
        expected = level + smoother.damping * trend
        index = season[place] if step >= PERIOD else 0.0
        error = values[step] - index - expected
        level = expected + smoother.level * error
        trend = smoother.damping * trend + smoother.trend * error
        season[place] = index + smoother.season * error
        if step == PERIOD - 1:
            mean = values[:PERIOD].mean()
            season = [smoother.first_season * (value - mean) for value in values[:PERIOD]]
            level += smoother.first_season * (mean - level)
            trend *= 1 - smoother.first_season
    forecasts = []
    for ahead in range(1, horizon + 1):
        grown = sum(smoother.damping**k for k in range(1, ahead + 1)) * trend
        value = level + grown + season[(len(values) - 1 + ahead) % PERIOD]
        forecasts.append(UNIT * np.expm1(value) if smoother.ratios else value)
    return np.clip(forecasts, 0, 1.25 * demand.max()).tolist()


@pytest.mark.parametrize("number", range(len(SMOOTHERS)))
def test_each_smoother_is_its_textbook_recursion(number: int) -> None:
    demand = series()
    anchors = make_anchors(demand[None, :], PERIOD, 5, UNIT)
    for origin in (6, 17, 29):
        made = anchors.forecast(np.array([[origin]]), 6)[0, 0, :, number]
        expected = by_loop(demand[: origin + 1], SMOOTHERS[number], 6)
        np.testing.assert_allclose(made, expected, rtol=1e-4)


def test_the_last_two_anchors_are_the_median_and_the_seasonal_naive() -> None:
    demand = series()
    made = make_anchors(demand[None, :], PERIOD, 5, UNIT).forecast(np.array([[20]]), 6)[0, 0]
    np.testing.assert_allclose(made[:, -2], np.median(demand[16:21]), rtol=1e-6)
    np.testing.assert_allclose(made[:, -1], demand[[17, 18, 19, 20, 17, 18]], rtol=1e-6)


def test_a_multiplying_trend_is_held_a_quarter_above_the_most_there_was() -> None:
    demand = 2.0 ** np.arange(12.0)[None, :]
    made = make_anchors(demand, 0, 5, 1e-3).forecast(np.array([[11]]), 50)
    assert made.max() <= 1.25 * demand.max()


def test_a_series_without_history_or_with_gaps_has_finite_anchors() -> None:
    demand = np.stack([np.full(20, np.nan), series(20), series(20)])
    demand[1, 4:9] = np.nan
    demand[2, :15] = np.nan
    at = np.broadcast_to(np.arange(20), (3, 20))
    assert np.isfinite(make_anchors(demand, PERIOD, 5, UNIT).forecast(at, 3)).all()


def test_recent_median_agrees_with_pandas() -> None:
    import pandas as pd

    demand = series(40).reshape(2, 20).copy()
    demand[0, 3:5] = np.nan
    oracle = pd.DataFrame(demand.T).rolling(5, min_periods=1).median().to_numpy().T
    np.testing.assert_allclose(recent_median(demand, 5), oracle)
