"""Exponential smoothing with a damped trend and a season (ETS), from many origins in one pass.

Shapes: N series, T periods, H horizon, G grid points, M phases of the season. NaN means unknown:
level and trend then move as forecast.

Source:
    Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008): the
    error-correction form of ETS(A,N,N), (A,Ad,N), (A,N,A) and (A,Ad,A), chapter 2; the start of
    the season by Holt and Winters as in Hyndman and Athanasopoulos, Forecasting: Principles and
    Practice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from restock.types.panel import FloatArray

LEVEL_SMOOTHING = (0.05, 0.1, 0.2, 0.4, 0.7)
TREND_SMOOTHING = (0.0, 0.05, 0.2)  # 0: no trend
SEASON_SMOOTHING = 0.1
DAMPING = 0.9


def ets(demand: FloatArray, horizon: int, first: int = 0, *, period: int) -> FloatArray:
    """Forecast by exponential smoothing. The smoothing parameters come from a grid.

    Every grid point is run over the history once. For each series and origin, the grid point with
    the smallest sum of squared one-step errors so far is used. The level starts at the first value
    and the trend at zero. The season starts with the differences of the first season from its
    mean. A season is used only after two whole seasons of history.

    Args:
        demand: Demand in units. Shape ``(N, T)``.
        horizon: H.
        first: Earliest origin.
        period: Periods in a season, M; 1 for none.

    Returns:
        From every origin at or after ``first``: shape ``(N, T - first, H)``, not negative; NaN
        before a series' first value.
    """
    grid = Grid.of(period)
    state = _State.start(grid, len(demand), period)
    loss = np.zeros((grid.size, len(demand)))
    age = np.zeros(len(demand), dtype=int)
    forecast = np.empty((len(demand), demand.shape[1] - first, horizon))
    damped = np.cumsum(DAMPING ** np.arange(1, horizon + 1))
    for step in range(demand.shape[1]):
        loss += state.add(step, demand[:, step]) ** 2
        age += np.isfinite(state.level[0])
        started = np.flatnonzero(age == period) if grid.seasonal.any() else np.array([], int)
        if started.size:
            state.start_season(step, started, demand[started, step - period + 1 : step + 1])
        if step < first:
            continue
        allowed = ~grid.seasonal[:, None] | (age >= 2 * period)
        best = np.where(allowed, loss, np.inf).argmin(axis=0)
        forecast[:, step - first] = state.forecast(step, best, damped)
    return np.maximum(forecast, 0.0)


@dataclass(frozen=True)
class Grid:
    """The smoothing values that are tried. Each has shape ``(G,)``."""

    level: FloatArray
    trend: FloatArray
    season: FloatArray

    @classmethod
    def of(cls, period: int) -> Grid:
        """Combine all values; without a season if ``period`` is 1."""
        seasons = (0.0, SEASON_SMOOTHING) if period > 1 else (0.0,)
        # If losses are equal, the first point is used: the simplest ones come first.
        points = [(a, b, c) for c, b, a in product(seasons, TREND_SMOOTHING, LEVEL_SMOOTHING)]
        level, trend, season = np.array(points).T
        return cls(level, trend, season)

    @property
    def size(self) -> int:
        """Number of points, G."""
        return len(self.level)

    @property
    def seasonal(self) -> np.ndarray:
        """Which points have a season. Shape ``(G,)``."""
        return self.season > 0


@dataclass
class _State:
    """Level and trend ``(G, N)`` and seasonal indices ``(M, G, N)`` of every grid point."""

    grid: Grid
    level: FloatArray
    trend: FloatArray
    season: FloatArray

    @classmethod
    def start(cls, grid: Grid, num_series: int, period: int) -> _State:
        """Return the state before the first period."""
        shape = (grid.size, num_series)
        return cls(grid, np.full(shape, np.nan), np.zeros(shape), np.zeros((period, *shape)))

    def add(self, step: int, value: FloatArray) -> FloatArray:
        """Add one period and return the one-step errors; 0 where unknown. ``(G, N)``."""
        phase = step % len(self.season)
        expected = self.level + DAMPING * self.trend
        error = np.nan_to_num(value - expected - self.season[phase])
        alpha, beta = self.grid.level[:, None], self.grid.trend[:, None]
        self.level = np.where(np.isnan(self.level), value, expected + alpha * error)
        self.trend = DAMPING * self.trend + alpha * beta * error
        self.season[phase] += self.grid.season[:, None] * error
        return error

    def start_season(self, step: int, rows: np.ndarray, values: FloatArray) -> None:
        """Start level and season of ``rows`` from their first season, shape ``(rows, M)``."""
        known = np.isfinite(values)
        mean = np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)
        distance = np.where(known, values - mean[:, None], 0.0)
        period = len(self.season)
        phase = np.arange(step - period + 1, step + 1) % period
        points = np.flatnonzero(self.grid.seasonal)
        self.level[np.ix_(points, rows)] = mean
        self.trend[np.ix_(points, rows)] = 0.0
        self.season[np.ix_(phase, points, rows)] = distance.T[:, None, :]

    def forecast(self, step: int, best: np.ndarray, damped: FloatArray) -> FloatArray:
        """Return the forecasts of each series' best grid point. Shape ``(N, H)``."""
        rows = np.arange(len(best))
        level, trend = self.level[best, rows], self.trend[best, rows]
        phase = (step + 1 + np.arange(len(damped))) % len(self.season)
        return level[:, None] + trend[:, None] * damped + self.season[phase[:, None], best, rows].T
