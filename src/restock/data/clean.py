"""Turn raw rows into a demand panel: one value per series and period, on a regular grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from restock.data.frequency import Frequency
from restock.data.gaps import closed_weekdays, fill_gaps
from restock.data.raw import RawTable
from restock.data.roles import Rows, rows_by_role
from restock.data.rules import apply_rules
from restock.data.series_rules import check_series
from restock.data.statics import derived_columns, given_columns, known_until
from restock.data.validation import policies_of, validated
from restock.errors import DataError
from restock.settings.folds import FoldSettings
from restock.settings.panel import PanelSettings
from restock.types.panel import DemandPanel


def make_panel(
    raw: RawTable, settings: PanelSettings, folds: FoldSettings | None = None
) -> tuple[DemandPanel, dict[str, Any]]:
    """Turn a raw table into a panel.

    Args:
        raw: The rows, as :func:`restock.data.rows.read_rows` reads them.
        settings: Roles of the columns, cleaning rules, frequency and aggregation.
        folds: How the panel will be cut into folds, so that derived static columns read nothing
            after a series' earliest origin. None: the panel will not be cut.

    Returns:
        The panel, with demand in units; and a report: numbers of rows and series, of what was
        dropped and why, first and last period, shares of missing and of zero demand, and what was
        read otherwise than it stands in the table.

    Raises:
        DataError: If rows cannot be used. The message names file, row and column where it can.
        ConfigError: If the frequency or a rule cannot be used.
    """
    frequency = Frequency.of(settings.frequency)  # checked before the rules, which take longer
    raw, report = apply_rules(
        raw, settings.rules, lambda rows: validated(rows, settings, frequency)
    )
    if not len(raw):
        raise DataError(f"no row is left after the cleaning rules: {report}")
    rows = rows_by_role(raw, settings, frequency, folds)
    if settings.rules.drop_unfinished_last_period:
        rows = _drop_unfinished(rows, report)
    order = ["series_id", "period", "stamp", "_order"]
    rows = rows.with_table(rows.table.sort_values(order, kind="stable"))
    cells = _one_row_per_cell(rows, raw, settings.aggregation)
    cells["demand"] = _not_negative(cells, rows, raw, settings)
    cells = _drop_inactive(cells, settings.min_active_periods, report)
    panel = _grid(cells, rows, raw, settings)
    rows = rows.with_table(rows.table[rows.table["series_id"].isin(panel.series_id)])
    static = given_columns(rows, raw)
    if settings.derived_static:
        until = known_until(panel, rows, settings.derived_static_periods, folds)
        static |= derived_columns(rows, until, settings)
        panel = replace(panel, static_until=until)
    columns = pd.DataFrame(static, index=pd.Index(panel.series_id))
    panel = replace(panel, static=columns.reset_index(drop=True))
    check_series(panel, rows.table, raw)
    raw.findings.settle(policies_of(settings))
    report |= _describe(panel)
    report["validation"] = raw.findings.counts()
    report["said"] = list(raw.findings.said.values())
    return panel, report


def _drop_unfinished(rows: Rows, report: dict[str, Any]) -> Rows:
    table = rows.table
    last = int(table["period"].max())
    finished = rows.frequency.ends_at(last)
    if last == table["period"].min() or table["stamp"].max().normalize() >= finished:
        return rows
    unfinished = table["period"] == last
    report["dropped"]["unfinished last period"] = int(unfinished.sum())
    report["rows_kept"] -= int(unfinished.sum())
    return rows.with_table(table[~unfinished])


def _one_row_per_cell(rows: Rows, raw: RawTable, aggregation: str) -> pd.DataFrame:
    """Aggregate to one row for each series and period."""
    table, keys = rows.table, ["series_id", "period"]
    if aggregation == "last":
        _check_last(table, raw)
    how = "last" if aggregation == "none" else aggregation
    groups = table.groupby(keys, sort=True, observed=True)
    # `min_count`: the sum of empty cells is missing, not zero.
    demand = groups["demand"].sum(min_count=1) if how == "sum" else groups["demand"].agg(how)
    cells = pd.DataFrame({"demand": demand, "in_stock": groups["in_stock"].min()})
    for name in rows.covariates:
        cells[f"number {name}"] = groups[f"number {name}"].mean()
    return cells.reset_index()


def _check_last(table: pd.DataFrame, raw: RawTable) -> None:
    """Refuse rows of the same time that differ: none of them is the last."""
    same = table.duplicated(["series_id", "stamp"], keep=False)
    first = table[same].drop_duplicates(["series_id", "stamp", "demand"])
    twice = first.duplicated(["series_id", "stamp"])
    if twice.any():
        row = first[twice].iloc[0]
        raise DataError(
            f"{raw.where(int(row['_order']))}: series {row['series_id']!r} has rows for "
            f"{row['stamp']} that differ ({int(twice.sum())} such rows), so that none is the last. "
            "Give a time of day, or set data.aggregation to sum, mean or max."
        )


def _not_negative(
    cells: pd.DataFrame, rows: Rows, raw: RawTable, settings: PanelSettings
) -> pd.Series:
    """Apply the policy for negative demand to periods: what was taken back in one counts first."""
    demand, column = cells["demand"], rows.columns.demand.column
    lines, negative = rows.table["demand"] < 0, demand < 0
    if lines.sum() > negative.sum():
        back = -float(rows.table.loc[lines, "demand"].sum())
        raw.say(
            "returns",
            f"column {column!r}: {int(lines.sum())} rows take back {back:,.12g} in all, netted "
            f"within their periods; {int(negative.sum())} periods stay below 0",
        )
    if not negative.any():
        return demand
    cell = cells[negative].iloc[0]
    if settings.negative == "reject":
        in_cell = (rows.table["series_id"] == cell["series_id"]) & (
            rows.table["period"] == cell["period"]
        )
        first = int(rows.table.loc[in_cell & lines, "_order"].iloc[0])
        raise DataError(
            f"{raw.where(first)}, column {column!r}: negative demand {cell['demand']:g} of series "
            f"{cell['series_id']!r} in its period ({int(negative.sum())} such periods). Set "
            "data.negative to clip or keep_missing, or fix the table."
        )
    return demand.mask(negative, 0.0 if settings.negative == "clip" else np.nan)


def _drop_inactive(cells: pd.DataFrame, least: int, report: dict[str, Any]) -> pd.DataFrame:
    active = (cells["demand"] > 0).groupby(cells["series_id"]).sum()
    kept = active.index[active >= least]
    report["series_read"] = len(active)
    report["series_with_too_few_active_periods"] = len(active) - len(kept)
    if len(kept) == 0:
        raise DataError(
            f"no series has {least} active periods (the best has {int(active.max())}). "
            "Lower data.min_active_periods."
        )
    return cells[cells["series_id"].isin(kept)]


def _grid(cells: pd.DataFrame, rows: Rows, raw: RawTable, settings: PanelSettings) -> DemandPanel:
    """Put the cells on the grid of all periods. Rows after the last demand are the known future."""
    series = cells["series_id"].cat.remove_unused_categories()
    names, row = series.cat.categories.to_numpy(dtype=object), series.cat.codes.to_numpy()
    first = int(cells["period"].min())
    num_all = int(cells["period"].max()) - first + 1
    known = cells.loc[cells["demand"].notna(), "period"]
    columns = rows.columns
    if known.empty:
        raise DataError(f"column {columns.demand.column!r} is empty: there is no demand.")
    num_steps = int(known.max()) - first + 1
    position = (cells["period"] - first).to_numpy()

    in_row = np.zeros((len(names), num_all), dtype=bool)
    in_row[row, position] = True
    every = rows.table["period"].to_numpy() - first
    in_table = np.zeros(num_all, dtype=bool)
    in_table[every[(every >= 0) & (every < num_all)]] = True

    def wide(name: str) -> np.ndarray:
        values = np.full((len(names), num_all), np.nan)
        values[row, position] = cells[name].to_numpy(dtype="float64")
        return values

    timestamps = rows.frequency.labels(first, num_all)
    demand = wide("demand")[:, :num_steps]
    past = timestamps[:num_steps]
    closed = closed_weekdays(in_table[:num_steps], past, rows.frequency.label, settings, raw)
    shut = np.isin(past.day_of_week, closed)
    demand = fill_gaps(demand, in_row[:, :num_steps], shut, settings.missing, raw)
    panel = DemandPanel(
        series_id=names,
        timestamps=timestamps,
        demand=demand,
        closed=closed,
        in_stock=np.nan_to_num(wide("in_stock")[:, :num_steps], nan=1.0) > 0,
        frequency=rows.frequency.label,
        unit=settings.unit,
        known_future={name: wide(f"number {name}") for name in columns.known_future},
        observed={name: wide(f"number {name}")[:, :num_steps] for name in columns.observed},
    )
    _check_known_future(panel)
    return panel


def _check_known_future(panel: DemandPanel) -> None:
    """Refuse a known-future column with missing values in future periods that the table has.

    A series without any future row needs none.
    """
    ahead = {name: values[:, panel.num_steps :] for name, values in panel.known_future.items()}
    if not ahead:
        return
    goes_on = np.any([np.isfinite(values).any(axis=1) for values in ahead.values()], axis=0)
    for name, values in ahead.items():
        holes = np.isnan(values) & goes_on[:, None]
        if panel.num_future and holes.any():
            series, step = np.argwhere(holes)[0]
            period = panel.timestamps[panel.num_steps + step].date()
            raise DataError(
                f"known_future column {name!r} is missing after the last demand: series "
                f"{panel.series_id[series]!r}, period {period} "
                f"({int(holes.sum())} such cells). Give it for every series and future period."
            )


def _describe(panel: DemandPanel) -> dict[str, Any]:
    seen = np.isfinite(panel.demand)
    return {
        "series": panel.num_series,
        "periods": panel.num_steps,
        "future_periods": panel.num_future,
        "first_period": str(panel.timestamps[0].date()),
        "last_period": str(panel.timestamps[panel.num_steps - 1].date()),
        "missing_share": float(1 - seen.mean()),
        "zero_share": float((panel.demand[seen] == 0).mean()),
        "total_demand": float(panel.demand[seen].sum()),
        "unit": panel.unit,
    }
