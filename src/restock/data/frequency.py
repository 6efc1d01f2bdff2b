"""The regular grid of periods: which frequencies there are and where a timestamp falls."""

from __future__ import annotations

import pandas as pd

from restock.errors import ConfigError, nearest
from restock.types.panel import IntArray

# Alias a user writes -> (period alias, label alias). Labels are what `pandas.date_range` makes.
_WEEKS = {
    f"W-{day}": (f"W-{day}", f"W-{day}")
    for day in ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
}
FREQUENCIES = {
    "h": ("h", "h"),
    "D": ("D", "D"),
    "W": ("W-SUN", "W-SUN"),
    **_WEEKS,
    "M": ("M", "MS"),
    "MS": ("M", "MS"),
    "ME": ("M", "ME"),
    "Q": ("Q", "QS"),
    "QS": ("Q", "QS"),
    "QE": ("Q", "QE"),
    "Y": ("Y", "YS"),
    "YS": ("Y", "YS"),
    "YE": ("Y", "YE"),
}


def check(frequency: str) -> str:
    """Return the frequency if it is known.

    Raises:
        ConfigError: Naming the known ones.
    """
    if frequency not in FREQUENCIES:
        raise ConfigError(
            f"data.frequency: unknown {frequency!r}. {nearest(frequency, FREQUENCIES)}"
        )
    return frequency


def label_alias(frequency: str) -> str:
    """Return the pandas alias that steps along the labels of a frequency."""
    return FREQUENCIES[check(frequency)][1]


def ordinals(timestamps: pd.Series, frequency: str) -> IntArray:
    """Return each timestamp's period number; consecutive periods differ by one."""
    periods = timestamps.dt.to_period(FREQUENCIES[check(frequency)][0])
    return periods.astype("int64").to_numpy()


def labels(first: int, num_steps: int, frequency: str) -> pd.DatetimeIndex:
    """Return the labels of consecutive periods: a week's last day, a month's first or last."""
    period_alias, label = FREQUENCIES[check(frequency)]
    periods = pd.period_range(
        pd.Period(ordinal=first, freq=period_alias), periods=num_steps, freq=period_alias
    )
    at_end = label.startswith("W") or label.endswith("E")
    stamps = periods.to_timestamp(how="end" if at_end else "start")
    return pd.DatetimeIndex(stamps.normalize() if label != "h" else stamps).as_unit("s")


def ends_at(ordinal: int, frequency: str) -> pd.Timestamp:
    """Return the last day of a period."""
    return pd.Period(ordinal=ordinal, freq=FREQUENCIES[frequency][0]).end_time.normalize()
