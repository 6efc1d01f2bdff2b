"""Simple point forecasts from many origins: last value, moving window, exponential smoothing.

Shapes: N series, T periods, H horizon, S origins: the positions from `first` to T - 1. NaN means
unknown and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from restock.features.history import carried_forward, rolling_mean
from restock.types.panel import FloatArray

# (demand (N, T), H, first) -> forecasts from every origin at or after `first`: (N, S, H), or
# (N, S, 1) if all steps have the same forecast
PointForecast = Callable[[FloatArray, int, int], FloatArray]
LAID_OUT = 64  # origins whose windows are in memory at a time


def naive(demand: FloatArray, horizon: int, first: int = 0) -> FloatArray:
    """Repeat the last observed value."""
    return carried_forward(demand)[:, first:, None]


def seasonal_naive(demand: FloatArray, horizon: int, first: int = 0, *, period: int) -> FloatArray:
    """Use the value one season before the target; the last known value where it is missing."""
    last = carried_forward(demand)
    num_steps = demand.shape[1]
    forecast = np.empty((len(demand), num_steps - first, horizon))
    for step in range(1, horizon + 1):
        back = period * -(-step // period) - step  # periods before the origin
        source = np.full_like(demand, np.nan)
        if back < num_steps:
            source[:, back:] = demand[:, : num_steps - back]
        forecast[:, :, step - 1] = np.where(np.isfinite(source), source, last)[:, first:]
    return forecast


def moving_mean(demand: FloatArray, horizon: int, first: int = 0, *, window: int) -> FloatArray:
    """Repeat the mean of the known values among the last ``window``."""
    return carried_forward(rolling_mean(demand, window))[:, first:, None]


def moving_median(demand: FloatArray, horizon: int, first: int = 0, *, window: int) -> FloatArray:
    """Repeat the median of the known values among the last ``window``."""
    padded = np.concatenate([np.full((len(demand), window - 1), np.nan), demand], axis=1)
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)
    median = np.empty_like(demand)
    for start in range(0, demand.shape[1], LAID_OUT):
        part = views[:, start : start + LAID_OUT]
        found = quantile_of_known(part.reshape(-1, window), np.array([0.5]))
        median[:, start : start + LAID_OUT] = found.reshape(part.shape[:2])
    return carried_forward(median)[:, first:, None]


def exponential_smoothing(
    demand: FloatArray, horizon: int, first: int = 0, *, smoothing: float
) -> FloatArray:
    """Repeat the exponentially smoothed level (SES), started at the first value."""
    level = np.full(len(demand), np.nan)
    levels = np.empty_like(demand)
    for step in range(demand.shape[1]):
        value = demand[:, step]
        moved = np.where(np.isnan(level), value, level + smoothing * (value - level))
        level = np.where(np.isnan(value), level, moved)
        levels[:, step] = level
    return levels[:, first:, None]


def quantile_of_known(values: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the quantiles of each row, without its NaN values (NaN for a row of NaN only).

    NumPy's nanquantile does the same, but row by row. Sorting NaN to the end is much faster.
    """
    ordered = np.sort(values, axis=1)
    known = np.isfinite(ordered).sum(axis=1, keepdims=True)
    place = np.maximum(known - 1, 0) * levels[None, :]
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(known - 1, 0))
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, high, axis=1)
    return below + (above - below) * (place - low)
