"""Text that is known ahead, such as the name of a promotion: a column of 0 and 1 for each value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.data.numbers import read_numbers
from restock.data.raw import RawTable, coded
from restock.settings.folds import FoldSettings
from restock.types.panel import BoolArray, FloatArray

MOST = 20  # values with a column of their own
OFTEN = 3  # periods in which a value must occur: of a rarer one nothing can be learned
OTHER = "other"


def is_text(raw: RawTable, column: str) -> bool:
    """Say whether a column holds names: no cell of it is a number."""
    values = raw.require(column)
    if values.dtype.kind in "biufM":
        return False
    _, texts = coded(values)
    numbers, _, missing = read_numbers(texts, raw.style)
    return not missing.all() and not np.isfinite(numbers).any()


def indicators(
    raw: RawTable, column: str, periods: np.ndarray, early: BoolArray
) -> dict[str, FloatArray]:
    """Return a column of 0 and 1 for each frequent value, and one for all others.

    An empty cell is none of them. Which values are frequent is counted in early rows alone, so
    that nothing about a test is known.

    Args:
        raw: The table.
        column: A column of text.
        periods: Period of each row. Shape ``(R,)``.
        early: Rows before every origin. Shape ``(R,)``.

    Returns:
        Columns by name, ``column=value``. Each has the shape ``(R,)``.
    """
    values = raw.require(column).astype("str").str.strip().reset_index(drop=True)
    empty = int(values.isna().sum())
    counted = pd.DataFrame({"value": values, "period": periods})[early].dropna().drop_duplicates()
    often = counted["value"].value_counts()
    often = often[often >= OFTEN].sort_index().sort_values(ascending=False, kind="stable")
    chosen = sorted(often.index.drop(OTHER, errors="ignore")[:MOST])
    columns = {f"{column}={value}": _flags(values == value) for value in chosen}
    rest = values.notna() & ~values.isin(chosen)
    columns[f"{column}={OTHER}"] = _flags(rest)
    others = values[rest].nunique()
    said = f"column {column!r}: text, read as {', '.join(map(repr, chosen)) or 'no frequent value'}"
    said += f" and {others} rarer values as one" if others else ""
    said += f"; {empty} empty cells are none of them" if empty else ""
    raw.say(f"{column} text", said)
    return columns


def given(raw: RawTable, name: str, siblings: tuple[str, ...]) -> FloatArray | None:
    """Return the column ``column=value`` of a table that has the text; None if it has not."""
    column, sign, value = name.partition("=")
    if not sign or name in raw.columns or column not in raw.columns:
        return None
    values = raw.require(column).astype("str").str.strip()
    if value != OTHER:
        return _flags(values == value)
    named = [one.partition("=")[2] for one in siblings if one.startswith(f"{column}=")]
    known = [value for value in named if value != OTHER]
    return _flags(values.notna() & ~values.isin(known))


def _flags(mask: pd.Series) -> FloatArray:
    return np.asarray(mask.fillna(False), dtype=np.float64)


def early_rows(table: pd.DataFrame, folds: FoldSettings | None) -> BoolArray:
    """Return which rows lie before every origin of their series. Shape ``(R,)``.

    Args:
        table: Rows with ``series_id``, ``period`` and ``demand``.
        folds: How the panel will be cut; None: it will not be.
    """
    period = table["period"].to_numpy()
    if folds is None:
        return np.ones(len(table), dtype=bool)
    sold = table[table["demand"].notna()]
    ends = np.full(len(table), sold["period"].max())
    if folds.align == "series_end":
        last = sold.groupby("series_id", observed=True)["period"].max()
        ends = table["series_id"].astype(object).map(last).fillna(sold["period"].max()).to_numpy()
    tested = folds.horizon + (folds.num_folds - 1) * folds.stride
    return period <= ends - tested - folds.num_tuning_folds * folds.horizon
