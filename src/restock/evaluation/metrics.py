"""Forecast metrics: functions over arrays of points, and a card for each metric.

Shapes: R rows (a series at one origin), H steps, Q levels. An actual of NaN is not scored.
Definitions follow the M-competitions and the quantile-forecast literature: MASE and RMSSE
(Hyndman and Koehler, 2006), pinball loss (Koenker and Bassett, 1978).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from restock.types.panel import FloatArray, IntArray


@dataclass(frozen=True)
class MetricCard:
    """What a metric means, and whether it may be used to choose a model."""

    name: str
    unit: str
    direction: Literal["minimize", "zero", "nominal"]
    needs_quantiles: bool
    may_select: bool


CARDS = (
    MetricCard("mae", "demand units", "minimize", False, False),
    MetricCard("rmse", "demand units", "minimize", False, False),
    MetricCard("wape", "share of demand", "minimize", False, False),
    MetricCard("bias", "share of demand", "zero", False, False),
    MetricCard("mase", "naive errors", "minimize", False, False),
    MetricCard("rmsse", "naive errors", "minimize", False, False),
    MetricCard("wql", "share of demand", "minimize", True, True),
    MetricCard("sql", "naive errors", "minimize", True, False),
    # For the central interval of each step, and of each running total. Ties: see `ranks`.
    MetricCard("coverage_50", "share of points", "nominal", True, False),
    MetricCard("coverage_80", "share of points", "nominal", True, False),
    MetricCard("coverage_90", "share of points", "nominal", True, False),
    MetricCard("total_coverage_50", "share of totals", "nominal", True, False),
    MetricCard("total_coverage_80", "share of totals", "nominal", True, False),
    MetricCard("total_coverage_90", "share of totals", "nominal", True, False),
)
DECILES = np.arange(1, 10) / 10
INTERVALS = (50, 80, 90)  # percent


@dataclass(frozen=True)
class ScoredPoints:
    """Forecasts and actuals, in units.

    Attributes:
        actual: Actual demand; NaN is not scored. Shape ``(R, H)``.
        point: Point forecast. Shape ``(R, H)``.
        quantiles: Forecast quantiles. Shape ``(R, H, Q)``.
        total: Running total of the actuals; NaN after the first missing one. Shape ``(R, H)``.
        cumulative: Quantiles of the running total. Shape ``(R, H, Q)``.
        levels: Levels of the quantiles. Shape ``(Q,)``.
        scale: Mean absolute seasonal difference of demand up to the origin. NaN if there is none or
            demand was constant; the row then has no scaled metrics. Shape ``(R,)``.
        squared_scale: The same for squared differences. Shape ``(R,)``.
    """

    actual: FloatArray
    point: FloatArray
    quantiles: FloatArray
    total: FloatArray
    cumulative: FloatArray
    levels: FloatArray
    scale: FloatArray
    squared_scale: FloatArray

    def __post_init__(self) -> None:
        """Check that forecasts and actuals have the same shapes."""
        rows, horizon = self.actual.shape
        assert self.point.shape == (rows, horizon)
        assert self.quantiles.shape == (rows, horizon, len(self.levels))
        assert self.cumulative.shape == self.quantiles.shape
        assert self.scale.shape == self.squared_scale.shape == (rows,)

    def select(self, rows: np.ndarray | slice, steps: slice = slice(None)) -> ScoredPoints:
        """Return some rows and steps."""
        return ScoredPoints(
            self.actual[rows, steps],
            self.point[rows, steps],
            self.quantiles[rows, steps],
            self.total[rows, steps],
            self.cumulative[rows, steps],
            self.levels,
            self.scale[rows],
            self.squared_scale[rows],
        )


def score(points: ScoredPoints) -> dict[str, float]:
    """Return every metric of :data:`CARDS`, NaN if nothing could be scored.

    ``wape``, ``bias`` and ``wql`` are ratios of sums over all points. ``mase``, ``rmsse`` and
    ``sql`` are means over rows, each row over its own steps.
    """
    error = points.point - points.actual
    loss = decile_loss(points)
    total = np.nansum(np.abs(points.actual))
    result = {
        "mae": _mean(np.abs(error)),
        "rmse": float(np.sqrt(_mean(error**2))),
        "wape": _ratio(np.nansum(np.abs(error)), total),
        "bias": _ratio(np.nansum(error), total),
        "mase": _mean(_row_means(np.abs(error)) / points.scale),
        "rmsse": _mean(np.sqrt(_row_means(error**2) / points.squared_scale)),
        "wql": _ratio(np.nansum(loss), total),
        "sql": _mean(_row_means(loss) / points.scale),
    }
    outward = {
        "coverage": np.abs(2 * ranks(points.actual, points.quantiles, points.levels) - 1),
        "total_coverage": np.abs(2 * ranks(points.total, points.cumulative, points.levels) - 1),
    }
    for name, places in outward.items():
        for share in INTERVALS:
            result[f"{name}_{share}"] = _share(places <= share / 100, places)
    return result


def reached_shares(actual: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Return P(actual <= quantile) for each level; a calibrated forecast returns the levels.

    Args:
        actual: Demand of the steps, or running totals; NaN where unknown. Shape ``(R, H)``.
        quantiles: Shape ``(R, H, Q)``.
    """
    known = np.isfinite(actual)
    reached = actual[known][:, None] <= quantiles[known]
    return reached.mean(axis=0) if known.any() else np.full(quantiles.shape[2], np.nan)


def decile_loss(points: ScoredPoints) -> FloatArray:
    """Return twice the pinball loss, averaged over the levels 0.1 to 0.9. Shape ``(R, H)``."""
    picked = level_indices(points.levels, DECILES)
    return pinball(points.actual, points.quantiles[:, :, picked], points.levels[picked]).mean(
        axis=2
    )


def pooled_wql(actual: FloatArray, quantiles: FloatArray, levels: FloatArray) -> float:
    """Return the weighted quantile loss of points; see :func:`score`.

    Args:
        actual: Demand; NaN is not scored. Shape ``(R, H)``.
        quantiles: Shape ``(R, H, Q)``.
        levels: Quantile levels; they must contain the deciles. Shape ``(Q,)``.
    """
    picked = level_indices(levels, DECILES)
    loss = pinball(actual, quantiles[:, :, picked], DECILES).mean(axis=2)
    return _ratio(np.nansum(loss), np.nansum(actual))


def pinball(actual: FloatArray, quantiles: FloatArray, levels: FloatArray) -> FloatArray:
    """Return 2 max(q (y - f), (q - 1)(y - f)) for each level. Shape ``(R, H, Q)``."""
    error = actual[:, :, None] - quantiles
    return 2 * np.maximum(levels * error, (levels - 1) * error)


def level_indices(levels: FloatArray, wanted: FloatArray) -> IntArray:
    """Return the positions of the wanted levels among the levels.

    Raises:
        ValueError: If one is not among the forecast's levels.
    """
    distance = np.abs(np.asarray(levels)[None, :] - np.asarray(wanted)[:, None])
    if (distance.min(axis=1) > 1e-9).any():
        raise ValueError(f"the levels {list(levels)} do not contain all of {list(wanted)}")
    return distance.argmin(axis=1)


def naive_scales(
    demand: FloatArray, origins: IntArray, seasonal_period: int
) -> tuple[FloatArray, FloatArray]:
    """Return the mean absolute and mean squared seasonal difference up to each origin.

    Args:
        demand: Shape ``(N, T)``.
        origins: Last known position per series. Shape ``(N,)``.
        seasonal_period: m; 1 compares neighbours.

    Returns:
        Two arrays of shape ``(N,)``; NaN where no difference is known or all are zero.
    """
    known = np.arange(demand.shape[1])[None, :] <= origins[:, None]
    past = np.where(known, demand, np.nan)
    difference = past[:, seasonal_period:] - past[:, :-seasonal_period]
    absolute, squared = _row_means(np.abs(difference)), _row_means(difference**2)
    return np.where(absolute > 0, absolute, np.nan), np.where(squared > 0, squared, np.nan)


def ranks(actual: FloatArray, quantiles: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the rank of each actual in its forecast distribution, from 0 to 1; NaN if unknown.

    Some ranks are not unique. An actual that equals several quantiles (mostly zero) may have any
    rank between their levels; one above the highest or below the lowest quantile, any rank beyond
    that level. Such ranks are spread over their range by a fixed sequence (the randomised
    probability integral transform; Czado, Gneiting and Held, 2009).

    Args:
        actual: Actual demand. Shape ``(...)``.
        quantiles: Rising along the last axis. Shape ``(..., Q)``.
        levels: Shape ``(Q,)``.
    """
    count = len(levels)
    below = (quantiles < actual[..., None]).sum(axis=-1)
    reached = (quantiles <= actual[..., None]).sum(axis=-1)
    before, after = np.maximum(below - 1, 0), np.minimum(below, count - 1)
    tie = reached > below
    first = np.where(below == 0, 0.0, levels[np.where(tie, after, before)])
    top = levels[np.where(tie, np.maximum(reached - 1, 0), after)]
    last = np.where(np.where(tie, reached - below, below) == count, 1.0, top)
    low = np.take_along_axis(quantiles, before[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(quantiles, after[..., None], axis=-1)[..., 0]
    between = np.clip((actual - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    # Multiples of the golden ratio, modulo 1, fill [0, 1) evenly for any number of them.
    known = np.isfinite(actual)
    even = (np.cumsum(known).reshape(actual.shape) * 0.6180339887498949) % 1.0
    share = np.where(~tie & (below > 0) & (below < count), between, even)
    return np.where(known, first + share * (last - first), np.nan)


def _row_means(values: FloatArray) -> FloatArray:
    """Return the mean over the known steps; NaN for a row without any (without a warning)."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def _share(held: np.ndarray, values: FloatArray) -> float:
    known = np.isfinite(values)
    return float(held[known].mean()) if known.any() else float("nan")


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _ratio(part: np.floating, total: np.floating) -> float:
    return float(part / total) if total > 0 else float("nan")
