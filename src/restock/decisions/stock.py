"""The optional stock table: units on hand, on order and in backorders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restock.data.read import read_table
from restock.errors import DataError
from restock.settings.source import TableForm
from restock.types.panel import FloatArray

COLUMNS = ("series_id", "on_hand", "on_order", "backorders")


def read_positions(path: Path, form: TableForm, series_id: np.ndarray) -> FloatArray:
    """Return on_hand + on_order - backorders per series; NaN for a series not in the table.

    Args:
        path: The table.
        form: How it is written.
        series_id: The series. Shape ``(N,)``.

    Raises:
        DataError: If there is no such table, a column is missing, a value is not a number or a
            series is there twice.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file. Check inventory.stock_path.")
    try:
        table = read_table(path, form, wanted=COLUMNS, numbers=COLUMNS[1:])
        position = table.numbers("on_hand")
        for column, sign in (("on_order", 1), ("backorders", -1)):
            position = position + sign * table.numbers(column).fillna(0.0)
        names = table.keys("series_id")
    except DataError as error:
        hint = str(error).replace("data.source.", "inventory.stock_form.")
        raise DataError(
            f"inventory.stock_path: {hint} A stock table has the columns {', '.join(COLUMNS)}; a "
            "cell of the last two may be empty."
        ) from None
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise DataError(f"{path.name}: series {twice!r} has more than one row; expected one.")
    return np.asarray(position.set_axis(names).reindex(series_id), dtype=float)
