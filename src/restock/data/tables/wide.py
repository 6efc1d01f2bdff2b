"""Wide tables: a column for each period, whose name is its date."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from restock.data.dates import read_dates
from restock.errors import DataError


@dataclass(frozen=True)
class Wide:
    """How a wide table becomes a long one.

    Attributes:
        keys: The columns that are no periods.
        timestamp: The column that the names of the periods go to.
        demand: The column that the cells go to.
        pattern: How the names are written; None: it is found out.
    """

    keys: tuple[str, ...]
    timestamp: str
    demand: str
    pattern: str | None


def periods_among(names: Collection[str], pattern: str | None) -> list[str]:
    """Return the column names that are dates."""
    texts = np.array(list(names), dtype=object)
    if not len(texts):
        return []
    try:
        stamps = read_dates(texts, pattern, None, "the names of the columns").stamps
    except DataError:  # days and months could be swapped
        return list(names)
    return [name for name, known in zip(names, stamps.notna(), strict=True) if known]


def unpivoted(name: str, table: pd.DataFrame, wide: Wide) -> tuple[pd.DataFrame, list[str]]:
    """Return one row for each row and period of a wide table; and the columns left out.

    Raises:
        DataError: If no column name is a date.
    """
    others = [column for column in table.columns if column not in wide.keys]
    periods = periods_among(others, wide.pattern)
    if not periods:
        raise DataError(
            f"{name}: data.columns.wide is true, but no column name is a date (there are "
            f"{', '.join(others[:5])}). Set data.columns.timestamp.format, or wide: false."
        )
    keys = [column for column in wide.keys if column in table.columns]
    long = table.melt(keys, periods, wide.timestamp, wide.demand, ignore_index=False)
    return long, sorted(set(others) - set(periods))
