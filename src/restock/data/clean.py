"""From raw rows to a demand panel: rules, roles, aggregation, and a regular grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from restock.data import frequency
from restock.data.columns import dates, located_row, numbers, require
from restock.data.folds import earliest_origins
from restock.data.rules import apply_rules
from restock.errors import ConfigError, DataError
from restock.settings.tree import DataSettings, DerivedColumn, EvaluationSettings
from restock.types.panel import DemandPanel, IntArray


def make_panel(
    raw: pd.DataFrame, settings: DataSettings, evaluation: EvaluationSettings | None = None
) -> tuple[DemandPanel, dict[str, Any]]:
    """Turn a raw table into a panel.

    Args:
        raw: Rows as read; the index and ``__file__`` say where each came from.
        settings: Roles, rules and grid.
        evaluation: Folds that the panel will be cut into: no derived column reads beyond the
            earliest origin. None where it will not be.

    Returns:
        The panel, and a report of what was counted, dropped and filled.

    Raises:
        DataError: Naming file, row and column of what cannot be used.
    """
    frequency.check(settings.frequency)
    table, report = apply_rules(raw, settings.rules, decimal=settings.source.decimal)
    if table.empty:
        raise DataError(f"no row is left after the cleaning rules: {report}")
    rows = _roles(table, settings)
    rows = _drop_unfinished(rows, settings, report)
    rows = rows.sort_values(["series_id", "period", "_order"], kind="stable")
    cells = _one_row_per_cell(rows, table, settings)
    cells = _drop_inactive(cells, settings, report)
    panel = _grid(cells, settings)
    rows = rows[rows["series_id"].isin(panel.series_id)]
    static = _static(rows, settings)
    if settings.derived_static:
        until = _static_until(panel, rows, settings, evaluation)
        static |= _derived(rows, until, settings)
        panel = replace(panel, static_until=until)
    table = pd.DataFrame(static, index=pd.Index(panel.series_id))
    panel = replace(panel, static=table.reset_index(drop=True))
    report |= _describe(panel)
    return panel, report


def _roles(table: pd.DataFrame, settings: DataSettings) -> pd.DataFrame:
    """Name columns by role, numeric where a number is due."""
    columns, decimal = settings.columns, settings.source.decimal
    for key in (*columns.series, *columns.static):
        require(table, key)
    stamps = _timestamps(table, settings)
    demand = numbers(table, columns.demand.column, decimal=decimal)
    if columns.demand.transform == "exp":
        demand = np.exp(demand)
    roles: dict[str, Any] = {
        "series_id": _keys(table, columns.series),
        "period": frequency.ordinals(stamps, settings.frequency),
        "stamp": stamps,
        "demand": _not_negative(demand, table, settings),
        "in_stock": numbers(table, columns.in_stock, decimal=decimal)
        if columns.in_stock
        else pd.Series(1.0, index=table.index),
    }
    # A prefix keeps a user's column called "period" apart from ours.
    for name in (*columns.known_future, *columns.observed):
        roles[f"number {name}"] = numbers(table, name, decimal=decimal)
    for name in columns.static:
        roles[f"static {name}"] = table[name]
    for derived in settings.derived_static.values():
        require(table, derived.column)
        roles[f"raw {derived.column}"] = table[derived.column]
    # Positions, not labels, identify a row from here on: two files may share row numbers.
    rows = pd.DataFrame({name: np.asarray(values) for name, values in roles.items()})
    rows["_order"] = np.arange(len(rows))
    return rows


def _keys(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """Join the key columns by "/". A row without a key belongs to no series and is refused."""
    parts = [table[column].astype("string") for column in columns]
    for column, part in zip(columns, parts, strict=True):
        if part.isna().any():
            first = int(np.flatnonzero(part.isna())[0])
            raise DataError(
                f"{located_row(table, first)}, column {column!r} is empty, expected a series key "
                f"({int(part.isna().sum())} such rows)."
            )
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "/" + part
    return joined.astype(object)


def _timestamps(table: pd.DataFrame, settings: DataSettings) -> pd.Series:
    column = settings.columns.timestamp
    if column.start is None:
        return dates(table, column.column, pattern=column.format)
    numbered = numbers(table, column.column)
    wrong = numbered.isna() | (numbered % 1 != 0)
    if wrong.any():
        where = located_row(table, int(np.flatnonzero(wrong)[0]))
        raise DataError(f"{where}, column {column.column!r}: expected an integer period.")
    try:
        start = pd.Series([pd.Timestamp(column.start)])
    except ValueError:
        raise ConfigError(
            f"data.columns.timestamp.start: {column.start!r} is no date; give that of period 0."
        ) from None
    first = int(frequency.ordinals(start, settings.frequency)[0])
    period = numbered.astype("int64") + first
    base = int(period.min())
    labels = frequency.labels(base, int(period.max()) - base + 1, settings.frequency)
    return pd.Series(labels[(period - base).to_numpy()], index=table.index)


def _not_negative(demand: pd.Series, table: pd.DataFrame, settings: DataSettings) -> pd.Series:
    negative = demand < 0
    if not negative.any():
        return demand
    if settings.negative == "reject":
        first = int(np.flatnonzero(negative)[0])
        raise DataError(
            f"{located_row(table, first)}, column {settings.columns.demand.column!r}: negative "
            f"demand {demand.iloc[first]:g} ({int(negative.sum())} in all). Set data.negative to "
            "clip or keep_missing, or fix the table."
        )
    return demand.mask(negative, 0.0 if settings.negative == "clip" else np.nan)


def _drop_unfinished(
    rows: pd.DataFrame, settings: DataSettings, report: dict[str, Any]
) -> pd.DataFrame:
    if not settings.rules.drop_unfinished_last_period:
        return rows
    last = int(rows["period"].max())
    finished = frequency.ends_at(last, settings.frequency)
    if last == rows["period"].min() or rows["stamp"].max().normalize() >= finished:
        return rows
    unfinished = rows["period"] == last
    report["dropped"]["unfinished last period"] = int(unfinished.sum())
    report["rows_kept"] -= int(unfinished.sum())
    return rows[~unfinished]


def _one_row_per_cell(
    rows: pd.DataFrame, table: pd.DataFrame, settings: DataSettings
) -> pd.DataFrame:
    """Aggregate to one row for each series and period."""
    keys = ["series_id", "period"]
    if settings.aggregation == "none":
        twice = rows.duplicated(subset=keys, keep="first").to_numpy()
        if twice.any():
            row = rows.iloc[int(np.flatnonzero(twice)[0])]
            raise DataError(
                f"{located_row(table, int(row['_order']))}: series {row['series_id']!r} has two "
                f"rows for the period of {row['stamp'].date()} ({int(twice.sum())} such rows). "
                "Say how to combine them: data.aggregation=sum, mean, last or max."
            )
    how = "last" if settings.aggregation == "none" else settings.aggregation
    groups = rows.groupby(keys, sort=True)
    # `min_count`: a sum over nothing but empty cells is missing, not zero.
    demand = groups["demand"].sum(min_count=1) if how == "sum" else groups["demand"].agg(how)
    covariates = [*settings.columns.known_future, *settings.columns.observed]
    cells = pd.DataFrame({"demand": demand, "in_stock": groups["in_stock"].min()})
    for name in covariates:
        cells[f"number {name}"] = groups[f"number {name}"].mean()
    return cells.reset_index()


def _drop_inactive(
    cells: pd.DataFrame, settings: DataSettings, report: dict[str, Any]
) -> pd.DataFrame:
    active = (cells["demand"] > 0).groupby(cells["series_id"]).sum()
    kept = active.index[active >= settings.min_active_periods]
    report["series_read"] = len(active)
    report["series_with_too_few_active_periods"] = len(active) - len(kept)
    if len(kept) == 0:
        raise DataError(
            f"no series has {settings.min_active_periods} active periods (the best has "
            f"{int(active.max())}). Lower data.min_active_periods."
        )
    return cells[cells["series_id"].isin(kept)]


def _grid(cells: pd.DataFrame, settings: DataSettings) -> DemandPanel:
    """Lay the cells out on the grid of all periods; rows after the last demand are the future."""
    names, row = np.unique(cells["series_id"].to_numpy(dtype=object), return_inverse=True)
    first = int(cells["period"].min())
    num_all = int(cells["period"].max()) - first + 1
    known = cells.loc[cells["demand"].notna(), "period"]
    if known.empty:
        raise DataError(f"column {settings.columns.demand.column!r} is empty: there is no demand.")
    num_steps = int(known.max()) - first + 1
    position = (cells["period"] - first).to_numpy()

    def wide(name: str) -> np.ndarray:
        values = np.full((len(names), num_all), np.nan)
        values[row, position] = cells[name].to_numpy(dtype="float64")
        return values

    panel = DemandPanel(
        series_id=names,
        timestamps=frequency.labels(first, num_all, settings.frequency),
        demand=_fill(wide("demand")[:, :num_steps], settings.missing),
        in_stock=np.nan_to_num(wide("in_stock")[:, :num_steps], nan=1.0) > 0,
        frequency=frequency.label_alias(settings.frequency),
        unit=settings.unit,
        known_future={name: wide(f"number {name}") for name in settings.columns.known_future},
        observed={
            name: wide(f"number {name}")[:, :num_steps] for name in settings.columns.observed
        },
    )
    _check_known_future(panel)
    return panel


def _fill(demand: np.ndarray, missing: str) -> np.ndarray:
    if missing == "mask":
        return demand
    seen = np.isfinite(demand)
    begun = np.logical_or.accumulate(seen, axis=1) | (missing == "zero_from_start")
    return np.where(begun & ~seen, 0.0, demand)


def _check_known_future(panel: DemandPanel) -> None:
    """Refuse a known-future column with a hole where the table promises the future."""
    ahead = {name: values[:, panel.num_steps :] for name, values in panel.known_future.items()}
    if not ahead:
        return
    # A discontinued series has no future rows at all, and needs none.
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


def _static(rows: pd.DataFrame, settings: DataSettings) -> dict[str, pd.Series]:
    """Return the given static columns by name, each by series."""
    by_series = rows.groupby("series_id", sort=True)
    return {
        name: _static_column(by_series[f"static {name}"].first(), name, settings)
        for name in settings.columns.static
    }


def _static_until(
    panel: DemandPanel,
    rows: pd.DataFrame,
    settings: DataSettings,
    evaluation: EvaluationSettings | None,
) -> IntArray:
    """Return the last position that each series' derived columns are read from. Shape ``(N,)``.

    Only a series' first periods, and none after an origin that it is forecast from: a later price
    or country would be knowledge of the future.
    """
    begin = rows.groupby("series_id")["period"].min().reindex(panel.series_id).to_numpy()
    until = begin - rows["period"].min() + settings.derived_static_periods - 1
    return until if evaluation is None else np.minimum(until, earliest_origins(panel, evaluation))


def _derived(rows: pd.DataFrame, until: IntArray, settings: DataSettings) -> dict[str, pd.Series]:
    """Return the derived static columns by name, each by series, from no later period."""
    position = rows["period"] - rows["period"].min()
    last = pd.Series(until, index=np.unique(rows["series_id"]))
    early = position <= rows["series_id"].map(last)
    return {
        name: _derive(rows, early, rule, decimal=settings.source.decimal)
        for name, rule in settings.derived_static.items()
    }


def _static_column(column: pd.Series, name: str, settings: DataSettings) -> pd.Series:
    """Part of a series' key is a name, even where it is a number: store 2 is not twice store 1."""
    return column.astype(str) if name in settings.columns.series else _typed(column)


def _typed(column: pd.Series) -> pd.Series:
    """Read a column whose every value is a number as numbers: a CSV holds only text."""
    values = pd.to_numeric(column, errors="coerce")
    return values.astype(float) if values.notna().sum() == column.notna().sum() else column


def _derive(
    rows: pd.DataFrame, early: pd.Series, rule: DerivedColumn, *, decimal: str
) -> pd.Series:
    column = f"raw {rule.column}"
    if rule.how == "band":
        text = rows[column].astype("string").str.replace(decimal, ".", regex=False)
        values = pd.to_numeric(text, errors="coerce")
        if values.isna().all():
            raise DataError(f"column {rule.column!r} holds no numbers to put into bands.")
        median = values[early].groupby(rows["series_id"][early]).median().dropna()
        return pd.Series(np.digitize(median, rule.edges), index=median.index).map("band {}".format)
    known = rows[early].dropna(subset=[column])
    if rule.how == "mode":
        counts = known.groupby(["series_id", column]).size().reset_index(name="count")
        ordered = counts.sort_values(["series_id", "count", column], ascending=[True, False, True])
        return ordered.groupby("series_id")[column].first()
    first = known.groupby("series_id")[column].first()
    return first.astype(str).str.split().str[-1] if rule.how == "last_word" else first


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
