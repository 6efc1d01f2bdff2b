"""Losses of each series at each test origin. Models are compared by them, pair by pair."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.decisions.cost import realised_cost
from restock.decisions.demand import LeadTimeDemand
from restock.evaluation.backtest import Backtest
from restock.evaluation.metrics import decile_loss, ranks
from restock.settings.costs import CostSettings
from restock.types.panel import DemandPanel, FloatArray


def loss_table(
    name: str, backtest: Backtest, panel: DemandPanel, costs: CostSettings
) -> pd.DataFrame:
    """Return one row per series and origin of the test.

    Columns: ``model``, ``series_id``, ``fold`` (number of the origin), ``forecast_origin``. Then
    sums over the steps with known demand: ``demand``, ``loss`` (of the deciles; divided by the sum
    of demand it is the weighted quantile loss), ``error``, ``abs_error``, ``points`` and
    ``inside_80`` (number of points in the central 80 % interval). Then ``cost``, that of ordering
    by the forecast for the protection interval, and ``cost_demand``, the demand in that interval.
    Both are 0 where this demand is not known.
    """
    points = backtest.points
    known = np.isfinite(points.actual)
    error = points.point - points.actual
    inside = np.abs(2 * ranks(points.actual, points.quantiles, points.levels) - 1) <= 0.8
    origins = np.stack([forecast.origin for forecast in backtest.forecasts])
    cost, cost_demand = _cost(backtest, costs)
    return pd.DataFrame(
        {
            "model": name,
            "series_id": panel.series_id[backtest.series],
            "fold": backtest.origin,  # the name under which it is stored
            "forecast_origin": origins[backtest.origin, backtest.series],
            "demand": np.nansum(points.actual, axis=1),
            "loss": np.nansum(decile_loss(points), axis=1),
            "error": np.nansum(error, axis=1),
            "abs_error": np.nansum(np.abs(error), axis=1),
            "points": known.sum(axis=1),
            "inside_80": (inside & known).sum(axis=1),
            "cost": cost,
            "cost_demand": cost_demand,
        }
    )


def _cost(backtest: Backtest, costs: CostSettings) -> tuple[FloatArray, FloatArray]:
    """Return cost and demand over the protection interval; zeros where it exceeds the horizon."""
    points, periods = backtest.points, costs.protection_interval
    if periods > points.actual.shape[1]:
        nothing = np.zeros(len(points.actual))
        return nothing, nothing
    demand = LeadTimeDemand(points.levels, points.cumulative[:, periods - 1], periods)
    total = points.total[:, periods - 1]
    return np.nan_to_num(realised_cost(demand, total, costs)), np.nan_to_num(total)
