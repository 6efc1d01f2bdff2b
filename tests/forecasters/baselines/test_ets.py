"""ETS against a plain loop over the component form of Holt and Winters."""

from __future__ import annotations

import numpy as np
import pytest

from restock.forecasters.baselines import ets as module
from restock.forecasters.baselines.ets import DAMPING, Grid, ets
from restock.forecasters.baselines.points import exponential_smoothing


def holt_winters(
    values: np.ndarray, horizon: int, period: int, smoothing: tuple[float, float, float]
) -> tuple[list[float], float]:
    """Return forecasts and the sum of squared one-step errors: additive, damped, one series."""
    alpha, beta, gamma = smoothing
    level, trend, season = values[0], 0.0, [0.0] * period
    loss = 0.0
    for step, value in enumerate(values):
        phase = step % period
        if step:
            before = level + DAMPING * trend
            loss += (value - before - season[phase]) ** 2
            last = level
            level = alpha * (value - season[phase]) + (1 - alpha) * before
            season[phase] = gamma * (value - before) + (1 - gamma) * season[phase]
            trend = beta * (level - last) + (1 - beta) * DAMPING * trend
        if gamma and step == period - 1:
            level, trend = float(np.mean(values[:period])), 0.0
            season = list(values[:period] - level)
    ahead = []
    climbed = 0.0
    for far in range(1, horizon + 1):
        climbed += DAMPING**far * trend
        ahead.append(level + climbed + season[(len(values) - 1 + far) % period])
    return ahead, loss


@pytest.mark.parametrize("period", [1, 4])
@pytest.mark.parametrize("length", [3, 7, 30])
def test_ets_is_the_best_of_its_grid_so_far(period: int, length: int) -> None:
    rng = np.random.default_rng(period * length)
    time = np.arange(length)
    swing = 8 * np.cos(2 * np.pi * time / period) * (period > 1)
    demand = 30 + time + swing + rng.normal(0, 2, size=(3, length))
    demand[1] = 30 + rng.normal(0, 2, size=length)
    forecast = ets(demand, 3, period=period)
    grid = Grid.of(period)
    for row in range(3):
        runs = [
            holt_winters(demand[row], 3, period, smoothing)
            for smoothing in zip(grid.level, grid.trend, grid.season, strict=True)
            if not smoothing[2] or length >= 2 * period
        ]
        expected = min(runs, key=lambda run: run[1])[0]
        np.testing.assert_allclose(forecast[row, -1], expected)


def test_without_trend_and_season_it_is_exponential_smoothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TREND_SMOOTHING", (0.0,))
    monkeypatch.setattr(module, "LEVEL_SMOOTHING", (0.2,))
    demand = np.random.default_rng(3).poisson(5.0, size=(2, 30)).astype(float)
    expected = exponential_smoothing(demand, 1, smoothing=0.2)
    np.testing.assert_allclose(ets(demand, 2, period=1), np.repeat(expected, 2, axis=2))


def test_an_unknown_period_is_passed_as_it_was_forecast() -> None:
    demand = 20 + np.arange(20) + np.random.default_rng(2).normal(0, 1, size=(2, 20))
    demand[:, 15] = np.nan
    forecast = ets(demand, 2, period=1)
    np.testing.assert_allclose(forecast[:, 15, 0], forecast[:, 14, 1])
