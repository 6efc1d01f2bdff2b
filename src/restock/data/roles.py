"""Raw rows by role: each column that the settings name is read once, as its role needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from restock.data.categories import early_rows, given, indicators, is_text
from restock.data.dates import counted_years
from restock.data.frequency import Frequency
from restock.data.raw import RawTable, coded, joined, uncoded
from restock.errors import ConfigError, DataError
from restock.settings.folds import FoldSettings
from restock.settings.panel import ColumnSettings, PanelSettings, TimestampColumn

MOST_PERIODS = 200_000  # between two rows


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


def wanted_columns(settings: PanelSettings) -> tuple[str, ...] | None:
    """Return the columns of the table that are used; None if all are."""
    if settings.rules.drop_duplicate_rows:
        return None
    columns, rules = settings.columns, settings.rules
    names = [
        *columns.timestamp.columns,
        *columns.series,
        *columns.static,
        *number_columns(settings),
    ]
    names += [*rules.uppercase, *rules.keep_matching]
    names += [rule.column for rule in settings.derived_static.values()]
    if rules.cancellations is not None:
        names += [rules.cancellations.column, *rules.cancellations.match]
    return tuple(dict.fromkeys(names))


def number_columns(settings: PanelSettings) -> tuple[str, ...]:
    """Return the columns of the raw table that are read as numbers."""
    columns, rules = settings.columns, settings.rules
    names = [columns.demand.column, *columns.known_future, *columns.observed, *rules.keep_positive]
    names += [columns.in_stock] if columns.in_stock else []
    names += [rules.cancellations.quantity] if rules.cancellations else []
    names += [rule.column for rule in settings.derived_static.values() if rule.how == "band"]
    return tuple(dict.fromkeys(names))


def rows_by_role(
    raw: RawTable, settings: PanelSettings, frequency: Frequency, folds: FoldSettings | None
) -> Rows:
    """Rename columns by role, and read numbers and dates.

    Args:
        raw: Cleaned rows.
        settings: Which column has which role.
        frequency: Frequency of the grid.
        folds: How the panel will be cut into folds; None: it will not be.

    Raises:
        DataError: If a value cannot be used. The message names file, row and column.
    """
    columns = settings.columns
    stamps = timestamps(raw, columns.timestamp, frequency)
    demand = raw.numbers(columns.demand.column)
    if columns.demand.transform == "exp":
        demand = np.exp(demand)
    roles: dict[str, Any] = {
        "series_id": series_keys(raw, columns.series),
        "period": frequency.ordinals(stamps),
        "stamp": stamps,
        "demand": demand,
        "in_stock": raw.numbers(columns.in_stock) if columns.in_stock else np.ones(len(raw)),
    }
    for name in columns.observed:
        roles[f"number {name}"] = raw.numbers(name)
    ahead = _known_future(raw, columns.known_future, pd.DataFrame(_bare(roles)), folds)
    roles |= {f"number {name}": values for name, values in ahead.items()}
    columns = columns.model_copy(update={"known_future": tuple(ahead)})
    for name in columns.static:
        roles[f"static {name}"] = raw.keys(name) if name in columns.series else _ordered(raw, name)
    for derived in settings.derived_static.values():
        name = derived.column
        values = raw.numbers(name) if derived.how == "band" else _ordered(raw, name)
        roles[f"raw {derived.column} {derived.how}"] = values
    # From here on a row is identified by its position: row numbers repeat from file to file.
    table = pd.DataFrame(_bare(roles))
    table["_order"] = np.arange(len(table))
    return Rows(table, columns, frequency)


def _ordered(raw: RawTable, name: str) -> pd.Series:
    """Return a column; categories of text in their order."""
    values = raw.require(name)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return uncoded(*coded(values), values.index)
    return values


def _bare(columns: dict[str, Any]) -> dict[str, Any]:
    """Return columns without their index, which repeats."""
    return {
        name: values.array if isinstance(values, pd.Series) else values
        for name, values in columns.items()
    }


def _known_future(
    raw: RawTable, names: tuple[str, ...], roles: pd.DataFrame, folds: FoldSettings | None
) -> dict[str, Any]:
    """Read the columns that are known ahead; of text, one column for each frequent value."""
    found: dict[str, Any] = {}
    for name in names:
        shown = given(raw, name, names)
        if shown is not None:
            found[name] = shown
        elif is_text(raw, name):
            early = early_rows(roles, folds)
            found |= indicators(raw, name, roles["period"].to_numpy(), early)
        else:
            found[name] = raw.numbers(name)
    return found


def series_keys(raw: RawTable, columns: tuple[str, ...]) -> pd.Series:
    r"""Join the key columns by "/". A "/" in one of several keys is written as ``\/``."""
    parts = [raw.keys(column) for column in columns]
    return parts[0] if len(parts) == 1 else joined([_escaped(part) for part in parts], "/")


def _escaped(keys: pd.Series) -> pd.Series:
    code, texts = coded(keys)
    escaped = [str(text).replace("\\", "\\\\").replace("/", "\\/") for text in texts]
    return uncoded(code, np.array(escaped, dtype=object), keys.index)


def timestamps(raw: RawTable, column: TimestampColumn, frequency: Frequency) -> pd.Series:
    """Return the time of each row: a date, or the label of an integer period."""
    if column.start is None:
        stamps = raw.dates(column, within_days=frequency.within_days)
        if column.day_starts_at:
            if frequency.within_days:
                raise ConfigError(
                    "data.columns.timestamp.day_starts_at is for days and longer periods, but "
                    f"data.frequency is {frequency.period}."
                )
            stamps = stamps - pd.Timedelta(hours=column.day_starts_at)
        expected = "a business day (data.frequency=D takes every day)"
        raw.refuse("date", column.columns[0], ~frequency.covers(stamps), expected)
        return stamps
    numbered = raw.numbers(column.columns[0])
    wrong = numbered.isna() | (numbered % 1 != 0)
    wrong |= (numbered - numbered.median()).abs() > MOST_PERIODS
    raw.refuse("date", column.columns[0], wrong.to_numpy(), "an integer period")
    jump = counted_years(numbered.to_numpy())
    if jump:
        raise DataError(f"column {column.name!r} does not count periods: it holds {jump}")
    try:
        start = pd.Series([pd.Timestamp(column.start)])
    except ValueError:
        raise ConfigError(
            f"data.columns.timestamp.start: {column.start!r} is not a date. Give the date of "
            "period 0, such as 2009-12-06."
        ) from None
    first = int(frequency.ordinals(start)[0])
    if wrong.all():
        return pd.Series(pd.NaT, index=numbered.index, dtype="datetime64[s]")
    period = numbered.where(~wrong, numbered.min()).astype("int64") + first
    base = int(period.min())
    labels = frequency.labels(base, int(period.max()) - base + 1)
    return pd.Series(labels[(period - base).to_numpy()], index=raw.rows.index)
