"""Calendar features of a grid: where each period lies in its week, month and year, and holidays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from restock.errors import ConfigError, nearest
from restock.types.panel import FloatArray

# name -> (phase in [0, 1) of each timestamp)
PHASES: dict[str, Callable[[pd.DatetimeIndex], np.ndarray]] = {
    "hour": lambda t: np.asarray(t.hour / 24),
    "day": lambda t: np.asarray(t.day_of_week / 7),
    "day_of_month": lambda t: np.asarray((t.day - 1) / 31),
    "week": lambda t: np.asarray((t.day_of_year - 1) / 365.25),
    "month": lambda t: np.asarray((t.month - 1) / 12),
    "quarter": lambda t: np.asarray((t.quarter - 1) / 4),
}


def calendar_features(
    timestamps: pd.DatetimeIndex,
    names: tuple[str, ...],
    country: str | None,
    *,
    ends_periods: bool,
) -> dict[str, FloatArray]:
    """Return cyclic features and holiday counts for each period of a grid.

    Args:
        timestamps: Labels of consecutive periods. Length G.
        names: Which cycles, of :data:`PHASES`.
        country: Country code for public holidays, or None for no holiday features.
        ends_periods: Whether a label closes its period (weeks, month ends) or opens it.

    Returns:
        Arrays of shape ``(G,)`` by feature name. A cycle that the grid's frequency cannot move
        (the weekday of weekly data) is constant, which standardisation turns into zero.

    Raises:
        ConfigError: For an unknown cycle or country.
    """
    features: dict[str, FloatArray] = {}
    for name in names:
        if name not in PHASES:
            raise ConfigError(f"features.calendar: no cycle {name!r}. {nearest(name, PHASES)}")
        angle = 2 * np.pi * PHASES[name](timestamps)
        features[f"{name}_sin"], features[f"{name}_cos"] = np.sin(angle), np.cos(angle)
    if country is not None:
        count = _holiday_counts(timestamps, country, ends_periods)
        features["holidays"] = count
        features["holidays_next"] = np.append(count[1:], 0.0)
        features["holidays_before"] = np.insert(count[:-1], 0, 0.0)
    return features


def holiday_dates(country: str, years: range) -> dict[tuple[str, int], pd.Timestamp]:
    """Return the first day of each public holiday, by its name and year.

    Raises:
        ConfigError: For an unknown country.
    """
    found: dict[tuple[str, int], pd.Timestamp] = {}
    for day, names in sorted(_holidays(country, years).items()):
        for name in names.split("; "):
            found.setdefault((name, day.year), pd.Timestamp(day))
    return found


def _holidays(country: str, years: range) -> Mapping[date, str]:
    import holidays

    try:
        return holidays.country_holidays(country, years=years)
    except NotImplementedError as error:
        raise ConfigError(f"features.holidays: {error}") from None


def _holiday_counts(timestamps: pd.DatetimeIndex, country: str, ends_periods: bool) -> FloatArray:
    """Count the public holidays in each period."""
    years = range(timestamps[0].year - 1, timestamps[-1].year + 2)
    days = pd.DatetimeIndex(sorted(_holidays(country, years))).as_unit(timestamps.unit)
    if _first_gap(timestamps) < pd.Timedelta(days=1):  # every hour of a holiday
        return np.asarray(timestamps.normalize().isin(days), dtype=float)
    if ends_periods:  # the first label at or after the day
        place = np.searchsorted(np.asarray(timestamps), np.asarray(days), side="left")
        place = np.where(np.asarray(days) <= _first_start(timestamps), -1, place)
    else:  # the last label at or before the day
        place = np.searchsorted(np.asarray(timestamps), np.asarray(days), side="right") - 1
        place = np.where(np.asarray(days) >= _last_end(timestamps), -1, place)
    inside = (place >= 0) & (place < len(timestamps))
    return np.bincount(place[inside], minlength=len(timestamps)).astype(float)


def _first_start(timestamps: pd.DatetimeIndex) -> np.datetime64:
    """Return the label before the grid, judged by its first gap."""
    return np.asarray(timestamps - _first_gap(timestamps))[0]


def _last_end(timestamps: pd.DatetimeIndex) -> np.datetime64:
    """Return the label after the grid, judged by its first gap."""
    return np.asarray(timestamps + _first_gap(timestamps))[-1]


def _first_gap(timestamps: pd.DatetimeIndex) -> pd.Timedelta:
    return timestamps[1] - timestamps[0] if len(timestamps) > 1 else pd.Timedelta(days=1)
