"""Simple forecasts that every report must contain, with quantiles from their own past errors.

Shapes: N series, T periods, H horizon, Q levels, W past origins, K pooled errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from restock.config import BaselineSettings, EvaluationSettings
from restock.features.history import carried_forward
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray

# A pooled error counts like one of the series' own: 19 of them steady a series with few.
POOLED_LEVELS = np.arange(1, 20) / 20

# (demand (N, T), H) -> forecast from every origin, (N, T, H) or (N, T, 1) where steps are alike
PointForecast = Callable[[FloatArray, int], FloatArray]


def naive(demand: FloatArray, horizon: int) -> FloatArray:
    """Repeat the last observed value."""
    return carried_forward(demand)[:, :, None]


def seasonal_naive(demand: FloatArray, horizon: int, *, period: int) -> FloatArray:
    """Repeat the value one season before the target; the last value where there is none."""
    last = carried_forward(demand)
    num_steps = demand.shape[1]
    forecast = np.empty((*demand.shape, horizon))
    for step in range(1, horizon + 1):
        back = period * -(-step // period) - step  # so many periods before the origin
        source = np.full_like(demand, np.nan)
        if back < num_steps:
            source[:, back:] = demand[:, : num_steps - back]
        forecast[:, :, step - 1] = np.where(np.isfinite(source), source, last)
    return forecast


def moving_median(demand: FloatArray, horizon: int, *, window: int) -> FloatArray:
    """Repeat the median of the last ``window`` observed values."""
    padded = np.concatenate([np.full((len(demand), window - 1), np.nan), demand], axis=1)
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)
    median = quantile_of_known(views.reshape(-1, window), np.array([0.5]))[:, 0]
    return carried_forward(median.reshape(demand.shape))[:, :, None]


def exponential_smoothing(demand: FloatArray, horizon: int, *, smoothing: float) -> FloatArray:
    """Repeat the exponentially smoothed level (SES), started at the first value."""
    level = np.full(len(demand), np.nan)
    levels = np.empty_like(demand)
    for step in range(demand.shape[1]):
        value = demand[:, step]
        moved = np.where(np.isnan(level), value, level + smoothing * (value - level))
        level = np.where(np.isnan(value), level, moved)
        levels[:, step] = level
    return levels[:, :, None]


def croston(demand: FloatArray, horizon: int, *, smoothing: float) -> FloatArray:
    """Smoothed size of a demand over smoothed interval between demands (Croston, 1972)."""
    size = np.full(len(demand), np.nan)
    interval = np.full(len(demand), np.nan)
    waited = np.ones(len(demand))
    rates = np.empty_like(demand)
    for step in range(demand.shape[1]):
        value = demand[:, step]
        hit = value > 0
        size = np.where(hit, _smooth(size, value, smoothing), size)
        interval = np.where(hit, _smooth(interval, waited, smoothing), interval)
        waited = np.where(hit, 1.0, waited + np.isfinite(value))
        rates[:, step] = np.where(
            np.isnan(size), np.where(np.isfinite(value), 0.0, np.nan), size / interval
        )
    return carried_forward(rates)[:, :, None]


def tsb(demand: FloatArray, horizon: int, *, smoothing: float) -> FloatArray:
    """Smoothed chance of a demand times its smoothed size (Teunter, Syntetos and Babai, 2011)."""
    size = np.full(len(demand), np.nan)
    chance = np.full(len(demand), np.nan)
    rates = np.empty_like(demand)
    for step in range(demand.shape[1]):
        value = demand[:, step]
        hit, seen = value > 0, np.isfinite(value)
        chance = np.where(seen, _smooth(chance, hit.astype(float), smoothing), chance)
        size = np.where(hit, _smooth(size, value, smoothing), size)
        rates[:, step] = np.where(
            np.isnan(size), np.where(np.isnan(chance), np.nan, 0.0), chance * size
        )
    return rates[:, :, None]


def _smooth(level: FloatArray, value: FloatArray, smoothing: float) -> FloatArray:
    return np.where(np.isnan(level), value, level + smoothing * (value - level))


def make_baselines(settings: BaselineSettings) -> dict[str, PointForecast]:
    """Return the baselines by the names they have in a leaderboard."""
    smoothing = settings.smoothing
    return {
        "naive": naive,
        "seasonal_naive": lambda y, h: seasonal_naive(y, h, period=settings.seasonal_period),
        "moving_median": lambda y, h: moving_median(y, h, window=settings.moving_window),
        "ses": lambda y, h: exponential_smoothing(y, h, smoothing=smoothing),
        "croston": lambda y, h: croston(y, h, smoothing=smoothing),
        "tsb": lambda y, h: tsb(y, h, smoothing=smoothing),
    }


@dataclass(frozen=True)
class Baseline:
    """A simple forecaster. It learns nothing beyond what lies before each origin."""

    name: str
    horizon: int
    levels: FloatArray
    point_forecast: PointForecast
    error_origins: int

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast from each series' origin; see :class:`FittedForecaster`.

        A quantile is the point forecast plus that quantile of the errors which this baseline made
        the same number of steps ahead at earlier origins of the same series. Series with few such
        errors borrow from the others, scaled by each one's mean demand.
        """
        demand = _hide_future(panel.uncensored, origins)
        every = self.point_forecast(demand, self.horizon)
        every = np.broadcast_to(every, (*demand.shape, self.horizon))
        rows = np.arange(panel.num_series)
        point = _fill_cold(every[rows, np.maximum(origins, 0)])
        scale = mean_demand(demand)
        steps = np.arange(1, self.horizon + 1)
        return DemandForecast(
            series_id=panel.series_id,
            origin=panel.labels(origins),
            timestamps=panel.labels(origins[:, None] + steps[None, :]),
            point=point,
            levels=self.levels,
            quantiles=self._spread(point, demand, every, origins, scale, total=False),
            cumulative=self._spread(
                point.cumsum(axis=1), demand, every, origins, scale, total=True
            ),
            unit=panel.unit,
        )

    def _spread(
        self,
        point: FloatArray,
        demand: FloatArray,
        every: FloatArray,
        origins: IntArray,
        scale: FloatArray,
        *,
        total: bool,
    ) -> FloatArray:
        """Add quantiles of past errors (of running totals if ``total``) to the point forecast."""
        quantiles = np.empty((*point.shape, len(self.levels)))
        for step in range(1, self.horizon + 1):
            at = origins[:, None] - step - np.arange(self.error_origins)[None, :]  # past origins
            known = at >= 0
            at = np.maximum(at, 0)
            rows = np.arange(len(demand))[:, None]
            if total:
                # Error of the total = sum of the errors of its steps, from the same past origin.
                error = sum(
                    demand[rows, at + k] - every[rows, at, k - 1] for k in range(1, step + 1)
                )
            else:
                error = demand[rows, at + step] - every[rows, at, step - 1]
            error = np.where(known, error, np.nan)
            quantiles[:, step - 1] = point[:, step - 1, None] + error_quantiles(
                error, scale, self.levels
            )
        return np.maximum(quantiles, 0.0)


def fitted_baselines(settings: EvaluationSettings, levels: FloatArray) -> dict[str, Baseline]:
    """Return every baseline by its name, ready to predict ``levels``."""
    return {
        name: Baseline(name, settings.horizon, levels, point, settings.baselines.error_origins)
        for name, point in make_baselines(settings.baselines).items()
    }


def error_quantiles(error: FloatArray, scale: FloatArray, levels: FloatArray) -> FloatArray:
    """Quantiles of each series' own errors, steadied by the scaled errors of all series.

    Args:
        error: Past errors; NaN where unknown. Shape ``(N, W)``.
        scale: Mean demand of each series. Shape ``(N,)``.
        levels: Shape ``(Q,)``.

    Returns:
        Shape ``(N, Q)``, rising along the levels.
    """
    scaled = (error / scale[:, None]).reshape(1, -1)
    pooled = quantile_of_known(scaled, POOLED_LEVELS)
    pooled = np.where(np.isfinite(pooled), pooled, 0.0) * scale[:, None]
    return quantile_of_known(np.concatenate([error, pooled], axis=1), levels)


def quantile_of_known(values: FloatArray, levels: FloatArray) -> FloatArray:
    """Return row quantiles over the values that are not NaN (NaN for a row without any).

    NumPy's nanquantile does the same row by row; sorting NaN to the end is far faster.
    """
    ordered = np.sort(values, axis=1)
    known = np.isfinite(ordered).sum(axis=1, keepdims=True)
    place = np.maximum(known - 1, 0) * levels[None, :]
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(known - 1, 0))
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, high, axis=1)
    return below + (above - below) * (place - low)


def mean_demand(demand: FloatArray) -> FloatArray:
    """Return each series' mean absolute demand; the panel's where a series has none. ``(N,)``."""
    known = np.isfinite(demand)
    total = np.where(known, np.abs(demand), 0.0).sum(axis=1)
    mean = total / np.maximum(known.sum(axis=1), 1)
    typical = mean[mean > 0].mean() if (mean > 0).any() else 1.0
    return np.where(mean > 0, mean, typical)


def _hide_future(demand: FloatArray, origins: IntArray) -> FloatArray:
    known = np.arange(demand.shape[1])[None, :] <= origins[:, None]
    return np.where(known, demand, np.nan)


def _fill_cold(point: FloatArray) -> FloatArray:
    """Give a series without any history the median of the others' forecasts, or zero."""
    known = np.isfinite(point)
    column = quantile_of_known(point.T, np.array([0.5]))[:, 0]
    column = np.where(np.isfinite(column), column, 0.0)
    return np.where(known, point, column[None, :])
