"""Read one column in its role. An error names the file, the column, the row and the value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.errors import DataError, nearest


def require(table: pd.DataFrame, column: str) -> None:
    """Refuse a table that lacks the column.

    Raises:
        DataError: If there is no such column. The message names the file and similar columns.
    """
    if column not in table.columns:
        known = [str(name) for name in table.columns if name != "__file__"]
        file = table["__file__"].iloc[0] if len(table) else "the table"
        raise DataError(f"{file}: no column {column!r}. {nearest(column, known)}")


def numbers(table: pd.DataFrame, column: str, *, decimal: str = ".") -> pd.Series:
    """Return a column as float64; empty cells become NaN.

    Raises:
        DataError: If a cell holds text or an infinite number.
    """
    require(table, column)
    raw = table[column]
    text = raw if raw.dtype.kind in "biuf" else raw.astype("string")
    if decimal != "." and text.dtype == "string":
        text = text.str.replace(decimal, ".", regex=False)
    values = pd.to_numeric(text, errors="coerce").astype("float64")
    wrong = (values.isna() & raw.notna()) | np.isinf(values)
    if wrong.any():
        raise DataError(_located(table, column, wrong, "a finite number"))
    return values


def dates(table: pd.DataFrame, column: str, *, pattern: str) -> pd.Series:
    """Return a column as timestamps without a time zone.

    Raises:
        DataError: If a cell is empty or is not a date.
    """
    require(table, column)
    raw = table[column]
    if raw.dtype.kind == "M":
        values = raw
    elif raw.dtype.kind in "iuf":
        raise DataError(
            f"{table['__file__'].iloc[0]}: column {column!r} holds numbers, expected dates. For "
            "integer periods, write timestamp: {column: ..., start: <date of period 0>}."
        )
    else:
        try:
            values = pd.to_datetime(raw, errors="coerce", format=pattern)
        except ValueError as error:
            raise DataError(
                f"{table['__file__'].iloc[0]}: column {column!r} cannot be read as dates by "
                f"{pattern!r}: {error}"
            ) from None
    if values.isna().any():
        raise DataError(_located(table, column, values.isna(), f"a date ({pattern})"))
    return values.dt.tz_localize(None) if values.dt.tz is not None else values


def _located(table: pd.DataFrame, column: str, wrong: pd.Series, expected: str) -> str:
    rows = np.flatnonzero(wrong.to_numpy())
    first = rows[0]
    file, row, value = table["__file__"].iloc[first], table.index[first], table[column].iloc[first]
    shown = "is empty" if pd.isna(value) else f"holds {value!r}"
    others = f" ({len(rows) - 1} more like it)" if len(rows) > 1 else ""
    return f"{file}: row {row}, column {column!r} {shown}, expected {expected}{others}."


def located_row(table: pd.DataFrame, position: int) -> str:
    """Say where a row came from."""
    return f"{table['__file__'].iloc[position]}: row {table.index[position]}"
