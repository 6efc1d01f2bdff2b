"""Lead-time demand: the distribution of *total* demand over an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restock.errors import ConfigError
from restock.types.forecast import DemandForecast
from restock.types.panel import FloatArray


@dataclass(frozen=True)
class LeadTimeDemand:
    """Total demand of N series over an interval, as quantiles. Made from totals only.

    Between levels the quantile function is linear; beyond the last level it goes on along its
    last slope on the scale of an exponential tail, and below the first it falls linearly to zero.

    Attributes:
        levels: Quantile levels, rising. Shape ``(Q,)``.
        totals: Total demand in units. Shape ``(N, Q)``.
        num_periods: Periods the total covers.
    """

    levels: FloatArray
    totals: FloatArray
    num_periods: int

    @classmethod
    def from_forecast(cls, forecast: DemandForecast, num_periods: int) -> LeadTimeDemand:
        """Read the running total after ``num_periods`` periods.

        Raises:
            ConfigError: If the forecast does not reach that far.
        """
        check_reach(num_periods, forecast.cumulative.shape[1])
        return cls(forecast.levels, forecast.cumulative[:, num_periods - 1], num_periods)

    def quantile(self, level: float) -> FloatArray:
        """Return the total that demand stays at or below with probability ``level``. ``(N,)``."""
        return self._quantiles(np.array([level]))[:, 0]

    def mean(self) -> FloatArray:
        """Return expected total demand, in units. Shape ``(N,)``."""
        return self._quantiles(MIDPOINTS).mean(axis=1)

    def expected_shortage(self, stock: FloatArray) -> FloatArray:
        """Return E[(demand - stock)+], in units. ``stock`` has shape ``(N,)``."""
        return np.maximum(self._quantiles(MIDPOINTS) - stock[:, None], 0.0).mean(axis=1)

    def expected_leftover(self, stock: FloatArray) -> FloatArray:
        """Return E[(stock - demand)+], in units. ``stock`` has shape ``(N,)``."""
        return np.maximum(stock[:, None] - self._quantiles(MIDPOINTS), 0.0).mean(axis=1)

    def _quantiles(self, wanted: FloatArray) -> FloatArray:
        """Interpolate each row's quantile function at levels ``(W,)``. Shape ``(N, W)``."""
        levels = np.concatenate([[0.0], self.levels])
        totals = np.concatenate([np.zeros((len(self.totals), 1)), self.totals], axis=1)
        inside = np.minimum(wanted, levels[-1])
        high = np.clip(np.searchsorted(levels, inside), 1, len(levels) - 1)
        share = (inside - levels[high - 1]) / (levels[high] - levels[high - 1])
        values = totals[:, high - 1] + (totals[:, high] - totals[:, high - 1]) * share
        # Exponential tail: each halving of what is left beyond adds the same number of units.
        slope = (totals[:, -1] - totals[:, -2]) / np.log((1 - levels[-2]) / (1 - levels[-1]))
        beyond = np.log((1 - levels[-1]) / (1 - np.maximum(wanted, levels[-1])))
        return values + slope[:, None] * beyond[None, :]


def check_reach(num_periods: int, horizon: int) -> None:
    """Refuse a protection interval that the forecast does not cover.

    Raises:
        ConfigError: Naming both lengths.
    """
    if num_periods > horizon:
        raise ConfigError(
            f"the protection interval (lead time + review period) is {num_periods} periods, "
            f"longer than the forecast horizon of {horizon}. Raise evaluation.horizon or lower "
            "inventory.lead_time or inventory.review_period."
        )


# Levels at which an expectation is averaged: the middle of 400 equal slices of probability.
MIDPOINTS = (np.arange(400) + 0.5) / 400
