"""Simple forecasts that every report must contain, with quantiles from their own past errors.

Shapes: N series, T periods, H horizon, Q levels, W past origins, K pooled errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restock.forecasters.baselines.points import PointForecast, quantile_of_known
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray

# A pooled error counts like one of the series' own: 19 of them steady a series with few.
POOLED_LEVELS = np.arange(1, 20) / 20


@dataclass(frozen=True)
class Baseline:
    """A simple forecaster. It learns nothing beyond what lies before each origin."""

    horizon: int
    levels: FloatArray
    point_forecast: PointForecast
    error_origins: int

    def fit(self, panel: DemandPanel, train_end: IntArray) -> Baseline:  # noqa: ARG002
        """Return itself: it is fitted anew at every origin, from that origin's past."""
        return self

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
