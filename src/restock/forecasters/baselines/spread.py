"""Baselines: point forecasts whose quantiles come from their own past errors.

Shapes: N series, T periods, H horizon, Q levels, W past origins, K pooled errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restock.features.seasons import YEARLY, learn_seasons, starting_at, turns_of
from restock.forecasters.baselines.points import PointForecast, quantile_of_known
from restock.settings.features import FeatureSettings
from restock.settings.frequency import kind
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray
from restock.types.seasons import SeasonIndex, Turns

# 19 pooled errors are added to each series' own, with the same weight. They stabilise the
# quantiles of a series with few errors.
POOLED_LEVELS = np.arange(1, 20) / 20
POINTS_AT_ONCE = 4_000_000  # values or forecasts of a block of series, 32 MB
POOLED_SERIES = 2_000  # more are not needed for what series have in common


@dataclass(frozen=True)
class Pool:
    """What the series of a panel have in common, for a series that knows too little of itself.

    Attributes:
        errors: Quantiles of the errors of steps and of running totals, relative to each series'
            mean demand, at :data:`POOLED_LEVELS`. Shape ``(2, H, 19)``.
        point: Forecast of a series without history, in units. Shape ``(H,)``.
        scale: Mean demand of a series without demand, in units. Shape ``()``.
    """

    errors: FloatArray
    point: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, point: FloatArray, errors: FloatArray, own_mean: FloatArray) -> Pool:
        """Learn it from forecasts ``(N, H)``, errors ``(2, N, H, W)`` and mean demands ``(N,)``."""
        known = own_mean[own_mean > 0]
        scale = known.mean() if known.size else np.float64(1.0)
        relative = errors / np.where(own_mean > 0, own_mean, scale)[:, None, None]
        by_step = np.moveaxis(relative, 1, 2).reshape(2 * errors.shape[2], -1)
        pooled = quantile_of_known(by_step, POOLED_LEVELS)
        middle = quantile_of_known(point.T, np.array([0.5]))[:, 0]
        return cls(
            np.nan_to_num(pooled, nan=0.0).reshape(2, errors.shape[2], -1),
            np.nan_to_num(middle, nan=0.0),
            np.asarray(scale),
        )


@dataclass(frozen=True)
class Baseline:
    """A simple forecaster. It uses the history before each origin, and what was pooled in fitting.

    Attributes:
        horizon: Periods it forecasts, H.
        levels: Quantile levels. Shape ``(Q,)``.
        point_forecast: Makes its point forecasts.
        error_origins: Number of past origins whose errors give the quantiles, W.
        pool: What series have in common, learned by :meth:`fit`. None: it is learned from the
            series that are forecast, as bundles of earlier versions did.
        features: Categories and holidays of the long seasons that its forecasts are moved by, where
            a year holds several of its own seasons. None: they are not.
        seasons: Those long seasons, learned by :meth:`fit`.
    """

    horizon: int
    levels: FloatArray
    point_forecast: PointForecast
    error_origins: int
    pool: Pool | None = None
    features: FeatureSettings | None = None
    seasons: tuple[SeasonIndex, ...] = ()

    def fit(self, panel: DemandPanel, train_end: IntArray) -> Baseline:
        """Learn what series have in common, so that a forecast depends on its own series alone."""
        known = np.flatnonzero(train_end >= 0)
        places = np.linspace(0, len(known) - 1, min(POOLED_SERIES, len(known))).astype(int)
        rows = known[places] if known.size else np.arange(panel.num_series)
        origins = np.maximum(train_end[rows], 0)
        demand = _hide_future(panel.uncensored[rows], origins)
        moved = self._moved_by(panel)
        seasons = learn_seasons(panel, moved, train_end) if moved else ()
        found = replace(self, seasons=seasons)
        past = found._past(demand, origins, found._turns(panel, rows))
        return replace(found, pool=Pool.of(*past, mean_demand(demand)))

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast from each series' origin; see :class:`FittedForecaster`.

        A quantile is the point forecast plus the same quantile of past errors: those of this
        baseline, the same number of steps ahead, at earlier origins of the series. To help series
        with few errors, errors of all series are added, relative to each one's mean demand.
        """
        demand = _hide_future(panel.uncensored, origins)
        turns = self._turns(panel, np.arange(panel.num_series))
        point, errors = self._past(demand, origins, turns)
        own_mean = mean_demand(demand)
        pool = self.pool or Pool.of(point, errors, own_mean)
        point = np.where(np.isfinite(point), point, pool.point)
        scale = np.where(own_mean > 0, own_mean, pool.scale)
        steps = np.arange(1, self.horizon + 1)
        return DemandForecast(
            series_id=panel.series_id,
            origin=panel.labels(origins),
            timestamps=panel.labels(origins[:, None] + steps[None, :]),
            point=point,
            levels=self.levels,
            quantiles=self._spread(point, errors[0], pool.errors[0], scale),
            cumulative=self._spread(point.cumsum(axis=1), errors[1], pool.errors[1], scale),
            unit=panel.unit,
        ).closed_on(panel.closed)

    def _moved_by(self, panel: DemandPanel) -> FeatureSettings | None:
        return None if kind(panel.frequency) in YEARLY else self.features

    def _turns(self, panel: DemandPanel, rows: IntArray) -> tuple[Turns, ...]:
        """Return the long seasons of some series, from the panel's first period on."""
        moved = self._moved_by(panel)
        turns = turns_of(self.seasons, panel, moved, self.horizon) if moved else ()
        return starting_at(turns, rows, np.zeros(len(rows), dtype=int))

    def _past(
        self, demand: FloatArray, origins: IntArray, turns: tuple[Turns, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """Forecast from past origins, one block of series at a time.

        Returns:
            The point forecast from each series' origin, ``(N, H)``; and the errors of steps and of
            running totals, ``(2, N, H, W)``. They are from the last W origins whose target is not
            after the series' origin; NaN where unknown.
        """
        num_series, reach = len(demand), self.error_origins + self.horizon
        first = max(int(origins.min()) - reach + 1, 0)
        point = np.empty((num_series, self.horizon))
        errors = np.empty((2, num_series, self.horizon, self.error_origins), dtype=np.float32)
        widest = max(demand.shape[1], (demand.shape[1] - first) * self.horizon)
        size = max(POINTS_AT_ONCE // widest, 1)
        part_rows = np.arange(num_series)
        for start in range(0, num_series, size):
            part = slice(start, start + size)
            made = self.point_forecast(demand[part], self.horizon, first)
            made = np.broadcast_to(made, (*made.shape[:2], self.horizon))
            rows = np.arange(len(made))
            every = np.tile(np.arange(first, demand.shape[1]), (len(made), 1))
            for own in (whole.take(part_rows[part]) for whole in turns):
                made = made * np.exp(own.growth(every, self.horizon)[..., -1])
            point[part] = made[rows, np.maximum(origins[part], 0) - first]
            at = origins[part, None] - np.arange(1, reach)  # past origins, the latest first
            error = _errors_from(demand[part], made, at, first)
            total = np.cumsum(error, axis=2)
            for step in range(self.horizon):  # only origins whose target period is known
                over = slice(step, step + self.error_origins)
                errors[0, part, step] = error[:, over, step]
                errors[1, part, step] = total[:, over, step]
        return point, errors

    def _spread(
        self, point: FloatArray, errors: FloatArray, pooled: FloatArray, scale: FloatArray
    ) -> FloatArray:
        """Add quantiles of past errors to a point forecast. Shape ``(N, H, Q)``."""
        added = [
            error_quantiles(errors[:, step], pooled[step] * scale[:, None], self.levels)
            for step in range(self.horizon)
        ]
        return np.maximum(point[:, :, None] + np.stack(added, axis=1), 0.0)


def _errors_from(demand: FloatArray, made: FloatArray, at: IntArray, first: int) -> FloatArray:
    """Return the errors of each step of the forecasts from origins ``at``, shape ``(N, J)``.

    Args:
        demand: Shape ``(N, T)``.
        made: Forecasts from ``first`` on. Shape ``(N, T - first, H)``.
        at: Origins; errors from an origin before 0 are NaN.
        first: Origin of the first forecasts in ``made``.

    Returns:
        Shape ``(N, J, H)``.
    """
    rows, steps = np.arange(len(demand))[:, None], np.arange(1, made.shape[2] + 1)
    target = np.clip(at[:, :, None] + steps, 0, demand.shape[1] - 1)
    error = demand[rows[:, :, None], target] - made[rows, np.maximum(at - first, 0)]
    return np.where(at[:, :, None] >= 0, error, np.nan)


def error_quantiles(error: FloatArray, pooled: FloatArray, levels: FloatArray) -> FloatArray:
    """Return quantiles of each series' own errors together with pooled errors.

    Args:
        error: Past errors; NaN where unknown. Shape ``(N, W)``.
        pooled: Errors of all series, on each one's scale. Shape ``(N, 19)``.
        levels: Shape ``(Q,)``.

    Returns:
        Shape ``(N, Q)``, rising along the levels.
    """
    return quantile_of_known(np.concatenate([error, pooled], axis=1), levels)


def mean_demand(demand: FloatArray) -> FloatArray:
    """Return each series' mean absolute demand; 0 where none is known. Shape ``(N,)``."""
    known = np.isfinite(demand)
    total = np.where(known, np.abs(demand), 0.0).sum(axis=1)
    return total / np.maximum(known.sum(axis=1), 1)


def _hide_future(demand: FloatArray, origins: IntArray) -> FloatArray:
    known = np.arange(demand.shape[1])[None, :] <= origins[:, None]
    return np.where(known, demand, np.nan)
