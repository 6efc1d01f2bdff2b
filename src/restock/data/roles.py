"""Raw rows by role: each column that the settings name is read once, as its role needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from restock.data.columns import dates, located_row, numbers, require
from restock.data.frequency import Frequency
from restock.errors import ConfigError, DataError
from restock.settings.panel import ColumnSettings, PanelSettings


@dataclass(frozen=True)
class Rows:
    """Rows of a table by role.

    Attributes:
        table: Columns ``series_id``, ``period`` (its number), ``stamp``, ``demand``, ``in_stock``;
            then ``number NAME``, ``static NAME`` and ``raw NAME`` (for derived static columns).
            Because of the prefixes, a user's column may be called "period", too. ``_order`` is
            the position of a row in the cleaned table.
        columns: Which column has which role.
        frequency: Frequency of the grid.
    """

    table: pd.DataFrame
    columns: ColumnSettings
    frequency: Frequency

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the numeric columns besides demand."""
        return (*self.columns.known_future, *self.columns.observed)

    def with_table(self, table: pd.DataFrame) -> Rows:
        """Return the same roles with other rows."""
        return replace(self, table=table)


def rows_by_role(raw: pd.DataFrame, settings: PanelSettings, frequency: Frequency) -> Rows:
    """Rename columns by role, and read numbers and dates.

    Args:
        raw: Cleaned rows.
        settings: Which column has which role.
        frequency: Frequency of the grid.

    Raises:
        DataError: If a value cannot be used. The message names file, row and column.
    """
    columns, decimal = settings.columns, settings.table.decimal
    for key in (*columns.series, *columns.static):
        require(raw, key)
    stamps = _timestamps(raw, columns, frequency)
    demand = numbers(raw, columns.demand.column, decimal=decimal)
    if columns.demand.transform == "exp":
        demand = np.exp(demand)
    roles: dict[str, Any] = {
        "series_id": _keys(raw, columns.series),
        "period": frequency.ordinals(stamps),
        "stamp": stamps,
        "demand": _not_negative(demand, raw, columns.demand.column, settings.negative),
        "in_stock": numbers(raw, columns.in_stock, decimal=decimal)
        if columns.in_stock
        else pd.Series(1.0, index=raw.index),
    }
    for name in (*columns.known_future, *columns.observed):
        roles[f"number {name}"] = numbers(raw, name, decimal=decimal)
    for name in columns.static:
        roles[f"static {name}"] = raw[name]
    for derived in settings.derived_static.values():
        require(raw, derived.column)
        roles[f"raw {derived.column}"] = raw[derived.column]
    # From here on a row is identified by its position: row numbers repeat from file to file.
    table = pd.DataFrame({name: np.asarray(values) for name, values in roles.items()})
    table["_order"] = np.arange(len(table))
    return Rows(table, columns, frequency)


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


def _timestamps(table: pd.DataFrame, columns: ColumnSettings, frequency: Frequency) -> pd.Series:
    column = columns.timestamp
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
            f"data.columns.timestamp.start: {column.start!r} is not a date. Give the date of "
            "period 0, such as 2009-12-06."
        ) from None
    first = int(frequency.ordinals(start)[0])
    period = numbered.astype("int64") + first
    base = int(period.min())
    labels = frequency.labels(base, int(period.max()) - base + 1)
    return pd.Series(labels[(period - base).to_numpy()], index=table.index)


def _not_negative(demand: pd.Series, table: pd.DataFrame, column: str, policy: str) -> pd.Series:
    negative = demand < 0
    if not negative.any():
        return demand
    if policy == "reject":
        first = int(np.flatnonzero(negative)[0])
        raise DataError(
            f"{located_row(table, first)}, column {column!r}: negative "
            f"demand {demand.iloc[first]:g} ({int(negative.sum())} in all). Set data.negative to "
            "clip or keep_missing, or fix the table."
        )
    return demand.mask(negative, 0.0 if policy == "clip" else np.nan)
