"""Forecasts that are normal distributions around a mean."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from restock.types.forecast import DemandForecast
from support.builders import LEVELS

NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def forecast(mean: np.ndarray, spread: float) -> DemandForecast:
    """Normal quantiles around a mean ``(R, H)``; totals of independent steps."""
    num_rows, horizon = mean.shape
    steps = np.arange(1, horizon + 1)
    quantiles = np.maximum(mean[:, :, None] + spread * NORMAL, 0.0)
    totals = np.cumsum(mean, axis=1)[:, :, None] + spread * np.sqrt(steps)[:, None] * NORMAL
    grid = np.datetime64("2020-01-05", "s") + np.arange(horizon) * np.timedelta64(7, "D")
    return DemandForecast(
        series_id=np.array([f"S{i}" for i in range(num_rows)], dtype=object),
        origin=np.repeat(grid[:1], num_rows),
        timestamps=np.broadcast_to(grid, (num_rows, horizon)),
        point=quantiles[:, :, LEVELS.index(0.5)],
        levels=np.array(LEVELS),
        quantiles=quantiles,
        cumulative=np.maximum(totals, 0.0),
    )
