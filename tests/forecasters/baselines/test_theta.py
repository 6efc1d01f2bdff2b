"""Theta against a plain loop over the definition: two theta lines of one series at one origin."""

from __future__ import annotations

import numpy as np
import pytest

from restock.forecasters.baselines import theta as module
from restock.forecasters.baselines.theta import theta


def seasonal_indices(values: np.ndarray, period: int) -> np.ndarray:
    """Classical additive decomposition, term by term."""
    half, phases = period // 2, [[] for _ in range(period)]
    for centre in range(half, len(values) - half):
        around = values[centre - half : centre + half + 1].copy()
        if period % 2 == 0:
            around[[0, -1]] /= 2
        phases[centre % period].append(values[centre] - around.sum() / period)
    means = np.array([np.mean(distances) for distances in phases])
    return means - means.mean()


def two_lines(values: np.ndarray, far: int, period: int, smoothing: float, adjusted: bool) -> float:
    """Assimakopoulos and Nikolopoulos (2000): the mean of theta lines 0 and 2, extrapolated."""
    count = len(values)
    adjusted = adjusted and count >= 2 * period
    season = seasonal_indices(values, period) if adjusted else np.zeros(period)
    left = values - season[np.arange(count) % period]
    slope, start = np.polyfit(np.arange(count), left, 1) if count >= module.MIN_TREND else (0, 0)
    second = 2 * left - (start + slope * np.arange(count))
    level = second[0]
    for value in second[1:]:
        level = smoothing * value + (1 - smoothing) * level
    straight = start + slope * (count - 1 + far)
    return (straight + level) / 2 + season[(count - 1 + far) % period]


def chosen(values: np.ndarray, period: int) -> tuple[float, bool]:
    """Return the smoothing and the variant with the least one-step errors."""
    candidates = [(a, adjusted) for adjusted in (False, True) for a in module.SMOOTHING]
    losses = [
        sum(
            (values[n] - two_lines(values[:n], 1, period, *candidate)) ** 2
            for n in range(1, len(values))
        )
        for candidate in candidates
    ]
    return candidates[int(np.argmin(losses))]


@pytest.mark.parametrize("period", [1, 4, 5])
@pytest.mark.parametrize("length", [5, 9, 31])
def test_theta_is_the_mean_of_its_two_lines(period: int, length: int) -> None:
    rng = np.random.default_rng(period * length)
    time = np.arange(length)
    swing = 6 * np.sin(2 * np.pi * time / period) * (period > 1)
    demand = 40 + time + swing + rng.normal(0, 2, size=(3, length))
    demand[1] = 40 + rng.normal(0, 2, size=length)  # no season, no trend
    forecast = theta(demand, 3, period=period)
    for row in range(3):
        how = chosen(demand[row], period)
        expected = [two_lines(demand[row], far, period, *how) for far in (1, 2, 3)]
        np.testing.assert_allclose(forecast[row, -1], expected)


def test_a_season_is_used_where_it_forecasts_better() -> None:
    rng = np.random.default_rng(1)
    swing = 8 * np.sin(2 * np.pi * np.arange(48) / 6)
    demand = 20 + swing + rng.normal(0, 0.5, size=(5, 48))
    ahead = theta(demand[:, :42], 6, period=6)[:, -1]
    assert np.abs(ahead - demand[:, 42:]).mean() < 1.0


def test_an_unknown_value_moves_nothing() -> None:
    demand = 20 + np.random.default_rng(2).normal(0, 1, size=(2, 20))
    demand[:, 15] = np.nan
    forecast = theta(demand, 2, period=1)
    np.testing.assert_allclose(forecast[:, 15], forecast[:, 14])
    assert (forecast[:, 16] != forecast[:, 14]).all()


def test_a_falling_series_is_not_forecast_below_zero() -> None:
    forecast = theta(np.linspace(30.0, 0.0, 31)[None, :], 40, period=1)
    assert forecast[0, -1, -1] == 0
