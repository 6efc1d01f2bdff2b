"""Expected demand of groups of series: sums over the series in each group."""

from __future__ import annotations

import pandas as pd

from restock.types.forecast import DemandForecast

UNKNOWN = "unknown"


def forecast_totals(forecast: DemandForecast, static: pd.DataFrame) -> pd.DataFrame:
    """Sum mean forecasts over all series and over each value of every static text column.

    Only means are summed, because quantiles do not add up: the sum of 95 % quantiles is more than
    the 95 % quantile of the sum.

    Args:
        forecast: Forecast of N series.
        static: Static columns, one row per series; may be empty.

    Returns:
        One row per group and period: ``by`` (``all`` or the column), ``group`` (value of the
        column; ``unknown`` if it is missing), ``timestamp``, ``mean`` in units. The groups of every
        column add up to ``all``.
    """
    rows = forecast.table()[["timestamp", "mean"]]
    horizon = forecast.point.shape[1]
    groups = {"all": pd.Series("all", index=range(len(forecast.series_id)))}
    groups |= {
        str(name): static[name].fillna(UNKNOWN).astype(str)
        for name in static.columns
        if static[name].dtype.kind not in "biuf"
    }
    parts: list[pd.DataFrame] = []
    for name, labels in groups.items():
        labelled = rows.assign(by=name, group=labels.to_numpy().repeat(horizon))
        summed = labelled.groupby(["by", "group", "timestamp"])["mean"].sum()
        parts.append(summed.reset_index())
    return pd.concat(parts, ignore_index=True)
