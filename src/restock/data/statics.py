"""Static columns of a panel: given ones, and ones derived from each series' first periods."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.data.folds import earliest_origins
from restock.data.numbers import read_numbers
from restock.data.raw import RawTable
from restock.data.roles import Rows
from restock.errors import DataError
from restock.settings.folds import FoldSettings
from restock.settings.panel import DerivedColumn, PanelSettings
from restock.types.panel import DemandPanel, IntArray


def given_columns(rows: Rows, raw: RawTable) -> dict[str, pd.Series]:
    """Return the static columns of the table by name, each indexed by series.

    Of a column with several values the first is taken, and it is said.
    """
    by_series = rows.table.groupby("series_id", sort=True, observed=True)
    found: dict[str, pd.Series] = {}
    for name in rows.columns.static:
        values = by_series[f"static {name}"]
        several = values.nunique() > 1
        if several.any():
            raw.say(
                f"{name} varies",
                f"column {name!r}: {int(several.sum())} series, such as "
                f"{several.index[several][0]!r}, have more than one value; the first is taken",
            )
        first = _plain(values.first())
        found[name] = first.astype(str) if name in rows.columns.series else _typed(first, raw)
    return found


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


def _typed(column: pd.Series, raw: RawTable) -> pd.Series:
    """Turn a column into numbers if every value is a number: cells of a CSV are text.

    Key columns stay text: store 2 is not twice store 1.
    """
    if column.dtype.kind in "biuf":
        return column.astype(float)
    texts = column.fillna("").astype(str).to_numpy(dtype=object)
    numbers, unread, _ = read_numbers(texts, raw.style)
    digits = [any(sign.isdigit() for sign in text) for text in texts]  # "yes" is no number
    known = column.notna().to_numpy()
    if (np.isfinite(numbers) & digits)[known].all() and not unread[known].any():
        return pd.Series(np.where(known, numbers, np.nan), index=column.index)
    return column


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
