"""The optional stock table: units on hand, on order and in backorders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restock.data.columns import numbers
from restock.data.tables import read_table
from restock.errors import DataError
from restock.settings.panel import TableForm
from restock.types.panel import FloatArray

COLUMNS = ("series_id", "on_hand", "on_order", "backorders")


def read_positions(path: Path, series_id: np.ndarray) -> FloatArray:
    """Return on_hand + on_order - backorders per series; NaN for a series not in the table.

    Raises:
        DataError: If there is no such table, a column is missing, a value is not a number or a
            series is there twice.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file. Check inventory.stock_path.")
    table = read_table(path, TableForm())
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise DataError(
            f"{path.name}: no column {', '.join(missing)}. A stock table has the columns "
            f"{', '.join(COLUMNS)}; a cell of the last two may be empty."
        )
    position = numbers(table, "on_hand")
    for column, sign in (("on_order", 1), ("backorders", -1)):
        position = position + sign * numbers(table, column).fillna(0.0)
    names = table["series_id"].astype(str)
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise DataError(f"{path.name}: series {twice!r} has more than one row; expected one.")
    return np.asarray(position.set_axis(names).reindex(series_id), dtype=float)
