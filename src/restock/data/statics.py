"""Static columns of a panel: given ones, and ones derived from each series' first periods."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.data.folds import earliest_origins
from restock.data.roles import Rows
from restock.errors import DataError
from restock.settings.folds import FoldSettings
from restock.settings.panel import DerivedColumn, PanelSettings
from restock.types.panel import DemandPanel, IntArray


def given_columns(rows: Rows) -> dict[str, pd.Series]:
    """Return the static columns of the table by name, each indexed by series."""
    by_series = rows.table.groupby("series_id", sort=True, observed=True)
    return {
        name: _given(_plain(by_series[f"static {name}"].first()), name, rows.columns.series)
        for name in rows.columns.static
    }


def known_until(
    panel: DemandPanel, rows: Rows, num_periods: int, folds: FoldSettings | None
) -> IntArray:
    """Return the last position that each series' derived columns are read from. Shape ``(N,)``.

    These are a series' first periods, but none after one of its origins: a later price or country
    would be knowledge of the future.
    """
    periods = rows.table.groupby("series_id", observed=True)["period"]
    begin = periods.min().loc[list(panel.series_id)].to_numpy()
    until = begin - rows.table["period"].min() + num_periods - 1
    return until if folds is None else np.minimum(until, earliest_origins(panel, folds))


def derived_columns(rows: Rows, until: IntArray, settings: PanelSettings) -> dict[str, pd.Series]:
    """Return the derived static columns by name, each indexed by series.

    No period after a series' position in ``until`` is read.
    """
    table = rows.table
    position = table["period"] - table["period"].min()
    series = table["series_id"].cat.remove_unused_categories().cat.codes.to_numpy()
    early = position <= until[series]
    return {name: _derive(table, early, rule) for name, rule in settings.derived_static.items()}


def _plain(column: pd.Series) -> pd.Series:
    """Return text as it is: one value a series needs no codes."""
    coded = isinstance(column.dtype, pd.CategoricalDtype)
    return column.astype("str") if coded else column


def _given(column: pd.Series, name: str, keys: tuple[str, ...]) -> pd.Series:
    """Keep key columns as text, even if they are numbers: store 2 is not twice store 1."""
    return column.astype(str) if name in keys else _typed(column)


def _typed(column: pd.Series) -> pd.Series:
    """Turn a column into numbers if every value is a number: cells of a CSV are text."""
    values = pd.to_numeric(column, errors="coerce")
    return values.astype(float) if values.notna().sum() == column.notna().sum() else column


def _derive(rows: pd.DataFrame, early: pd.Series, rule: DerivedColumn) -> pd.Series:
    column = f"raw {rule.column} {rule.how}"
    if rule.how == "band":
        values = rows[column]
        if values.isna().all():
            raise DataError(f"column {rule.column!r} holds no numbers to put into bands.")
        median = values[early].groupby(rows["series_id"][early], observed=True).median().dropna()
        return pd.Series(np.digitize(median, rule.edges), index=median.index).map("band {}".format)
    known = rows[early].dropna(subset=[column])
    if rule.how == "mode":
        counts = (
            known.groupby(["series_id", column], observed=True).size().reset_index(name="count")
        )
        ordered = counts.sort_values(["series_id", "count", column], ascending=[True, False, True])
        return _plain(ordered.groupby("series_id", observed=True)[column].first())
    first = _plain(known.groupby("series_id", observed=True)[column].first())
    return first.astype(str).str.split().str[-1] if rule.how == "last_word" else first
