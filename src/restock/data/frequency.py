"""The regular grid of periods: the known frequencies, and the period of a timestamp."""

from __future__ import annotations

from dataclasses import dataclass

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

    def ordinals(self, timestamps: pd.Series) -> IntArray:
        """Return each timestamp's period number; consecutive periods differ by one."""
        return timestamps.dt.to_period(self.period).astype("int64").to_numpy()

    def labels(self, first: int, num_steps: int) -> pd.DatetimeIndex:
        """Return the labels of consecutive periods: a week's last day, a month's first or last."""
        start = pd.Period(ordinal=first, freq=self.period)
        periods = pd.period_range(start, periods=num_steps, freq=self.period)
        at_end = self.label.startswith("W") or self.label.endswith("E")
        stamps = periods.to_timestamp(how="end" if at_end else "start")
        return pd.DatetimeIndex(stamps.normalize() if self.label != "h" else stamps).as_unit("s")

    def ends_at(self, ordinal: int) -> pd.Timestamp:
        """Return the last day of a period."""
        return pd.Period(ordinal=ordinal, freq=self.period).end_time.normalize()
