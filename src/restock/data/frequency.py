"""The regular grid of periods: the known frequencies, and the period of a timestamp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from restock.errors import ConfigError, nearest
from restock.settings.frequency import MINUTES, WEEKDAYS
from restock.types.panel import BoolArray, IntArray

# Alias a user writes -> (period alias, label alias). Labels are what `pandas.date_range` makes.
FREQUENCIES = {
    **{minutes: (minutes, minutes) for minutes in MINUTES},
    "h": ("h", "h"),
    "B": ("B", "B"),
    "D": ("D", "D"),
    "W": ("W-SUN", "W-SUN"),
    **{f"W-{day}": (f"W-{day}", f"W-{day}") for day in WEEKDAYS},
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
FIRST_MONDAY = np.datetime64("1970-01-05")


@dataclass(frozen=True)
class Frequency:
    """The frequency of a grid: the period that a timestamp is in, and the labels of periods.

    Attributes:
        period: pandas alias of the periods.
        label: pandas alias of their labels.
    """

    period: str
    label: str

    @classmethod
    def of(cls, alias: str) -> Frequency:
        """Return the frequency of an alias from the settings.

        Raises:
            ConfigError: If it is not known. The message names similar ones.
        """
        if alias not in FREQUENCIES:
            raise ConfigError(f"data.frequency: unknown {alias!r}. {nearest(alias, FREQUENCIES)}")
        return cls(*FREQUENCIES[alias])

    @property
    def within_days(self) -> bool:
        """Whether a period is shorter than a day."""
        return self.period in (*MINUTES, "h")

    def covers(self, timestamps: pd.Series) -> BoolArray:
        """Return which timestamps lie in a period at all: no weekend does on business days."""
        if self.period != "B":
            return np.ones(len(timestamps), dtype=bool)
        return ~np.asarray(timestamps.dt.day_of_week >= 5, dtype=bool)

    def ordinals(self, timestamps: pd.Series) -> IntArray:
        """Return each timestamp's period number; consecutive periods differ by one."""
        if self.period in MINUTES:
            minutes = timestamps.to_numpy().astype("datetime64[m]").astype("int64")
            return minutes // int(self.period.removesuffix("min"))
        if self.period == "B":
            days = (timestamps.to_numpy().astype("datetime64[D]") - FIRST_MONDAY).astype("int64")
            return days // 7 * 5 + np.minimum(days % 7, 4)
        return timestamps.dt.to_period(self.period).astype("int64").to_numpy()

    def labels(self, first: int, num_steps: int) -> pd.DatetimeIndex:
        """Return the labels of consecutive periods: a week's last day, a month's first or last."""
        if self.period in (*MINUTES, "B"):
            start = self._start(first)
            return pd.date_range(start, periods=num_steps, freq=self.label).as_unit("s")
        opening = pd.Period(ordinal=first, freq=self.period)
        periods = pd.period_range(opening, periods=num_steps, freq=self.period)
        at_end = self.label.startswith("W") or self.label.endswith("E")
        stamps = periods.to_timestamp(how="end" if at_end else "start")
        return pd.DatetimeIndex(stamps.normalize() if self.label != "h" else stamps).as_unit("s")

    def _start(self, ordinal: int) -> pd.Timestamp:
        """Return the first moment of a period of minutes, or of a business day."""
        if self.period == "B":
            day = FIRST_MONDAY + np.timedelta64(ordinal // 5 * 7 + ordinal % 5, "D")
            return pd.Timestamp(day)
        minutes = int(self.period.removesuffix("min"))
        return pd.Timestamp(np.datetime64(ordinal * minutes, "m"))

    def ends_at(self, ordinal: int) -> pd.Timestamp:
        """Return the last day of a period."""
        if self.period in (*MINUTES, "B"):
            return self._start(ordinal).normalize()
        return pd.Period(ordinal=ordinal, freq=self.period).end_time.normalize()
