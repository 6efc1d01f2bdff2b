"""Periods without a row: closed days, and tables in which no row means no sale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.data.raw import RawTable
from restock.errors import ConfigError, DataError
from restock.settings.frequency import WEEKDAYS
from restock.settings.panel import PanelSettings
from restock.types.panel import BoolArray, FloatArray

WEEKS = 4  # so often a weekday must come to be called closed
MANY, HARDLY_ANY, ENOUGH = 0.3, 0.005, 50
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def closed_weekdays(
    rows: BoolArray,
    days: pd.DatetimeIndex,
    frequency: str,
    settings: PanelSettings,
    raw: RawTable,
) -> tuple[int, ...]:
    """Return the weekdays on which nothing is sold: those said, and those without any row.

    Args:
        rows: Whether any series has a row in a period, demand known or not. Length T.
        days: Labels of the periods. Length T.
        frequency: Frequency of the grid; other than of days, no weekday is closed.
        settings: The weekdays that are said.
        raw: The table, which is told what was found.

    Raises:
        ConfigError: If weekdays are said for periods other than days.
    """
    if frequency != "D":
        if settings.closed:
            raise ConfigError(f"data.closed is for daily data, but data.frequency is {frequency}.")
        return ()
    weekday, said = days.day_of_week.to_numpy(), [WEEKDAYS.index(day) for day in settings.closed]
    counts = np.bincount(weekday, minlength=7)
    found = (np.bincount(weekday[rows], minlength=7) == 0) & (counts >= WEEKS)
    found[said] = False
    if found.any() and not found.all():
        names = ", ".join(DAYS[day] for day in np.flatnonzero(found))
        raw.say(
            "closed",
            f"closed on {names}: no series has a row on {int(counts[found].sum())} such days; "
            "demand there is 0, in forecasts as well (data.frequency=B leaves weekends out)",
        )
        said += np.flatnonzero(found).tolist()
    return tuple(sorted(said))


def fill_gaps(
    demand: FloatArray,
    rows: BoolArray,
    shut: BoolArray,
    missing: str | None,
    raw: RawTable,
) -> FloatArray:
    """Fill periods without a row as the policy says; closed days have no demand.

    Args:
        demand: Demand; NaN where it is unknown or there is no row. Shape ``(N, T)``.
        rows: Whether a series has a row in a period: unknown demand of a row stays unknown.
            Shape ``(N, T)``.
        shut: Whether all are closed in a period. Length T.
        missing: The policy of the settings; None: none was chosen.
        raw: The table, which is told what was found.

    Raises:
        DataError: If no policy was chosen and a period without a row looks like one without demand.
    """
    begun = np.logical_or.accumulate(np.isfinite(demand), axis=1)
    if missing in ("zero", "zero_from_start"):
        return np.where((begun | (missing == "zero_from_start")) & ~rows, 0.0, demand)
    ended = np.logical_or.accumulate(np.isfinite(demand)[:, ::-1], axis=1)[:, ::-1]
    lived = begun & ended
    _check_gaps(demand[:, ~shut], lived[:, ~shut], missing, raw)
    return np.where(shut & lived & ~rows, 0.0, demand)


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
