"""Periods without a row: closed days, and tables in which no row means no sale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.data.raw import RawTable
from restock.errors import DataError
from restock.settings.frequency import WEEKDAYS
from restock.settings.panel import PanelSettings
from restock.types.panel import BoolArray, FloatArray

WEEKS = 4  # so often a weekday must come to be called closed
MANY, HARDLY_ANY, ENOUGH = 0.3, 0.005, 50
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def fill_gaps(
    demand: FloatArray,
    timestamps: pd.DatetimeIndex,
    frequency: str,
    settings: PanelSettings,
    raw: RawTable,
) -> FloatArray:
    """Fill periods without a row as the settings say; days on which all are closed have no demand.

    Args:
        demand: Demand; NaN where there is no row. Shape ``(N, T)``.
        timestamps: Labels of the periods. Length T.
        frequency: Frequency of the grid.
        settings: The policy for missing periods, and weekdays that are closed.
        raw: The table, which is told what was found.

    Raises:
        DataError: If no policy was chosen and a period without a row looks like one without demand.
    """
    seen = np.isfinite(demand)
    begun = np.logical_or.accumulate(seen, axis=1)
    lived = begun & np.logical_or.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    closed, missing = np.zeros(len(timestamps), dtype=bool), settings.missing
    if frequency == "D":
        said = [WEEKDAYS.index(day) for day in settings.closed]
        closed = _closed_days(np.asarray(seen.any(axis=0)), timestamps, said, raw)
    if missing in (None, "mask"):
        _check_gaps(demand[:, ~closed], lived[:, ~closed], missing, raw)
        return np.where(closed & lived & ~seen, 0.0, demand)
    return np.where((begun | (missing == "zero_from_start")) & ~seen, 0.0, demand)


def _closed_days(
    open_days: BoolArray, days: pd.DatetimeIndex, said: list[int], raw: RawTable
) -> BoolArray:
    """Return the days of closed weekdays: those said, and those without any row. Length T."""
    weekday = days.day_of_week.to_numpy()
    counts = np.bincount(weekday, minlength=7)
    closed = (np.bincount(weekday[open_days], minlength=7) == 0) & (counts >= WEEKS)
    closed[said] = False
    if not closed.any() or closed.all():
        return np.isin(weekday, said)
    names = ", ".join(DAYS[day] for day in np.flatnonzero(closed))
    raw.say(
        "closed",
        f"closed on {names}: no series has a row on {int(counts[closed].sum())} such days; demand "
        "there is 0 (data.frequency=B leaves weekends out)",
    )
    return closed[weekday] | np.isin(weekday, said)


def _check_gaps(demand: FloatArray, lived: BoolArray, missing: str | None, raw: RawTable) -> None:
    """Refuse a table in which a period without a sale seems to have no row.

    Taken for unknown, such periods would make forecasts many times too high.
    """
    values = demand[np.isfinite(demand)]
    gaps = 1 - len(values) / max(int(lived.sum()), 1)
    zeros = float((values == 0).mean())
    whole = bool((values % 1 == 0).all())
    if lived.sum() < ENOUGH or gaps < MANY or zeros > HARDLY_ANY or not whole:
        return
    said = (
        f"{gaps:.0%} of the periods between the first and the last row of a series have no row, "
        f"and only {zeros:.1%} of the rows have no demand: a period without a sale seems to have "
        "no row"
    )
    if missing is None:
        raise DataError(
            f"{said}. Set data.missing: `zero` if it means no sale after a series' first row, "
            "`zero_from_start` if also before, `mask` if demand is unknown there."
        )
    raw.say("gaps", f"{said}; data.missing=mask takes them as unknown, not as 0")
